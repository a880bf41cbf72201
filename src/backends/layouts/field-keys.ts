/** The keys that the field's programs give their entries, so that they find what was written for them. */
import { createHash } from "node:crypto";
import { marketOfSymbol } from "./metadata-layout.js";

export interface KeyFacts {
	readonly symbol: string;
	readonly type: string;
	readonly source: string;
	readonly startDate: string | null;
	readonly endDate: string | null;
	/** The day of writing in the writer's zone, `YYYY-MM-DD`: fundamentals are kept by the day. */
	readonly day: string;
}

/** `<symbol>_<data_type>_<12 hex>` of the file layout with metadata. */
export function metadataKeyFor(facts: KeyFacts): string {
	return `${facts.symbol}_${facts.type}_${digest(facts.type, facts, true).slice(0, 12)}`;
}

/** `stock:<symbol>:<16 hex>` and the like, of Redis and MongoDB. */
export function databaseKeyFor(facts: KeyFacts): string {
	const prefix = facts.type === "stock_data" ? "stock" : facts.type;
	return `${prefix}:${facts.symbol}:${digest(prefix, facts, false).slice(0, 16)}`;
}

/**
 * The writers' own digest: MD5 of the prefix, the symbol, and each parameter with its name in the order of names. An absent date is
 * Python's `None`. Only the file layout counts the market, and not for news.
 */
function digest(prefix: string, { symbol, type, source, startDate, endDate, day }: KeyFacts, withMarket: boolean): string {
	const parameters: Record<string, string> =
		type === "fundamentals" ? { date: day, source } : { end_date: endDate ?? "None", source, start_date: startDate ?? "None" };
	if (withMarket && type !== "news") parameters.market = marketOfSymbol(symbol);
	const text = Object.keys(parameters)
		.sort()
		.reduce((made, name) => `${made}_${name}_${parameters[name]}`, `${prefix}_${symbol}`);
	return createHash("md5").update(text).digest("hex");
}
