/** A layout of your own: `<type>/<symbol>-<yyyymmdd>.parquet`. Pure functions: names and facts in, meaning out. */
import type { DescribedEntry, StatFacts } from "../../src/backends/layouts/layout.js";
import { fingerprintOf, sizeOf } from "../../src/backends/layouts/stat-facts.js";
import { DAY_MS } from "../../src/core/clock.js";

const NAME = /^([a-z_]+)\/(.+)-(\d{4})(\d\d)(\d\d)\.parquet$/;
const KEPT_DAYS = 30;

interface DatedFile {
	readonly type: string;
	readonly symbol: string;
	/** The day's beginning, UTC. */
	readonly day: number;
}

/** Null for a path (relative to the root, with `/`) that is none of this layout's: it is never listed and never touched. */
export function datedFileOf(path: string): DatedFile | null {
	const [, type, symbol, year, month, date] = NAME.exec(path) ?? [];
	if (type === undefined || symbol === undefined) return null;
	const day = Date.UTC(Number(year), Number(month) - 1, Number(date));
	// 2026-02-31 is no day.
	return new Date(day).getUTCDate() === Number(date) ? { type, symbol, day } : null;
}

/** The key is the path, so that `partsOf` finds the file again when it is to be removed; the fingerprint proves that it is the same. */
export function describeDated({ path, facts }: { readonly path: string; readonly facts: StatFacts }): DescribedEntry | null {
	const file = datedFileOf(path);
	if (file === null) return null;
	return {
		key: path,
		type: file.type,
		symbol: file.symbol,
		source: null,
		size: sizeOf(facts),
		createdAt: file.day,
		createdAtSource: "RECORDED",
		lastAccessedAt: facts.kind === "file" ? Math.floor(facts.atimeMs) : null,
		expiresAt: file.day + KEPT_DAYS * DAY_MS,
		orphaned: false,
		brokenMetadata: false,
		locator: path,
		fingerprint: { data: fingerprintOf(facts), metadata: null },
	};
}
