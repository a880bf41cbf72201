/** Entries by their number: the same list as by cursor, whatever was added, changed and removed, over one place and several. */
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { openForReading } from "../../src/catalog/index/database.js";
import type { Catalog } from "../../src/catalog/port.js";
import { allEntries, closeCatalog, openTestCatalog, scannedCatalog } from "../testkit/catalog.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ENTRIES = process.env.SOAK === "1" ? 200_000 : 3_000;
const NEWEST_FIRST = { field: "CREATED_AT", direction: "DESC" } as const;

/** Every page by number, at several sizes, against the list as cursors give it. */
async function expectSameList(catalog: Catalog): Promise<string[]> {
	const list = (await allEntries(catalog, {}, NEWEST_FIRST)).map(({ id }) => id);
	for (const limit of [1, 20, 100, 777]) {
		// A dozen pages of each size, others each time the list has another length.
		const steps = Math.max(1, Math.floor(list.length / limit / 12));
		for (let page = 0; page * limit <= list.length + limit; page += steps) {
			const { entries, total } = await catalog.slice(page * limit, limit);
			expect({ page, total, ids: entries.map(({ id }) => id) }).toEqual({
				page,
				total: list.length,
				ids: list.slice(page * limit, (page + 1) * limit),
			});
		}
	}
	return list;
}

/** Entries of one time, as a restored backup has them: only their ids tell them apart. */
function writePython(folder: string, count: number, modified: number): void {
	mkdirSync(folder, { recursive: true });
	for (let i = 0; i < count; i++) {
		const path = join(folder, `m${i}.cpython-311.pyc`);
		writeFileSync(path, "b");
		utimesSync(path, modified, modified);
	}
}

it("gives the list of cursors by number, also when a layer is added, entries come, change and go, and after another start", async () => {
	const root = temporaryFolder();
	const python = temporaryFolder();
	const other = temporaryFolder();
	const dataDir = temporaryFolder();
	generateTree({ root, entries: ENTRIES });
	writePython(join(python, "__pycache__"), 1200, 1_700_000_000);
	writePython(join(other, "__pycache__"), 300, 1_700_000_000);
	const cache = { backend: "FILE", place: "cache", path: root, layout: "auto" } as const;
	const code = { backend: "PYTHON", place: "py", path: python, layout: "python" } as const;
	const more = { backend: "PYTHON", place: "more", path: other, layout: "python" } as const;

	const first = await scannedCatalog({ dataDir, places: [cache, code] });
	expect(await first.slice(0, 5)).toMatchObject({ total: ENTRIES + 1200 });
	const list = await expectSameList(first);
	// A stretch in the middle is emptied, and the beginning thinned out.
	const gone = list.filter((_, n) => (n > 1000 && n < 2400) || (n < 500 && n % 3 === 0));
	for (const ref of await first.refs(gone)) {
		if (ref.locator !== null) rmSync(join(ref.backend === "FILE" ? root : python, ref.locator), { force: true });
		if (ref.backend === "FILE") rmSync(join(root, `metadata/${ref.key}_meta.json`), { force: true });
	}
	await first.forget(gone);
	expect(await expectSameList(first)).toHaveLength(list.length - gone.length);
	// Many come in between, and some move to another time.
	writePython(join(python, "app/__pycache__"), 1500, 1_700_000_001);
	writePython(join(python, "__pycache__"), 200, 1_800_000_000);
	await first.refresh(null);
	await expectSameList(first);
	await closeCatalog(first);

	const second = await scannedCatalog({ dataDir, places: [cache, code, more] });
	await expectSameList(second);
	await closeCatalog(second);

	const third = await scannedCatalog({ dataDir, places: [code, more] });
	await expectSameList(third);
	await closeCatalog(third);
	expect(stretchesOf(dataDir)).toEqual({ wrong: 0, longest: expect.any(Number) });
	expect(stretchesOf(dataDir).longest).toBeLessThanOrEqual(1024);
});

/** What the file holds, counted independently: stretches whose number of entries is not that of the rows, and the longest. */
function stretchesOf(dataDir: string): { readonly wrong: number; readonly longest: number } {
	const db = openForReading(join(dataDir, "catalog.db"), 1024);
	try {
		const marks = db
			.prepare("SELECT place, created_at, id, entries FROM landmarks ORDER BY place, created_at, id")
			.raw()
			.all([]) as unknown as [number, number, Buffer, number][];
		const rows = db
			.prepare("SELECT place, ifnull(created_at, -8640000000000001), id FROM entries ORDER BY place, 2, id")
			.raw()
			.all([]) as unknown as [number, number, Buffer][];
		const counted = new Map<number, number>();
		let at = -1;
		const isReached = (mark: (typeof marks)[number] | undefined, row: (typeof rows)[number]): boolean =>
			mark !== undefined &&
			(mark[0] < row[0] || (mark[0] === row[0] && (mark[1] < row[1] || (mark[1] === row[1] && Buffer.compare(mark[2], row[2]) <= 0))));
		for (const row of rows) {
			while (isReached(marks[at + 1], row)) at++;
			counted.set(at, (counted.get(at) ?? 0) + 1);
		}
		return {
			wrong: marks.filter(([, , , entries], index) => entries !== (counted.get(index) ?? 0)).length,
			longest: Math.max(...marks.map(([, , , entries]) => entries)),
		};
	} finally {
		db.close();
	}
}

it("gives the list also while the first scan is not done with, if only by walking", async () => {
	const root = temporaryFolder();
	generateTree({ root, entries: 1500 });
	const catalog = await openTestCatalog({ root });
	const refreshed = catalog.refresh(null);
	const { entries, total } = await catalog.slice(0, 10);
	expect(entries.length).toBe(Math.min(10, total));
	await refreshed;
	await expectSameList(catalog);
});
