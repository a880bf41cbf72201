import { BackendInfoDocument } from "../client/generated/graphql.js";
import type { Session } from "../client/session.js";
import type { CliContext } from "./context.js";
import { printable } from "./format.js";
import { backendsOf, type SelectionOptions } from "./options.js";

/** What configures each layer. */
const CONFIGURED_BY = { file: "CACHE_DIR", database: "REDIS_URL, MONGODB_URI", python: "PYTHON_ROOTS" } as const;

/** Says when a layer that was asked for by its name is not there: its empty answer would look like an empty cache. */
export async function noteMissingLayer({ terminal }: CliContext, session: Session, options: Pick<SelectionOptions, "type">): Promise<void> {
	const { type } = options;
	const wanted = backendsOf(options);
	if (type === "all" || wanted === null) return;
	const { backendInfo } = await session.execute(BackendInfoDocument, {});
	if (backendInfo?.backends.some(({ kind }) => wanted.includes(kind))) return;
	terminal.note(terminal.t("cli.layer.missing", { layer: type, settings: CONFIGURED_BY[type] }));
}

/** Names what cannot be read of the layers that were asked for: what lies there is missing from the answer. */
export async function noteUnavailable({ terminal }: CliContext, session: Session, options: Pick<SelectionOptions, "type">): Promise<void> {
	const wanted = backendsOf(options);
	const { backendInfo } = await session.execute(BackendInfoDocument, {});
	for (const { kind, location, available, error } of backendInfo?.backends ?? []) {
		if (available || !(wanted?.includes(kind) ?? true)) continue;
		const facts = { layer: terminal.t(`cli.layer.${kind}`), location, reason: printable(error ?? "?") };
		terminal.note(terminal.t("cli.layer.unavailable", facts));
	}
}
