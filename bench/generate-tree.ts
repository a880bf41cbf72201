/**
 * Writes a file cache in the metadata layout, as the field's Python programs do: data file first, metadata after it.
 * Ages are spread evenly over `maxAgeDays`; the data file's mtime equals `cached_at`, so that `find -mtime` selects the
 * same files. Times are written without a zone, in UTC.
 *
 * Usage: generate-tree.ts DIR [ENTRIES=200000] [SEED=1]
 */
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export interface TreeOptions {
	readonly root: string;
	readonly entries: number;
	readonly seed?: number;
	readonly maxAgeDays?: number;
	readonly nowMs?: number;
}

const SYMBOLS = ["AAPL", "BRK.B", "0700.HK", "^GSPC", "RDS_B", "000858", "601318", "BF-A", "META", "9988.HK", "300750", "TSLA"];
const SOURCES = ["yfinance", "akshare", "finnhub", "tdx"];
const FOLDER = { stock_data: "stocks", news: "news", fundamentals: "fundamentals" } as const;
const TYPES = ["stock_data", "stock_data", "stock_data", "news", "fundamentals"] as const;

/** Marsaglia's xorshift32: the same seed gives the same tree. */
function xorshift(seed: number): () => number {
	let x = seed | 0 || 1;
	return () => {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		return (x >>> 0) / 0x1_0000_0000;
	};
}

export function generateTree(options: TreeOptions): void {
	const { root, entries, seed = 1, maxAgeDays = 14, nowMs = Date.now() } = options;
	const random = xorshift(seed);
	for (const market of ["us", "china"])
		for (const folder of Object.values(FOLDER)) mkdirSync(join(root, `${market}_${folder}`), { recursive: true });
	mkdirSync(join(root, "metadata"), { recursive: true });
	const filler = "0,29.871892326822092,2025-01-01\n".repeat(64);
	for (let i = 0; i < entries; i++) {
		const type = TYPES[i % TYPES.length] as (typeof TYPES)[number];
		const symbol = SYMBOLS[Math.floor(random() * SYMBOLS.length)] as string;
		const china = type === "news" ? /^\d/.test(symbol) : /^\d{6}$/.test(symbol);
		const folder = `${china ? "china" : "us"}_${FOLDER[type]}`;
		const extension = type === "stock_data" ? "csv" : "txt";
		const key = `${symbol}_${type}_${(i + seed * 0x1000_0000).toString(16).padStart(12, "0")}`;
		const ageMs = Math.floor(random() * maxAgeDays * 86_400_000);
		const cachedAt = new Date(nowMs - ageMs);
		const data = filler.slice(0, 100 + Math.floor(random() * 1900));
		const path = join(root, folder, `${key}.${extension}`);
		writeFileSync(path, data);
		utimesSync(path, cachedAt, cachedAt);
		const metadata = {
			symbol,
			data_type: type,
			...(type === "news" ? {} : { market_type: china ? "china" : "us" }),
			start_date: "2025-11-01",
			end_date: "2025-12-25",
			data_source: SOURCES[i % SOURCES.length],
			file_path: `/app/data/cache/${folder}/${key}.${extension}`,
			file_format: extension,
			content_length: data.length,
			cached_at: `${cachedAt.toISOString().slice(0, -1)}000`,
		};
		const metadataPath = join(root, "metadata", `${key}_meta.json`);
		writeFileSync(metadataPath, JSON.stringify(metadata, null, 2));
		utimesSync(metadataPath, cachedAt, cachedAt);
	}
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
	const [root, entries = "200000", seed = "1"] = process.argv.slice(2);
	if (!root) throw new Error("usage: generate-tree.ts DIR [ENTRIES] [SEED]");
	generateTree({ root, entries: Number(entries), seed: Number(seed) });
}
