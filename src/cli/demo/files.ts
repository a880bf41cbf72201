/** The files of the sample cache, as a list: what lies where, and how old it is. */
import { createHash } from "node:crypto";
import { pickleOf } from "./pickles.js";

export interface DemoFile {
	/** Relative to the demo's folder. */
	readonly path: string;
	readonly data: string | Buffer;
	readonly modifiedAt: number;
}

const ENTRIES = 3_000;
const PICKLES = 240;
const BYTE_CODE_FILES = 160;
const HOUR_MS = 3_600_000;

const SYMBOLS = ["AAPL", "BRK.B", "0700.HK", "^GSPC", "^IXIC", "RDS_B", "BF-A", "000858", "601318", "300750", "贵州茅台", "TSLA"];
const SOURCES = ["yfinance", "akshare", "finnhub", "tdx"];
const TYPES = ["stock_data", "news", "fundamentals"] as const;
const FOLDER = { stock_data: "stocks", news: "news", fundamentals: "fundamentals" } as const;

/** Marsaglia's xorshift32: the same seed gives the same cache. */
function xorshift(seed: number): () => number {
	let x = seed | 0 || 1;
	return () => {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		return (x >>> 0) / 0x1_0000_0000;
	};
}

/** From minutes to six weeks old, evenly over the magnitudes. */
function ageMs(random: () => number): number {
	return 10 ** (random() * 3.9 - 0.6) * HOUR_MS * 0.55;
}

export function* demoFiles(now: number): Generator<DemoFile> {
	const random = xorshift(20_261_123);
	yield* metadataLayout(now, random);
	yield* pickleLayout(now, random);
	yield* byteCode(now, random);
}

function pick<T>(list: readonly T[], random: () => number): T {
	return list[Math.floor(random() * list.length)] as T;
}

/** Mostly whole entries; some without data, some without metadata, some with metadata that nobody can read. */
function* metadataLayout(now: number, random: () => number): Generator<DemoFile> {
	for (let i = 0; i < ENTRIES; i++) {
		const type = TYPES[Math.floor(random() ** 1.4 * TYPES.length)] ?? "stock_data";
		const symbol = pick(SYMBOLS, random);
		const chinese = type === "news" ? /^\d/.test(symbol) : /^\d{6}$/.test(symbol);
		const folder = `${chinese ? "china" : "us"}_${FOLDER[type]}`;
		const extension = type === "stock_data" ? "csv" : type === "news" ? "txt" : "json";
		const key = `${symbol}_${type}_${digest(`entry ${i}`, 12)}`;
		const writtenAt = Math.floor(now - ageMs(random));
		const data = contentOf(type, symbol, Math.floor(random() * 160) + 4);
		const metadata = JSON.stringify(
			{
				symbol,
				data_type: type,
				...(type === "news" ? {} : { market_type: chinese ? "china" : "us" }),
				start_date: "2026-09-01",
				end_date: "2026-11-20",
				data_source: pick(SOURCES, random),
				file_path: `/app/data/cache/${folder}/${key}.${extension}`,
				file_format: extension,
				content_length: data.length,
				cached_at: `${new Date(writtenAt).toISOString().slice(0, -1)}000`,
			},
			null,
			2,
		);
		const fate = i % 60;
		if (fate !== 7) yield { path: `cache/${folder}/${key}.${extension}`, data, modifiedAt: writtenAt };
		if (fate === 13) continue;
		const written = fate === 29 ? metadata.slice(0, 90) : fate === 43 ? "\0\0\0\0" : metadata;
		yield { path: `cache/metadata/${key}_meta.json`, data: written, modifiedAt: writtenAt };
	}
}

function* pickleLayout(now: number, random: () => number): Generator<DemoFile> {
	for (let i = 0; i < PICKLES; i++) {
		const data = i % 40 === 39 ? Buffer.from("not a pickle") : pickleOf(TYPES[i % TYPES.length] ?? "news", pick(SYMBOLS, random));
		yield { path: `cache/${digest(`pickle ${i}`, 32)}.pkl`, data, modifiedAt: now - ageMs(random) };
	}
}

/** Byte code of CPython 3.11: magic number, flags, time, size, and a marshalled None. */
function* byteCode(now: number, random: () => number): Generator<DemoFile> {
	const header = Buffer.from("a70d0d0a000000000000000000000000", "hex");
	for (let i = 0; i < BYTE_CODE_FILES; i++) {
		const folder = `python/app/${["agents", "dataflows", "graph", "utils"][i % 4] ?? "utils"}`;
		const data = Buffer.concat([header, Buffer.from("N".padEnd(400 + Math.floor(random() * 4_000), "N"))]);
		yield { path: `${folder}/module_${i}.py`, data: `VALUE = ${i}\n`, modifiedAt: now - ageMs(random) };
		yield { path: `${folder}/__pycache__/module_${i}.cpython-311.pyc`, data, modifiedAt: now - ageMs(random) };
	}
}

function contentOf(type: (typeof TYPES)[number], symbol: string, lines: number): string {
	if (type === "news") return `${symbol} 新闻 / news: the market moved, and so did the reports about it.\n`.repeat(lines);
	if (type === "fundamentals") return JSON.stringify({ symbol, ratios: Array.from({ length: lines }, (_, i) => 10 + i / 4) });
	return `date,close\n${Array.from({ length: lines }, (_, i) => `2026-${String((i % 11) + 1).padStart(2, "0")}-15,${100 + i / 8}`).join("\n")}\n`;
}

function digest(text: string, length: number): string {
	return createHash("md5").update(text).digest("hex").slice(0, length);
}
