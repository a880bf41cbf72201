export type MetadataType = "stock_data" | "news" | "fundamentals";
export type Market = "us" | "china";

/** What a metadata file says. */
export interface CacheMetadata {
	readonly symbol: string;
	readonly type: MetadataType;
	/** Null when absent (news) or none that is known: the folder tells it then. */
	readonly market: Market | null;
	readonly source: string | null;
	readonly fileFormat: string | null;
	/** As written; its zone is a matter of configuration. */
	readonly cachedAt: string;
}

/**
 * Null when it is not a JSON object, or one without a symbol, a known data type or a time: broken or half-written.
 * Costs about 1 µs a file; a scan by hand or by expression that checks as much takes longer than JSON.parse.
 */
export function readCacheMetadata(content: Uint8Array): CacheMetadata | null {
	let parsed: unknown;
	try {
		parsed = JSON.parse(Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("utf8"));
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
	if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
	const {
		symbol,
		data_type: type,
		market_type: market,
		data_source: source,
		file_format: fileFormat,
		cached_at: cachedAt,
	} = parsed as Fields;
	if (typeof symbol !== "string" || symbol === "" || typeof cachedAt !== "string") return null;
	if (type !== "stock_data" && type !== "news" && type !== "fundamentals") return null;
	return {
		symbol,
		type,
		market: market === "us" || market === "china" ? market : null,
		source: typeof source === "string" ? source : null,
		fileFormat: typeof fileFormat === "string" ? fileFormat : null,
		cachedAt,
	};
}

interface Fields {
	readonly symbol?: unknown;
	readonly data_type?: unknown;
	readonly market_type?: unknown;
	readonly data_source?: unknown;
	readonly file_format?: unknown;
	readonly cached_at?: unknown;
}
