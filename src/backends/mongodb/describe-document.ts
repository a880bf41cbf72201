/** What a document of the field's collections says of itself (docs: cache layouts), without its value. */
import type { MongodbCollection } from "../../config/mongodb.js";
import { HOUR_MS } from "../../core/clock.js";
import type { ReportedEntry } from "../entry-source.js";
import { parseWrittenTime } from "../layouts/local-time.js";
import { marketOfSymbol } from "../layouts/metadata-layout.js";
import type { DocumentFacts } from "./document-facts.js";
import { keyOfId } from "./document-key.js";
import { fingerprintOf } from "./document-proof.js";
import type { MongodbOptions } from "./options.js";

const TYPES: Readonly<Record<string, string>> = { news_data: "news", fundamentals_data: "fundamentals" };
/** What `data_type` says of the form of the value in the collection `cache`. */
const FORMS = ["dataframe", "pickle"];

export function describeDocument(document: DocumentFacts, collection: MongodbCollection, options: MongodbOptions): ReportedEntry {
	const metadata = fieldsOf(document.metadata);
	const first = (field: string): string | null => textOf(document[field]) ?? textOf(metadata[field]);
	const symbol = first("symbol");
	const type = collection.type ?? typeOf(document, metadata);
	const created = timeOf(document.created_at, options) ?? timeOf(document.timestamp, options);
	const key = keyOfId(document._id);
	return {
		key,
		type,
		symbol,
		source: first("data_source"),
		size: document.size,
		createdAt: created,
		createdAtSource: created === null ? "UNKNOWN" : "RECORDED",
		lastAccessedAt: null,
		expiresAt: timeOf(document.expires_at, options) ?? expiryOf(created, first("market_type"), symbol, type, options),
		orphaned: false,
		brokenMetadata: false,
		locator: key,
		fingerprint: fingerprintOf(document),
	};
}

function typeOf(document: DocumentFacts, metadata: Readonly<Record<string, unknown>>): string {
	const own = textOf(document.data_type);
	const named = textOf(metadata.data_type) ?? (own !== null && !FORMS.includes(own) ? own : null);
	return named === null ? "unknown" : (TYPES[named] ?? named);
}

function expiryOf(
	created: number | null,
	market: string | null,
	symbol: string | null,
	type: string,
	options: MongodbOptions,
): number | null {
	const where = market === "us" || market === "china" ? market : marketOfSymbol(symbol ?? "");
	const hours = options.timesToLiveHours[where][type];
	return created === null || hours === undefined ? null : created + hours * HOUR_MS;
}

/** Dates are UTC; a text follows the configured zone; anything else is not a time. */
function timeOf(value: unknown, { timeZone }: MongodbOptions): number | null {
	if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.getTime();
	return typeof value === "string" ? parseWrittenTime(value, timeZone) : null;
}

function textOf(value: unknown): string | null {
	return typeof value === "string" && value !== "" ? value : null;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
