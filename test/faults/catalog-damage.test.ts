import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, openSync, readdirSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import type { Catalog } from "../../src/catalog/port.js";
import { allEntries, closeCatalog, otherProcess, SETTINGS, scannedCatalog, totals, writeEntry } from "../testkit/catalog.js";
import { countDataFiles } from "../testkit/independent-count.js";
import { temporaryFolder } from "../testkit/temporary.js";

const WITHOUT_RIGHTS = 65_534;

/**
 * Root may read everything, so somebody else takes its place meanwhile: for every thread of the process, so the catalog has
 * answered a question before, and has its own file open.
 */
async function asNobody(catalog: Catalog, work: () => Promise<void>): Promise<void> {
	await allEntries(catalog);
	const isRoot = process.getuid?.() === 0;
	if (isRoot) process.seteuid?.(WITHOUT_RIGHTS);
	try {
		await work();
	} finally {
		if (isRoot) process.seteuid?.(0);
	}
}

describe("what can't be read", () => {
	it("a folder without permission keeps its entries, is named, and holds asOf back until it can be read again", async () => {
		const root = temporaryFolder();
		chmodSync(root, 0o755);
		generateTree({ root, entries: 100 });
		const catalog = await scannedCatalog({ root, watch: false });
		const { asOf } = catalog.stats(null);
		otherProcess('rm "$1"/us_news/*; chmod 000 "$1/us_stocks"', root);
		await asNobody(catalog, () => catalog.refresh(null));
		const stocks = (await allEntries(catalog)).filter(({ type }) => type === "stock_data");
		expect(stocks).toHaveLength(60);
		expect(stocks.every(({ status }) => status !== "ORPHANED")).toBe(true);
		expect(catalog.stats(null)).toMatchObject({
			asOf,
			layers: [
				{ available: false, error: { said: { key: "error.folderUnreadable", facts: { path: join(root, "us_stocks"), code: "EACCES" } } } },
			],
		});
		chmodSync(join(root, "us_stocks"), 0o755);
		await catalog.refresh(null);
		expect(catalog.stats(null).asOf).toBeGreaterThan(asOf);
		expect(catalog.stats(null).layers).toMatchObject([{ available: true, error: null }]);
		expect(totals(catalog.stats(null)).bytes).toBe(countDataFiles(root).bytes);
	});

	it("metadata that may not be read counts as broken, and the rest goes on", async () => {
		const root = temporaryFolder();
		chmodSync(root, 0o755);
		writeEntry(root, "AAPL_stock_data_0123456789ab");
		writeEntry(root, "MSFT_stock_data_0123456789ab");
		chmodSync(join(root, "metadata/AAPL_stock_data_0123456789ab_meta.json"), 0o000);
		const catalog = await scannedCatalog({ root, watch: false });
		otherProcess('touch "$1"/metadata/*', root);
		await asNobody(catalog, () => catalog.refresh(null));
		expect(await allEntries(catalog)).toMatchObject([{ symbol: null }, { symbol: "MSFT" }]);
		expect(catalog.status()).toMatchObject([{ brokenMetadata: 1, error: null }]);
	});
});

describe("a catalog file that is damaged", () => {
	const damages: [string, (path: string) => void][] = [
		["is no database", (path) => writeFileSync(path, "no database at all, but long enough to look like one".repeat(200))],
		["is empty", (path) => truncateSync(path, 0)],
		["is cut off", (path) => truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096)],
		[
			"has holes",
			(path) => {
				const file = openSync(path, "r+");
				for (let page = 2; page < statSync(path).size / 4096; page += 2) writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096);
				closeSync(file);
			},
		],
		[
			"is of another version",
			(path) => {
				const file = openSync(path, "r+");
				writeSync(file, Buffer.from([0, 0, 9, 9]), 0, 4, 60);
				closeSync(file);
			},
		],
	];
	it.each(damages)("that %s is built again under a new epoch", async (_, damage) => {
		const root = temporaryFolder();
		const dataDir = temporaryFolder();
		generateTree({ root, entries: 400 });
		const first = await scannedCatalog({ root, dataDir });
		await closeCatalog(first);
		damage(join(dataDir, "catalog.db"));
		const second = await scannedCatalog({ root, dataDir });
		expect(totals(second.stats(null))).toEqual(countDataFiles(root));
		expect(await allEntries(second)).toHaveLength(400);
		expect(second.epoch).not.toBe(first.epoch);
	});

	it("while it is in use is built again without a restart", async () => {
		const root = temporaryFolder();
		const dataDir = temporaryFolder();
		generateTree({ root, entries: 800 });
		const catalog = await scannedCatalog({ root, dataDir });
		const { epoch } = catalog;
		await closeCatalog(catalog);
		const again = await scannedCatalog({ root, dataDir });
		damages[3]?.[1](join(dataDir, "catalog.db"));
		writeEntry(root, "NEW_stock_data_0123456789ab");
		for (let attempt = 0; attempt < 3 && again.epoch === epoch; attempt++) await allEntries(again).catch(() => undefined);
		await again.refresh(null);
		expect(totals(again.stats(null)).entries).toBe(801);
		expect(await allEntries(again)).toHaveLength(801);
		expect(again.epoch).not.toBe(epoch);
	});
});

it("a catalog whose process is killed in the middle of scans is right after the next start", async () => {
	const root = temporaryFolder();
	const dataDir = temporaryFolder();
	generateTree({ root, entries: 1500 });
	const module = fileURLToPath(new URL("../../dist/catalog/open-catalog.js", import.meta.url));
	const options = {
		dataDir,
		places: [{ backend: "FILE", place: "cache", path: root, layout: "auto" }],
		settings: SETTINGS,
		watch: true,
		reconcileEverySeconds: 0,
	};
	const script = `import { openCatalog } from ${JSON.stringify(module)}; await openCatalog({ ...${JSON.stringify(options)}, log: () => {} }); console.log("open"); setInterval(() => {}, 1000);`;
	for (const delayMs of [0, 40, 120, 250]) {
		const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
		await once(child.stdout, "data");
		const killed = once(child, "exit");
		setTimeout(() => child.kill("SIGKILL"), delayMs);
		otherProcess('for f in $(ls "$1"/*/*.csv | head -n 5); do echo changed > "$f"; done; rm $(ls "$1"/*/*.txt | head -n 3)', root);
		await killed;
	}
	expect(readdirSync(dataDir)).toContain("catalog.db");
	const catalog = await scannedCatalog({ root, dataDir });
	const { entries, bytes } = countDataFiles(root);
	expect(totals(catalog.stats(null)).bytes).toBe(bytes);
	expect(await catalog.count({ statuses: ["FRESH", "EXPIRED"] })).toEqual({ entries, bytes });
});
