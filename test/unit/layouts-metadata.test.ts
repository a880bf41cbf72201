import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { LayoutSettings, StatFacts } from "../../src/backends/layouts/layout.js";
import {
	type DataFileName,
	dataFileOf,
	describeMetadataEntry,
	describeStrayDataFile,
	isDataFolder,
	metadataKeyOf,
	metadataNameOf,
	primaryDataFile,
} from "../../src/backends/layouts/metadata-layout.js";
import { factsOf, fingerprintOf } from "../../src/backends/layouts/stat-facts.js";

const settings: LayoutSettings = {
	timeZone: "UTC",
	timesToLiveHours: {
		us: { stock_data: 2, news: 6, fundamentals: 24 },
		china: { stock_data: 1, news: 4, fundamentals: 12 },
	},
};
const HOUR = 3_600_000;
const root = join(import.meta.dirname, "../fixtures/metadata-layout");

const facts: StatFacts = {
	kind: "file",
	size: 174,
	mtimeMs: 1_700_000_000_123.5,
	ctimeMs: 1_700_000_000_123.5,
	atimeMs: 1_700_000_009_000.25,
	ino: 77,
	links: 1,
};
const metadataFacts: StatFacts = { ...facts, size: 300, ino: 78 };

function json(fields: Record<string, unknown>): Uint8Array {
	return Buffer.from(JSON.stringify(fields, null, 2));
}
const written = {
	symbol: "000858",
	data_type: "stock_data",
	market_type: "china",
	data_source: "openai",
	file_format: "csv",
	cached_at: "2026-11-22T01:56:47.961953",
};

describe("the metadata layout", () => {
	it("reads every sample that the field's programs wrote", () => {
		const names = readdirSync(join(root, "metadata"));
		expect(names.length).toBe(24);
		for (const name of names) {
			const key = metadataKeyOf(name) as string;
			expect(metadataNameOf(key)).toBe(name);
			const content = readFileSync(join(root, "metadata", name));
			const recorded = JSON.parse(content.toString());
			const [folder, dataName] = recorded.file_path.split("/").slice(-2);
			if (!isDataFolder(folder)) throw new Error(folder);
			const data = dataFileOf(dataName);
			expect(data).toEqual({ key, extension: recorded.file_format });
			const dataFacts = factsOf(lstatSync(join(root, folder, dataName)));
			const entry = describeMetadataEntry(
				{ key, folder, extension: data?.extension ?? null, data: dataFacts, metadata: metadataFacts, content },
				settings,
			);
			const createdAt = Math.floor(Date.parse(`${recorded.cached_at}Z`));
			const hours = settings.timesToLiveHours[folder.startsWith("us") ? "us" : "china"][recorded.data_type] as number;
			expect(entry).toEqual({
				key,
				type: recorded.data_type,
				symbol: recorded.symbol,
				source: recorded.data_source,
				size: dataFacts.size,
				createdAt,
				createdAtSource: "RECORDED",
				lastAccessedAt: Math.floor(dataFacts.atimeMs),
				expiresAt: createdAt + hours * HOUR,
				orphaned: false,
				brokenMetadata: false,
				locator: `${folder}/${dataName}`,
				fingerprint: { data: fingerprintOf(dataFacts), metadata: fingerprintOf(metadataFacts) },
			});
		}
	});

	it.each(["BRK.B", "0700.HK", "^GSPC", "RDS_B", "BF-A", "贵州茅台", "EUR=X", "M&M.NS", ".DJI", "a_stock_data_b"])(
		"takes the symbol %s from the metadata and leaves the key whole",
		(symbol) => {
			const key = `${symbol}_stock_data_0123456789ab`;
			expect(dataFileOf(`${key}.csv`)).toEqual({ key, extension: "csv" });
			expect(metadataKeyOf(`${key}_meta.json`)).toBe(key);
			const content = json({ ...written, symbol, file_path: `C:\\cache\\us_stocks\\${key}.csv` });
			const entry = describeMetadataEntry(
				{ key, folder: "us_stocks", extension: "csv", data: facts, metadata: metadataFacts, content },
				settings,
			);
			expect(entry).toMatchObject({ key, symbol, brokenMetadata: false, locator: `us_stocks/${key}.csv` });
		},
	);

	it("knows names that are not its own", () => {
		for (const name of ["notes.md", "noending", ".csv", "a.csv.tmp", "a.CSV", ".gitkeep", ".a.csv", "", "csv", ".~lock.json"])
			expect(dataFileOf(name)).toBeNull();
		for (const name of ["_meta.json", "a.json", "a_meta.json~", ".a_meta.json", ".tmp_meta.json", ""])
			expect(metadataKeyOf(name)).toBeNull();
	});

	it("lists metadata without data as orphaned, with nothing in it, by what it records", () => {
		const key = "000858_news_0123456789ab";
		const content = json({ ...written, data_type: "news", market_type: undefined });
		const entry = describeMetadataEntry({ key, folder: null, extension: null, data: null, metadata: metadataFacts, content }, settings);
		expect(entry).toMatchObject({
			key,
			type: "news",
			symbol: "000858",
			size: 0,
			orphaned: true,
			locator: null,
			createdAtSource: "RECORDED",
			lastAccessedAt: null,
		});
		expect(entry.createdAt).toBe(Date.parse("2026-11-22T01:56:47.961Z"));
		expect(entry.expiresAt).toBe(entry.createdAt + 4 * HOUR);
		expect(entry.fingerprint).toEqual({ data: null, metadata: fingerprintOf(metadataFacts) });
	});

	it("lists data without metadata by folder and mtime, and calls nothing broken", () => {
		const key = "000858_fundamentals_0123456789ab";
		const entry = describeMetadataEntry(
			{ key, folder: "china_fundamentals", extension: "txt", data: facts, metadata: null, content: null },
			settings,
		);
		expect(entry).toMatchObject({
			type: "fundamentals",
			symbol: null,
			source: null,
			createdAt: 1_700_000_000_123,
			createdAtSource: "MODIFIED",
			brokenMetadata: false,
			orphaned: false,
			size: 174,
		});
		expect(entry.expiresAt).toBe(entry.createdAt + 12 * HOUR);
		expect(entry.fingerprint.metadata).toBeNull();
	});

	it.each<[string, Record<string, unknown> | unknown[] | string]>([
		["a list", [written]],
		["no symbol", { ...written, symbol: undefined }],
		["a number as symbol", { ...written, symbol: 858 }],
		["an unknown data type", { ...written, data_type: "options" }],
		["a time that is none", { ...written, cached_at: "yesterday" }],
		["a day that does not exist", { ...written, cached_at: "2026-02-30T00:00:00" }],
		["a number as time", { ...written, cached_at: 1_700_000_000 }],
		["no text at all", ""],
		["null", "null"],
		["two documents", "{}{}"],
	])("lists an entry whose metadata is %s by its data file, and reports it", (_what, value) => {
		const content = typeof value === "string" ? Buffer.from(value) : Buffer.from(JSON.stringify(value));
		const entry = describeMetadataEntry(
			{ key: "k_news_0123456789ab", folder: "us_news", extension: "txt", data: facts, metadata: metadataFacts, content },
			settings,
		);
		expect(entry).toMatchObject({
			type: "news",
			symbol: null,
			source: null,
			createdAt: 1_700_000_000_123,
			createdAtSource: "MODIFIED",
			brokenMetadata: true,
			orphaned: false,
		});
		expect(entry.fingerprint.metadata).toBe(fingerprintOf(metadataFacts));
		const alone = describeMetadataEntry(
			{ key: "k_news_0123456789ab", folder: null, extension: null, data: null, metadata: metadataFacts, content },
			settings,
		);
		expect(alone).toMatchObject({ type: "news", size: 0, orphaned: true, brokenMetadata: true });
	});

	it("takes metadata that was cut off at any byte as broken, never as something else", () => {
		const whole = json({ ...written, symbol: "贵州茅台" });
		fc.assert(
			fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
				const content = whole.subarray(0, length);
				const entry = describeMetadataEntry(
					{ key: "k", folder: "us_stocks", extension: "csv", data: facts, metadata: metadataFacts, content },
					settings,
				);
				expect(entry).toMatchObject({ brokenMetadata: true, symbol: null });
			}),
		);
	});

	it("survives any bytes as metadata", () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.uint8Array({ maxLength: 400 }),
					fc.json().map((text) => Buffer.from(text)),
				),
				(content) => {
					const entry = describeMetadataEntry(
						{ key: "k", folder: "us_news", extension: "csv", data: facts, metadata: metadataFacts, content },
						settings,
					);
					expect(entry).toMatchObject({ brokenMetadata: true, type: "news" });
				},
			),
		);
	});

	it("lists links, pipes and other things that are no file with nothing in them", () => {
		for (const kind of ["link", "fifo", "socket", "device"] as const) {
			const entry = describeMetadataEntry(
				{ key: "k", folder: "us_stocks", extension: "csv", data: { ...facts, kind }, metadata: null, content: null },
				settings,
			);
			expect(entry).toMatchObject({ size: 0, lastAccessedAt: null, orphaned: false, locator: "us_stocks/k.csv" });
		}
	});

	it("takes the data file that the metadata means, whatever else has its key", () => {
		const file = (folder: DataFileName["folder"], extension: DataFileName["extension"]): DataFileName => ({ key: "k", folder, extension });
		const usCsv = file("us_stocks", "csv");
		const usTxt = file("us_stocks", "txt");
		const chinaCsv = file("china_stocks", "csv");
		const news = file("us_news", "txt");
		const all = [news, chinaCsv, usTxt, usCsv] as const;
		expect(primaryDataFile([...all], json({ ...written, market_type: "us", file_format: "txt" }))).toBe(usTxt);
		expect(primaryDataFile([...all], json(written))).toBe(chinaCsv);
		expect(primaryDataFile([...all], json({ ...written, market_type: undefined, symbol: "AAPL" }))).toBe(usCsv);
		expect(primaryDataFile([...all], json({ ...written, data_type: "news", symbol: "X" }))).toBe(news);
		expect(primaryDataFile([...all], json({ ...written, market_type: "us", file_format: "json" }))).toBe(usCsv);
		expect(primaryDataFile([...all], Buffer.from("{"))).toBe(usCsv);
		expect(primaryDataFile([...all], null)).toBe(usCsv);
		expect(primaryDataFile([news], json(written))).toBe(news);
		expect(describeStrayDataFile(usTxt, facts, settings)).toMatchObject({
			key: "us_stocks/k.txt",
			locator: "us_stocks/k.txt",
			type: "stock_data",
			fingerprint: { metadata: null },
		});
	});
});

describe("a fingerprint", () => {
	const value = fc.record({ size: fc.nat(), mtimeMs: fc.double({ noNaN: true }), ctimeMs: fc.double({ noNaN: true }), ino: fc.nat() });

	it("is a whole number of 52 bits that follows from the file's facts alone", () => {
		fc.assert(
			fc.property(value, (it) => {
				const print = fingerprintOf(it);
				expect(Number.isSafeInteger(print)).toBe(true);
				expect(print).toBeGreaterThanOrEqual(0);
				expect(print).toBeLessThan(2 ** 52);
				expect(fingerprintOf({ ...it })).toBe(print);
			}),
		);
	});

	it("differs for 400,000 files that differ a little, also when both times move together", () => {
		const seen = new Set<number>();
		for (let i = 0; i < 100_000; i++) {
			const at = 1_700_000_000_000 + i * 2 ** 19;
			seen.add(fingerprintOf({ size: 100, mtimeMs: at, ctimeMs: at, ino: 5 }));
			seen.add(fingerprintOf({ size: 101 + i, mtimeMs: 1_700_000_000_000, ctimeMs: 1_700_000_000_000, ino: 5 }));
			seen.add(fingerprintOf({ size: 100, mtimeMs: 1_700_000_000_000, ctimeMs: 1_700_000_000_000, ino: 6 + i }));
			seen.add(fingerprintOf({ size: 100, mtimeMs: 1_700_000_000_000 + (i + 1) / 4096, ctimeMs: 1_700_000_000_000, ino: 5 }));
		}
		expect(seen.size).toBe(400_000);
	});
});
