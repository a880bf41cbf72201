import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { generateTree } from "../../bench/generate-tree.js";
import type { Catalog } from "../../src/catalog/port.js";
import type { Entry } from "../../src/core/entry.js";
import { entryId } from "../../src/core/entry-id.js";
import { ENTRY_ORDER_FIELDS, type EntryOrder, type Selection } from "../../src/core/selection.js";
import { allEntries, openTestCatalog, scannedCatalog } from "../testkit/catalog.js";
import { temporaryFolder } from "../testkit/temporary.js";

const RUNS = process.env.SOAK === "1" ? 2000 : 150;
const NOW = Date.now();
const SYMBOLS = ["AAPL", "0700.HK", "平安银行", "^GSPC", "𝔸stral"];

/** Entries as they were written, not as the catalog read them. */
let entries: Entry[];
let root: string;
let python: string;

/** Few sizes and times, so that many entries tie; some without data, which have no last access. */
function writeTree(): void {
	entries = [];
	for (let i = 0; i < 90; i++) {
		const symbol = SYMBOLS[i % SYMBOLS.length] as string;
		const key = `${symbol}_${i % 3 === 0 ? "news" : "stock_data"}_${String(i).padStart(12, "0")}`;
		const createdAt = NOW - (i % 7) * 3_600_000;
		const type = i % 3 === 0 ? "news" : "stock_data";
		const file = `us_${i % 3 === 0 ? "news" : "stocks"}/${key}.csv`;
		const orphaned = i % 10 === 9;
		const size = orphaned ? 0 : (i % 4) * 10;
		if (!orphaned) writeFileSync(join(root, file), "x".repeat(size));
		const cachedAt = new Date(createdAt).toISOString().slice(0, -1);
		const source = i % 2 === 0 ? "even" : null;
		const metadata = { symbol, data_type: type, market_type: "us", data_source: source, cached_at: cachedAt };
		writeFileSync(join(root, `metadata/${key}_meta.json`), JSON.stringify(metadata));
		const expiresAt = createdAt + (type === "news" ? 6 : 2) * 3_600_000;
		entries.push({
			id: entryId("FILE", "cache", key),
			key,
			backend: "FILE",
			place: "cache",
			type,
			symbol,
			source,
			size,
			createdAt,
			createdAtSource: "RECORDED",
			lastAccessedAt: orphaned ? null : Math.floor(statSync(join(root, file)).atimeMs),
			expiresAt,
			hitCount: null,
			status: orphaned ? "ORPHANED" : expiresAt <= NOW ? "EXPIRED" : "FRESH",
		});
	}
	for (let i = 0; i < 25; i++) {
		const key = `app/__pycache__/m${i}.cpython-311.pyc`;
		writeFileSync(join(python, key), "b".repeat(i % 5));
		utimesSync(join(python, key), (NOW - i * 60_000) / 1000, (NOW - i * 60_000) / 1000);
		const stats = statSync(join(python, key));
		entries.push({
			id: entryId("PYTHON", "py", key),
			key,
			backend: "PYTHON",
			place: "py",
			type: "python",
			symbol: null,
			source: null,
			size: i % 5,
			createdAt: Math.floor(stats.mtimeMs),
			createdAtSource: "MODIFIED",
			lastAccessedAt: Math.floor(stats.atimeMs),
			expiresAt: null,
			hitCount: null,
			status: "FRESH",
		});
	}
}

function matches(entry: Entry, selection: Selection): boolean {
	const among = <T>(list: readonly T[] | undefined, value: T | null): boolean =>
		list === undefined || (value !== null && list.includes(value));
	return (
		among(selection.backends, entry.backend) &&
		among(selection.types, entry.type) &&
		among(selection.symbols, entry.symbol) &&
		among(selection.sources, entry.source) &&
		among(selection.statuses, entry.status) &&
		among(selection.ids, entry.id) &&
		entry.key.includes(selection.keyContains ?? "") &&
		entry.size >= (selection.minBytes ?? 0) &&
		(selection.createdBefore === undefined || entry.backend === "PYTHON" || (entry.createdAt ?? Infinity) < selection.createdBefore)
	);
}

const VALUE = { CREATED_AT: "createdAt", LAST_ACCESSED_AT: "lastAccessedAt", SIZE: "size", KEY: "key", HIT_COUNT: "hitCount" } as const;

function sorted(selection: Selection, { field, direction }: EntryOrder): Entry[] {
	const sign = direction === "ASC" ? 1 : -1;
	const compare = (a: Entry, b: Entry): number => {
		const [x, y] = [a[VALUE[field]], b[VALUE[field]]];
		if (x === null || y === null) return x === y ? sign * (a.id < b.id ? -1 : 1) : x === null ? 1 : -1;
		const order = typeof x === "string" ? Buffer.compare(Buffer.from(x), Buffer.from(y as string)) : x - (y as number);
		return sign * (order || (a.id < b.id ? -1 : 1));
	};
	return entries.filter((entry) => matches(entry, selection)).sort(compare);
}

const someOf = <T>(...values: T[]) => fc.option(fc.subarray(values), { nil: undefined, freq: 3 });
const selections = (): fc.Arbitrary<Selection> =>
	fc
		.record({
			backends: someOf("FILE" as const, "PYTHON" as const, "REDIS" as const),
			types: someOf("stock_data", "news", "python", "none"),
			symbols: someOf(...SYMBOLS, "nobody"),
			sources: someOf("even", "odd"),
			statuses: someOf("FRESH" as const, "EXPIRED" as const, "ORPHANED" as const, "STALE" as const),
			ids: fc.option(fc.subarray([...entries.map(({ id }) => id), "e00000000000000000000"]), { nil: undefined, freq: 3 }),
			keyContains: fc.option(fc.constantFrom("", "_news_", "平安", "%", "_", "PYC", "7"), { nil: undefined, freq: 3 }),
			createdBefore: fc.option(fc.constantFrom(NOW, NOW - 3_600_000, NOW - 5 * 3_600_000, 0), { nil: undefined, freq: 3 }),
			minBytes: fc.option(fc.constantFrom(0, 1, 20, 31), { nil: undefined, freq: 3 }),
		})
		.map((selection) => Object.fromEntries(Object.entries(selection).filter(([, value]) => value !== undefined)));
const orders = fc.record({ field: fc.constantFrom(...ENTRY_ORDER_FIELDS), direction: fc.constantFrom("ASC" as const, "DESC" as const) });

async function readAll(
	catalog: Catalog,
	selection: Selection,
	order: EntryOrder,
	direction: "forward" | "backward",
	limit: number,
): Promise<Entry[]> {
	const read: Entry[] = [];
	let cursor: string | null = null;
	for (;;) {
		const page = await catalog.page(selection, order, { direction, limit, cursor });
		const nodes = page.items.map(({ node }) => node);
		const [ahead, behind] = direction === "forward" ? [page.hasNextPage, page.hasPreviousPage] : [page.hasPreviousPage, page.hasNextPage];
		expect(behind).toBe(read.length > 0);
		if (direction === "forward") read.push(...nodes);
		else read.unshift(...nodes);
		if (!ahead) return read;
		expect(nodes).toHaveLength(limit);
		cursor = (direction === "forward" ? page.items.at(-1) : page.items[0])?.cursor ?? null;
	}
}

describe("pages", () => {
	beforeAll(() => {
		entries = [];
	});

	async function catalogOfBoth(): Promise<Catalog> {
		root = temporaryFolder();
		python = temporaryFolder();
		for (const folder of ["us_news", "us_stocks", "metadata"]) mkdirSync(join(root, folder));
		mkdirSync(join(python, "app/__pycache__"), { recursive: true });
		writeTree();
		return scannedCatalog({
			clock: { now: () => NOW },
			places: [
				{ backend: "FILE", place: "cache", path: root, layout: "auto" },
				{ backend: "PYTHON", place: "py", path: python, layout: "python" },
			],
		});
	}

	it("give every list in every order, both ways, as an independent sort does, and count and select the same", async () => {
		const catalog = await catalogOfBoth();
		expect(await allEntries(catalog)).toEqual(sorted({}, { field: "KEY", direction: "ASC" }));
		const property = fc.asyncProperty(
			selections(),
			orders,
			fc.constantFrom("forward" as const, "backward" as const),
			fc.constantFrom(1, 2, 7, 100),
			async (selection, order, direction, limit) => {
				const expected = sorted(selection, order);
				expect(await readAll(catalog, selection, order, direction, limit)).toEqual(expected);
				const bytes = expected.reduce((sum, { size }) => sum + size, 0);
				expect(await catalog.count(selection)).toEqual({ entries: expected.length, bytes });
				const selected = (await catalog.select("FILE", selection, null, 500)).refs.map(({ id }) => id).sort();
				const ofFile = expected.filter(({ backend }) => backend === "FILE");
				expect(selected).toEqual(ofFile.map(({ id }) => id).sort());
				const { tallies } = await catalog.summarize(selection);
				expect(tallies.reduce((sum, tally) => sum + tally.entries, 0)).toBe(expected.length);
			},
		);
		await fc.assert(property, { numRuns: RUNS });
	});

	it("continue at a cursor whose entry is gone, and refuse one of another list", async () => {
		const catalog = await catalogOfBoth();
		const order = { field: "SIZE", direction: "DESC" } as const;
		const expected = sorted({}, order);
		const page = await catalog.page({}, order, { direction: "forward", limit: 10, cursor: null });
		const cursor = page.items.at(-1)?.cursor as string;
		const removed = expected.slice(5, 12);
		for (const { backend, key } of removed) {
			const paths = backend === "PYTHON" ? [join(python, key)] : ["us_news", "us_stocks"].map((part) => join(root, part, `${key}.csv`));
			for (const path of [...paths, join(root, `metadata/${key}_meta.json`)]) rmSync(path, { force: true });
		}
		await catalog.forget(removed.map(({ id }) => id));
		const next = await catalog.page({}, order, { direction: "forward", limit: 5, cursor });
		expect(next.items.map(({ node }) => node.id)).toEqual(expected.slice(12, 17).map(({ id }) => id));
		expect(next.hasPreviousPage).toBe(true);
		const previous = await catalog.page({}, order, { direction: "backward", limit: 5, cursor });
		expect(previous.items.map(({ node }) => node.id)).toEqual(expected.slice(0, 5).map(({ id }) => id));
		const end = await catalog.page({ ids: [] }, order, { direction: "forward", limit: 5, cursor });
		expect(end).toEqual({ items: [], hasNextPage: false, hasPreviousPage: false });
		for (const wrong of [
			{ ...order, direction: "ASC" as const },
			{ field: "KEY" as const, direction: "DESC" as const },
		]) {
			await expect(catalog.page({}, wrong, { direction: "forward", limit: 5, cursor })).rejects.toMatchObject({
				code: "BAD_USER_INPUT",
				said: { key: "error.badCursor" },
			});
		}
		for (const nonsense of ["", "x", "bnVsbA", Buffer.from('["SIZE","DESC","1; DROP TABLE entries","00"]').toString("base64url")]) {
			await expect(catalog.page({}, order, { direction: "forward", limit: 5, cursor: nonsense })).rejects.toMatchObject({
				code: "BAD_USER_INPUT",
			});
		}
	});
});

it("shows every entry that is left alone exactly once while a writer is busy", async () => {
	const busy = temporaryFolder();
	generateTree({ root: busy, entries: 3000 });
	const catalog = await openTestCatalog({ root: busy });
	await catalog.refresh(null);
	const quiet = (await allEntries(catalog)).map(({ id }) => id);
	const script = `i=0; while :; do i=$((i+1)); k="BUSY$((i % 97))_stock_data_0123456789ab"
		printf "%s" "$i$i$i" > "$1/us_stocks/$k.csv"; printf '{"symbol":"BUSY","data_type":"stock_data","cached_at":"20%02d-01-01T00:00:00"}' $((i % 26)) > "$1/metadata/\${k}_meta.json"
		[ $((i % 5)) = 0 ] && rm "$1/us_stocks/$k.csv" "$1/metadata/\${k}_meta.json"; done`;
	const writer = spawn("/bin/sh", ["-c", script, "sh", busy], { stdio: "ignore" });
	try {
		for (const field of ["CREATED_AT", "KEY", "SIZE"] as const) {
			const ids = (await allEntries(catalog, {}, { field, direction: "DESC" }, 50)).map(({ id }) => id);
			const seen = ids.filter((id) => quiet.includes(id));
			expect(seen.length).toBe(quiet.length);
			expect(new Set(seen).size).toBe(quiet.length);
		}
		expect((await catalog.summarize({})).revision).toBeGreaterThan(quiet.length + 50);
	} finally {
		writer.kill();
		await once(writer, "exit");
	}
});
