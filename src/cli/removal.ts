/** What cleanup and clear share: looking first. */
import { type CleanupInput, PreviewDocument, type PreviewQuery } from "../client/generated/graphql.js";
import type { Session } from "../client/session.js";
import type { CliContext } from "./context.js";
import { entryTable } from "./entry-table.js";
import { formatBytes, formatCount, printable } from "./format.js";
import { noteUnavailable } from "./layers.js";
import type { CommonOptions, SelectionOptions } from "./options.js";
import { formatTable } from "./table.js";
import type { Terminal } from "./terminal.js";

/** What would be removed, without removing it. */
export async function showPreview(
	context: CliContext,
	session: Session,
	input: CleanupInput,
	{ all, options }: { readonly all: boolean; readonly options: CommonOptions & SelectionOptions },
): Promise<void> {
	const { terminal } = context;
	await noteUnavailable(context, session, options);
	const { cleanupPreview } = await session.execute(PreviewDocument, { input, all });
	if (!cleanupPreview) throw new Error("the server answered without a preview");
	if (options.json) terminal.printJson(cleanupPreview);
	else printPreview(terminal, cleanupPreview);
}

function printPreview(terminal: Terminal, preview: NonNullable<PreviewQuery["cleanupPreview"]>): void {
	const { t, print } = terminal;
	print(t("cli.preview.total", { entries: formatCount(preview.entries), bytes: formatBytes(preview.bytes) }));
	if (preview.entries === 0) return;
	const columns = [{ title: t("cli.column.entries"), align: "right" } as const, { title: t("cli.column.bytes"), align: "right" } as const];
	const layers = preview.byBackend.map((layer) => [t(`cli.layer.${layer.backend}`), formatCount(layer.entries), formatBytes(layer.bytes)]);
	const types = preview.byType.map((type) => [printable(type.type), formatCount(type.entries), formatBytes(type.bytes)]);
	print(`\n${formatTable(terminal, [{ title: t("cli.column.layer") }, ...columns], layers)}`);
	print(`\n${formatTable(terminal, [{ title: t("cli.column.type") }, ...columns], types)}`);
	for (const { backend, entries, bytes, reason } of preview.unrestorable) {
		const facts = { layer: t(`cli.layer.${backend}`), entries: formatCount(entries), bytes: formatBytes(bytes), reason };
		print(`\n${t("cli.preview.unrestorable", facts)}`);
	}
	print(`\n${t("cli.preview.sample")}\n${entryTable(terminal, preview.sample)}`);
}
