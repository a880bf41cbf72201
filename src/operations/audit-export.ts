import type { AuditEntry, AuditFilter } from "../audit/port.js";
import { CSV_BEGINNING, type CsvValue, csvLine } from "../core/csv.js";
import { type Locale, say } from "../core/messages/catalogue.js";
import type { Dependencies } from "./dependencies.js";

export const EXPORT_FORMATS = ["csv", "jsonl"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** An entry has up to 130 kB of details, and text of it is there twice for a moment. */
const SLICE = 200;

/** In the names of the GraphQL API; JSON lines have the same members. */
const COLUMNS = {
	sequence: (entry) => entry.sequence,
	id: (entry) => entry.id,
	timestamp: (entry) => new Date(entry.timestamp).toISOString(),
	userId: (entry) => entry.userId,
	username: (entry) => entry.username,
	origin: (entry) => entry.origin,
	actionType: (entry) => entry.actionType,
	action: (entry) => entry.action,
	success: (entry) => entry.success,
	errorCode: (entry) => entry.errorCode,
	errorMessage: ({ errorMessage }, locale) =>
		typeof errorMessage === "object" && errorMessage !== null ? say(locale, errorMessage) : errorMessage,
	durationMs: (entry) => entry.durationMs,
	jobId: (entry) => entry.jobId,
	requestId: (entry) => entry.requestId,
	ipAddress: (entry) => entry.ipAddress,
	userAgent: (entry) => entry.userAgent,
	details: (entry) => JSON.stringify(entry.details),
	hash: (entry) => entry.hash,
} satisfies Record<string, (entry: AuditEntry, locale: Locale) => CsvValue>;

function csvRow(entry: AuditEntry, locale: Locale): string {
	return csvLine(Object.values(COLUMNS).map((value) => value(entry, locale)));
}

function jsonRow(entry: AuditEntry, locale: Locale): string {
	const members = Object.entries(COLUMNS).map(([name, value]) => [name, value(entry, locale)]);
	return `${JSON.stringify({ ...Object.fromEntries(members), details: entry.details })}\n`;
}

/** Everything that matches, newest first, as text in pieces; the next piece is read when the one before has been taken. Null matches nothing. */
export async function* exported(
	{ audit }: Pick<Dependencies, "audit">,
	filter: AuditFilter | null,
	format: ExportFormat,
	locale: Locale,
): AsyncGenerator<string> {
	let text = format === "csv" ? CSV_BEGINNING + csvLine(Object.keys(COLUMNS)) : "";
	const row = format === "csv" ? csvRow : jsonRow;
	for (let cursor: string | null = null; filter !== null; ) {
		const items = await audit.slice(filter, cursor, SLICE);
		for (const { entry } of items) text += row(entry, locale);
		if (text !== "") yield text;
		text = "";
		const last = items.at(-1);
		if (last === undefined || items.length < SLICE) return;
		cursor = last.cursor;
	}
	if (text !== "") yield text;
}
