import type { EntryFieldsFragment } from "../client/generated/graphql.js";
import { formatAge, formatBytes, printable } from "./format.js";
import { formatTable } from "./table.js";
import type { Terminal } from "./terminal.js";

export function entryTable(terminal: Terminal, entries: readonly EntryFieldsFragment[]): string {
	const { t, locale } = terminal;
	const now = Date.now();
	return formatTable(
		terminal,
		[
			{ title: t("cli.column.id") },
			{ title: t("cli.column.layer") },
			{ title: t("cli.column.type") },
			{ title: t("cli.column.symbol") },
			{ title: t("cli.column.bytes"), align: "right" },
			{ title: t("cli.column.age"), align: "right" },
			{ title: t("cli.column.status") },
			{ title: t("cli.column.key") },
		],
		entries.map((entry) => [
			entry.id,
			t(`cli.layer.${entry.backend}`),
			printable(entry.type),
			printable(entry.symbol ?? "–"),
			formatBytes(entry.size),
			entry.createdAt ? formatAge(Date.parse(entry.createdAt), now, locale) : "–",
			t(`cli.entryStatus.${entry.status}`),
			printable(entry.key),
		]),
	);
}
