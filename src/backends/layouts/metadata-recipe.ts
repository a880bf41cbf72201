/** The metadata file's text, written and read whole; `metadata-json.ts` reads what a scan needs of it. */
import { marketOfSymbol } from "./metadata-layout.js";

export interface MetadataFacts {
	readonly symbol: string;
	readonly type: string;
	readonly source: string | null;
	readonly startDate: string | null;
	readonly endDate: string | null;
}

export interface WrittenMetadata extends MetadataFacts {
	/** As the writer sees it. */
	readonly filePath: string;
	readonly format: string;
	/** Characters, as Python's `len` counts them. */
	readonly contentLength: number;
	/** Local time without a zone. */
	readonly cachedAt: string;
}

/** Members in the order in which the field's programs write them for that type. */
export function metadataText({ symbol, type, source, startDate, endDate, ...file }: WrittenMetadata): string {
	const market = { market_type: marketOfSymbol(symbol) };
	const dates = { start_date: startDate, end_date: endDate };
	const members =
		type === "fundamentals"
			? { symbol, data_type: type, data_source: source, ...market }
			: type === "news"
				? { symbol, data_type: type, ...dates, data_source: source }
				: { symbol, data_type: type, ...market, ...dates, data_source: source };
	return JSON.stringify(
		{ ...members, file_path: file.filePath, file_format: file.format, content_length: file.contentLength, cached_at: file.cachedAt },
		null,
		2,
	);
}

/** Null when it does not say what the entry was loaded with. */
export function metadataFacts(content: Uint8Array): (MetadataFacts & { readonly cachedAt: string }) | null {
	let parsed: unknown;
	try {
		parsed = JSON.parse(Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("utf8"));
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
	if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
	const members = parsed as Readonly<Record<string, unknown>>;
	const text = (name: string): string | null => {
		const value = members[name];
		return typeof value === "string" && value !== "" ? value : null;
	};
	const symbol = text("symbol");
	const type = text("data_type");
	const cachedAt = text("cached_at");
	if (symbol === null || type === null || cachedAt === null) return null;
	return { symbol, type, source: text("data_source"), startDate: text("start_date"), endDate: text("end_date"), cachedAt };
}
