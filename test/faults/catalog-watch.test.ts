import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { allEntries, entryOf, openTestCatalog, otherProcess, scannedCatalog, totals, within2s, writeEntry } from "../testkit/catalog.js";
import { eventually } from "../testkit/eventually.js";
import { countDataFiles } from "../testkit/independent-count.js";
import { temporaryFolder } from "../testkit/temporary.js";

const BURST = process.env.SOAK === "1" ? 50_000 : 20_000;

const BUSY_MS = process.env.SOAK === "1" ? 60_000 : 5000;

/** Writes `$2` data files as fast as a program can. */
const burst = `node -e 'const fs = require("fs"); for (let i = 0; i < Number(process.argv[2]); i++) fs.writeFileSync(process.argv[1] + "/us_stocks/B" + i + "_stock_data_0123456789ab.csv", "burst")' "$1" "$2"`;

describe("lost watch events", () => {
	it("a burst beyond the kernel's queue is noticed, and a refresh after it is right", async () => {
		const root = temporaryFolder();
		mkdirSync(join(root, "us_stocks"));
		const reasons: unknown[] = [];
		const log = (_: string, message: string, facts: object) => void reasons.push({ message, ...facts });
		// With a limit of 3 events a turn every burst counts as an overflow, as a real one does beyond 16,384.
		const catalog = await scannedCatalog({ root, burstLimit: 3, log });
		const before = Date.now();
		otherProcess(burst, root, "3000");
		const called = Date.now();
		await catalog.refresh(null);
		expect(totals(catalog.stats(null))).toEqual({ entries: 3000, bytes: 15_000 });
		expect(catalog.stats(null).asOf).toBeGreaterThanOrEqual(called);
		expect(reasons).toContainEqual(expect.objectContaining({ message: expect.stringContaining("may have been missed") }));
		expect(called).toBeGreaterThan(before);
		// And the watch goes on by itself.
		otherProcess('rm "$1/us_stocks/B7_stock_data_0123456789ab.csv"', root);
		await within2s(() => expect(totals(catalog.stats(null)).entries).toBe(2999));
	});

	it(`a burst of ${BURST} files leaves nothing out, and asOf never runs ahead of what is known`, async () => {
		const root = temporaryFolder();
		mkdirSync(join(root, "us_stocks"));
		const catalog = await scannedCatalog({ root });
		otherProcess(burst, root, String(BURST));
		const ended = Date.now();
		await eventually(
			() => {
				const { asOf, layers } = catalog.stats(null);
				if (asOf >= ended) expect(layers[0]?.entries).toBe(BURST);
				expect(asOf).toBeGreaterThanOrEqual(ended);
			},
			{ withinMs: 30_000, everyMs: 1 },
		);
		await catalog.refresh(null);
		expect(totals(catalog.stats(null))).toEqual(countDataFiles(root));
	});

	it("without a watch, a refresh reads the disk, and says why", async () => {
		const root = temporaryFolder();
		generateTree({ root, entries: 200 });
		const catalog = await scannedCatalog({ root, watch: false });
		expect(catalog.status()).toMatchObject([{ watched: false, watchProblem: expect.stringMatching(/./) }]);
		otherProcess('rm "$1"/us_stocks/*.csv', root);
		writeEntry(root, "NEW_news_0123456789ab", { folder: "us_news", extension: "txt" });
		await catalog.refresh(null);
		expect(totals(catalog.stats(null))).toMatchObject({ bytes: countDataFiles(root).bytes, entries: 201 });
	});

	it("without a watch, the periodic reconciliation finds changes", async () => {
		const root = temporaryFolder();
		generateTree({ root, entries: 20 });
		const catalog = await scannedCatalog({ root, watch: false, reconcileEverySeconds: 1 });
		otherProcess('rm "$1"/metadata/*; rm "$1"/*/*.csv "$1"/*/*.txt', root);
		await eventually(() => expect(totals(catalog.stats(null)).entries).toBe(0), { withinMs: 5000 });
	});
});

it("a reconciliation that runs meanwhile never brings back what is older than a refresh", async () => {
	const root = temporaryFolder();
	generateTree({ root, entries: 6000 });
	// Every second, and each takes a good part of it.
	const catalog = await scannedCatalog({ root, reconcileEverySeconds: 0.001 });
	const { refs } = await catalog.select("FILE", {}, null, 20);
	const ids = refs.map(({ id }) => id);
	const expected = new Map(refs.map(({ id, size }) => [id, size]));
	const deadline = Date.now() + BUSY_MS;
	for (let step = 0; Date.now() < deadline; step++) {
		for (const { id, locator } of refs.filter((_, index) => (index + step) % 3 === 0)) {
			const size = (step + id.charCodeAt(5)) % 4 === 0 ? 0 : 1 + (step % 1000);
			if (size === 0) rmSync(join(root, locator as string), { force: true });
			else writeFileSync(join(root, locator as string), "x".repeat(size));
			expected.set(id, size);
		}
		await catalog.refresh(null);
		expect(new Map((await catalog.entries(ids)).map(({ id, size }) => [id, size]))).toEqual(expected);
	}
});

describe("folders that come, go and are replaced", () => {
	it("a root that does not exist yet is empty, says so, and is read when it appears", async () => {
		const root = join(temporaryFolder(), "not/yet");
		const catalog = await scannedCatalog({ root });
		expect(catalog.stats(null).layers).toMatchObject([{ entries: 0, available: false, error: { said: { key: "error.rootMissing" } } }]);
		const { asOf } = catalog.stats(null);
		await eventually(() => expect(catalog.stats(null).asOf).toBeGreaterThan(asOf), { withinMs: 4000 });
		otherProcess('mkdir -p "$1"', root);
		writeEntry(root, "AAPL_stock_data_0123456789ab");
		await eventually(() => expect(catalog.stats(null).layers).toMatchObject([{ entries: 1, available: true, error: null }]), {
			withinMs: 4000,
		});
		expect(catalog.status()).toMatchObject([{ watched: true }]);
	});

	it("a root, and a folder in it, that is removed and made again is followed", async () => {
		const root = join(temporaryFolder(), "root");
		writeEntry(root, "AAPL_stock_data_0123456789ab");
		const catalog = await scannedCatalog({ root });
		otherProcess('rm -r "$1/us_stocks"; mkdir "$1/us_stocks"', root);
		writeEntry(root, "MSFT_stock_data_0123456789ab");
		await within2s(async () =>
			expect(await allEntries(catalog)).toMatchObject([{ status: "ORPHANED" }, { key: "MSFT_stock_data_0123456789ab", status: "FRESH" }]),
		);
		writeEntry(root, "TSLA_stock_data_0123456789ab");
		await within2s(async () => expect(await entryOf(catalog, "TSLA_stock_data_0123456789ab")).toBeDefined());

		otherProcess('mv "$1" "$1.old"; mkdir "$1"', root);
		await catalog.refresh(null);
		expect(totals(catalog.stats(null)).entries).toBe(0);
		writeEntry(root, "NVDA_stock_data_0123456789ab");
		await within2s(async () => expect(await allEntries(catalog)).toMatchObject([{ key: "NVDA_stock_data_0123456789ab" }]));

		otherProcess('rm -r "$1"', root);
		await eventually(() => expect(catalog.stats(null).layers).toMatchObject([{ entries: 0, available: false }]), { withinMs: 4000 });
	});

	it("in a plain tree new folders are followed to the bottom, also when they are moved in and out whole", async () => {
		const root = temporaryFolder();
		const elsewhere = temporaryFolder();
		otherProcess('mkdir -p "$1/a/b"; echo 1 > "$1/a/b/one"', root);
		const catalog = await scannedCatalog({ root });
		const keys = async () => (await allEntries(catalog)).map(({ key }) => key);
		expect(await keys()).toEqual(["a/b/one"]);
		otherProcess('mkdir -p "$1/a/c/d/e"; echo 2 > "$1/a/c/d/e/two"', root);
		await within2s(async () => expect(await keys()).toEqual(["a/b/one", "a/c/d/e/two"]));
		otherProcess('mv "$1/a/c" "$2/c"', root, elsewhere);
		await within2s(async () => expect(await keys()).toEqual(["a/b/one"]));
		otherProcess('echo 3 > "$2/c/d/three"; mv "$2/c" "$1/x"', root, elsewhere);
		await within2s(async () => expect(await keys()).toEqual(["a/b/one", "x/d/e/two", "x/d/three"]));
		otherProcess('echo 4 > "$1/x/d/e/four"; rm -r "$1/a"', root);
		await catalog.refresh(null);
		expect(await keys()).toEqual(["x/d/e/four", "x/d/e/two", "x/d/three"]);
		expect(catalog.stats(null).byType).toMatchObject([{ type: "x", entries: 3 }]);
	});

	it("layout auto is decided again when other files appear", async () => {
		const root = temporaryFolder();
		const catalog = await scannedCatalog({ root });
		writeFileSync(join(root, "0123456789abcdef0123456789abcdef.pkl"), "no pickle");
		await within2s(async () => expect(await allEntries(catalog)).toMatchObject([{ type: "unknown" }]));
		writeEntry(root, "AAPL_stock_data_0123456789ab");
		await within2s(async () => expect((await allEntries(catalog)).map(({ type }) => type)).toEqual(["unknown", "stock_data"]));
	});

	it("links are not followed, neither as root nor as folder nor as file", async () => {
		const victim = temporaryFolder();
		writeEntry(victim, "AAPL_stock_data_0123456789ab");
		const root = temporaryFolder();
		const link = join(temporaryFolder(), "link");
		symlinkSync(victim, link);
		mkdirSync(join(root, "metadata"));
		mkdirSync(join(root, "us_news"));
		symlinkSync(join(victim, "us_stocks"), join(root, "us_stocks"));
		symlinkSync(join(victim, "us_stocks/AAPL_stock_data_0123456789ab.csv"), join(root, "us_news/L_news_0123456789ab.txt"));
		const catalog = await openTestCatalog({
			places: [
				{ backend: "FILE", place: "link", path: link, layout: "auto" },
				{ backend: "FILE", place: "links", path: root, layout: "auto" },
			],
		});
		await catalog.refresh(null);
		expect(await allEntries(catalog)).toMatchObject([{ place: "links", key: "L_news_0123456789ab", size: 0 }]);
		expect(catalog.status()).toMatchObject([{ error: { said: { key: "error.rootIsLink" } } }, { error: null }]);
	});
});

it("byte code is found under its roots only where it belongs", async () => {
	const root = temporaryFolder();
	otherProcess(
		'for d in app/__pycache__ venv/lib/__pycache__ .git/__pycache__ node_modules/x; do mkdir -p "$1/$d"; echo x > "$1/$d/m.pyc"; echo x > "$1/$d/m.py"; done; echo > "$1/venv/pyvenv.cfg"; echo x > "$1/old.pyo"',
		root,
	);
	const place = { backend: "PYTHON", place: "project", path: root, layout: "python" } as const;
	const catalog = await scannedCatalog({ places: [place] });
	const keys = async () => (await allEntries(catalog)).map(({ key }) => key);
	expect(await keys()).toEqual(["app/__pycache__/m.pyc", "old.pyo"]);
	otherProcess('mkdir -p "$1/lib/__pycache__"; echo x > "$1/lib/__pycache__/n.pyc"; rm -r "$1/app/__pycache__"', root);
	await within2s(async () => expect(await keys()).toEqual(["lib/__pycache__/n.pyc", "old.pyo"]));
	// A project that becomes an environment is no longer searched.
	otherProcess('echo > "$1/lib/pyvenv.cfg"', root);
	await within2s(async () => expect(await keys()).toEqual(["old.pyo"]));
	const everything = await scannedCatalog({ places: [{ ...place, searchAll: true }] });
	expect(totals(everything.stats(null)).entries).toBe(5);
});
