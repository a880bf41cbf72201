import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import {
	allEntries,
	closeCatalog,
	entryOf,
	openTestCatalog,
	otherProcess,
	scannedCatalog,
	totals,
	within2s,
	writeEntry,
} from "../testkit/catalog.js";
import { countDataFiles, keysCachedBefore } from "../testkit/independent-count.js";
import { temporaryFolder } from "../testkit/temporary.js";

const NEWEST = { field: "CREATED_AT", direction: "DESC" } as const;

describe("the catalog of a tree in the metadata layout", () => {
	it("agrees with find and jq", async () => {
		const root = temporaryFolder();
		generateTree({ root, entries: 3000, seed: 4 });
		const catalog = await scannedCatalog({ root });
		const stats = catalog.stats(null);
		expect(totals(stats)).toEqual(countDataFiles(root));
		expect(stats.layers).toMatchObject([{ backend: "FILE", available: true, error: null }]);
		const byType = Object.fromEntries(stats.byType.map(({ type, entries }) => [type, entries]));
		expect(byType).toEqual({ stock_data: 1800, news: 600, fundamentals: 600 });
		expect(stats.byAge.reduce((sum, { entries }) => sum + entries, 0)).toBe(3000);
		const before = new Date(Date.now() - 7 * 86_400_000);
		const older = await allEntries(catalog, { createdBefore: before.getTime() });
		expect(older.map(({ key }) => key)).toEqual(keysCachedBefore(root, before));
		expect(await catalog.count({ createdBefore: before.getTime() })).toMatchObject({ entries: older.length });
	});

	it("shows what another process writes, rewrites and removes within 2 s", async () => {
		const root = temporaryFolder();
		generateTree({ root, entries: 50 });
		const catalog = await scannedCatalog({ root });
		writeEntry(root, "NEW_stock_data_0123456789ab", { data: "12345" });
		const made = await within2s(async () => {
			const entry = await entryOf(catalog, "NEW_stock_data_0123456789ab");
			expect(entry).toMatchObject({ size: 5, symbol: "NEW", status: "FRESH", createdAtSource: "RECORDED" });
			expect(totals(catalog.stats(null)).entries).toBe(51);
			return entry;
		});

		otherProcess('printf 1234567 > "$1"', join(root, "us_stocks/NEW_stock_data_0123456789ab.csv"));
		await within2s(async () => expect(await entryOf(catalog, "NEW_stock_data_0123456789ab")).toMatchObject({ id: made?.id, size: 7 }));

		otherProcess('rm "$1"', join(root, "us_stocks/NEW_stock_data_0123456789ab.csv"));
		await within2s(async () =>
			expect(await entryOf(catalog, "NEW_stock_data_0123456789ab")).toMatchObject({ size: 0, status: "ORPHANED" }),
		);

		otherProcess('rm "$1"', join(root, "metadata/NEW_stock_data_0123456789ab_meta.json"));
		await within2s(async () => expect(await entryOf(catalog, "NEW_stock_data_0123456789ab")).toBeUndefined());
		await within2s(() => expect(totals(catalog.stats(null))).toEqual(countDataFiles(root)));
	});

	it("notices a rewrite of the same size, a file renamed over another, and a time set back", async () => {
		const root = temporaryFolder();
		const key = "AAPL_stock_data_0123456789ab";
		writeEntry(root, key, { data: "aaaa" });
		const catalog = await scannedCatalog({ root });
		const fingerprint = async () => (await catalog.select("FILE", {}, null, 10)).refs[0]?.fingerprint;
		const file = join(root, `us_stocks/${key}.csv`);
		const changes = [
			['printf bbbb > "$1"', file],
			['printf cccc > "$1.part"; mv "$1.part" "$1"', file],
			['touch -d "2020-01-01T00:00:00Z" "$1"', file],
		] as const;
		for (const [script, path] of changes) {
			const before = await fingerprint();
			const { revision } = await catalog.summarize({});
			otherProcess(script, path);
			await catalog.refresh(null);
			expect(await fingerprint()).not.toEqual(before);
			expect((await catalog.summarize({})).revision).toBeGreaterThan(revision);
			expect(await catalog.count({ maxRevision: revision })).toEqual({ entries: 0, bytes: 0 });
		}
	});

	it("lists an entry with broken metadata by its data file, until its metadata is whole", async () => {
		const root = temporaryFolder();
		const key = "MSFT_stock_data_0123456789ab";
		writeEntry(root, key);
		const metadata = join(root, `metadata/${key}_meta.json`);
		otherProcess('cp "$1" "$1.whole"; head -c 40 "$1.whole" > "$1"', metadata);
		const catalog = await scannedCatalog({ root });
		expect(await entryOf(catalog, key)).toMatchObject({ symbol: null, type: "stock_data", createdAtSource: "MODIFIED" });
		expect(catalog.status()).toMatchObject([{ brokenMetadata: 1, error: null }]);
		otherProcess('mv "$1.whole" "$1"', metadata);
		await within2s(async () => expect(await entryOf(catalog, key)).toMatchObject({ symbol: "MSFT", createdAtSource: "RECORDED" }));
		await within2s(() => expect(catalog.status()).toMatchObject([{ brokenMetadata: 0 }]));
	});

	it("counts each of several data files with one key, one of them with the metadata", async () => {
		const root = temporaryFolder();
		const key = "AAPL_stock_data_0123456789ab";
		writeEntry(root, key, { data: "us" });
		otherProcess('mkdir -p "$1/china_stocks"; printf stray > "$1/china_stocks/$2.json"', root, key);
		const catalog = await scannedCatalog({ root });
		const listed = async () => (await allEntries(catalog)).map((entry) => [entry.key, entry.size, entry.symbol]);
		const both = [
			[key, 2, "AAPL"],
			[`china_stocks/${key}.json`, 5, null],
		];
		expect(await listed()).toEqual(both);
		const { revision } = await catalog.summarize({});
		otherProcess('rm "$1"', join(root, `us_stocks/${key}.csv`));
		await catalog.refresh(null);
		expect(await listed()).toEqual([[key, 5, "AAPL"]]);
		expect((await catalog.summarize({})).revision).toBeGreaterThan(revision);
	});

	it("forgets what the server removed at once, but not what somebody wrote anew meanwhile", async () => {
		const root = temporaryFolder();
		generateTree({ root, entries: 40 });
		const catalog = await scannedCatalog({ root, watch: false });
		const { refs, next } = await catalog.select("FILE", {}, null, 15);
		expect(refs).toHaveLength(15);
		const rest = await catalog.select("FILE", {}, next, 100);
		expect(rest).toMatchObject({ next: null });
		expect(new Set([...refs, ...rest.refs].map(({ id }) => id)).size).toBe(40);
		for (const { key, locator } of refs) otherProcess('rm "$1/$2" "$1/metadata/$3_meta.json"', root, locator as string, key);
		otherProcess('echo anew > "$1/$2"', root, refs[3]?.locator as string);
		await catalog.forget(refs.map(({ id }) => id));
		expect(totals(catalog.stats(null)).entries).toBe(26);
		expect(await catalog.entries(refs.map(({ id }) => id))).toMatchObject([{ key: refs[3]?.key, size: 5, symbol: null }]);
		const [first, second] = rest.refs;
		const asked = [second?.id, "e00000000000000000000", "nonsense", first?.id] as string[];
		expect((await catalog.refs(asked)).map(({ id }) => id)).toEqual([second?.id, first?.id]);
	});
});

describe("a catalog that was closed", () => {
	it("answers at once as of then, and finds what happened meanwhile", async () => {
		const root = temporaryFolder();
		const dataDir = temporaryFolder();
		generateTree({ root, entries: 500 });
		const first = await scannedCatalog({ root, dataDir });
		const epoch = first.epoch;
		const { revision } = await first.summarize({});
		await closeCatalog(first);
		const closedAt = Date.now();
		const gone = Number(otherProcess('ls "$1/us_news" | wc -l', root));
		expect(gone).toBeGreaterThan(10);
		otherProcess('rm $(find "$1/us_stocks" -name "*.csv" | sort | head -n 7)', root);
		otherProcess('for f in $(ls "$1/us_news"); do rm "$1/us_news/$f" "$1/metadata/$(basename "$f" .txt)_meta.json"; done', root);
		writeEntry(root, "LATE_stock_data_0123456789ab", { data: "late" });

		const second = await openTestCatalog({ root, dataDir });
		const known = second.stats(null);
		expect(known.layers).toMatchObject([{ entries: 500, error: null }]);
		expect(known.asOf).toBeLessThanOrEqual(closedAt);
		expect(known.asOf).toBeGreaterThan(0);
		await second.refresh(null);
		expect(second.stats(null).asOf).toBeGreaterThan(closedAt);
		expect(second.epoch).toBe(epoch);
		const there = countDataFiles(root);
		expect(totals(second.stats(null))).toEqual({ ...there, entries: there.entries + 7 });
		expect(await second.count({ keyContains: "_news_" })).toMatchObject({ entries: 100 - gone });
		expect(await second.count({ statuses: ["ORPHANED"] })).toEqual({ entries: 7, bytes: 0 });
		// Only what differs got a new revision.
		expect(await second.count({ maxRevision: revision })).toMatchObject({ entries: 500 - 7 - gone });
	});

	it("reads everything again when it is to be read in another way", async () => {
		const root = temporaryFolder();
		const dataDir = temporaryFolder();
		generateTree({ root, entries: 100, maxAgeDays: 0.5 });
		const first = await scannedCatalog({ root, dataDir });
		const expired = first.stats(null).expiredEntries;
		expect(expired).toBeGreaterThan(20);
		await closeCatalog(first);
		const week = { stock_data: 168, news: 168, fundamentals: 168 };
		const second = await openTestCatalog({ root, dataDir, settings: { timeZone: "UTC", timesToLiveHours: { us: week, china: week } } });
		expect(second.stats(null)).toMatchObject({ asOf: 0 });
		await second.refresh(null);
		expect(second.stats(null).expiredEntries).toBe(0);
		await closeCatalog(second);
		const third = await scannedCatalog({ root: join(root, "us_stocks"), dataDir });
		expect(third.stats(null).byType).toMatchObject([{ type: "file" }]);
		expect((await third.page({}, NEWEST, { direction: "forward", limit: 1, cursor: null })).items[0]?.node.key).toMatch(/\.csv$/);
	});
});

it("reads the field's own samples of both layouts in one root", async () => {
	const root = temporaryFolder();
	for (const layout of ["metadata-layout", "pickle-layout"])
		cpSync(new URL(`../fixtures/${layout}`, import.meta.url), root, { recursive: true });
	const catalog = await scannedCatalog({ root });
	const entries = await allEntries(catalog);
	const pickles = otherProcess('find "$1" -maxdepth 1 -name "*.pkl" | wc -l', root);
	expect(entries.filter(({ key }) => /^[0-9a-f]{32}$/.test(key))).toHaveLength(Number(pickles));
	expect(entries.filter(({ status }) => status !== "ORPHANED")).toHaveLength(countDataFiles(root).entries);
	expect(totals(catalog.stats(null)).bytes).toBe(countDataFiles(root).bytes);
});
