/** D1 and D2: paths that lead elsewhere, and links in every place where one can be. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Protection } from "../../src/backends/disk/descent.js";
import type { DiskBackend } from "../../src/backends/disk/disk-backend.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import type { EntryRef } from "../../src/core/entry.js";
import { filesBelow, PLACE, refsOf, write, writeEntry } from "../testkit/disk-refs.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ONCE = { signal: new AbortController().signal, resumed: false };
const AGAIN = { ...ONCE, resumed: true };

describe.each<Protection>(["descriptor", "real-path"])("a deletion, by %s", (protection) => {
	let top: string;
	let root: string;
	let victim: string;
	let backend: DiskBackend;
	let before: string[];

	beforeEach(() => {
		top = temporaryFolder();
		root = join(top, "caches/root");
		victim = join(top, "victim");
		for (let i = 0; i < 3; i++) {
			writeEntry(root, "META", i);
			writeEntry(victim, "META", i);
		}
		backend = openFileBackend({ roots: [{ name: PLACE, path: root }], protection });
		before = filesBelow(victim);
	});
	afterEach(async () => {
		await backend.close();
		expect(filesBelow(victim)).toEqual(before);
		for (const path of before) expect(readFileSync(join(victim, path)).length).toBeGreaterThan(0);
	});

	describe("D1: refuses a path", () => {
		const bad = [
			"../../victim/us_stocks/META_stock_data_000000000000.csv",
			"us_stocks/../../../victim/us_stocks/META_stock_data_000000000000.csv",
			"/etc/passwd",
			"//etc/passwd",
			"",
			".",
			"..",
			"us_stocks/",
			"us_stocks//META_stock_data_000000000000.csv",
			"./us_stocks/META_stock_data_000000000000.csv",
			"us_stocks/META_stock_data_000000000000.csv\0.txt",
			"us_stocks\\META_stock_data_000000000000.csv",
			"..\\..\\victim",
			"%2e%2e/%2E%2e/victim/us_stocks/META_stock_data_000000000000.csv",
			"us_stocks/%2e%2e%2fx",
		];
		it.each(bad)("%j", async (path) => {
			const [entry] = refsOf(root, "metadata") as [EntryRef];
			const all = filesBelow(root);
			for (const forged of [
				{ ...entry, locator: path },
				{ ...entry, key: path },
				{ ...entry, key: path, locator: path },
				{ ...entry, key: path, locator: null },
			])
				for (const options of [ONCE, AGAIN]) {
					const [outcome] = await backend.remove([forged], options);
					expect(outcome).toMatchObject({ id: entry.id, outcome: "failed", failure: { code: "BAD_PATH" } });
				}
			expect(await backend.preview({ ...entry, locator: path }, 100)).toBeNull();
			expect(filesBelow(root)).toEqual(all);
		});
	});

	describe("D2: never follows a link", () => {
		it("in place of the root", async () => {
			const refs = refsOf(root, "metadata");
			renameSync(root, `${root}-real`);
			symlinkSync(victim, root);
			const outcomes = await backend.remove(refs, ONCE);
			expect(outcomes).toHaveLength(3);
			for (const outcome of outcomes)
				expect(outcome).toMatchObject({
					outcome: "failed",
					failure: { code: "BAD_PATH", said: { key: "error.rootIsLink", facts: { path: root } } },
				});
			expect(await backend.health()).toMatchObject([
				{ available: false, location: root, error: { code: "BAD_PATH", said: { key: "error.rootIsLink" } } },
			]);
			await expect(backend.preview(refs[0] as EntryRef, 10)).rejects.toMatchObject({ code: "BAD_PATH" });
		});

		it("in place of a root that is configured with a slash at its end", async () => {
			renameSync(root, `${root}-real`);
			symlinkSync(victim, root);
			const other = openFileBackend({ roots: [{ name: PLACE, path: `${root}/` }], protection });
			expect(await other.health()).toMatchObject([{ available: false, error: { code: "BAD_PATH" } }]);
			await other.close();
		});

		it("that one of the root's parents has become", async () => {
			const refs = refsOf(root, "metadata");
			expect(await backend.preview(refs[0] as EntryRef, 10)).not.toBeNull();
			renameSync(join(top, "caches"), join(top, "caches-real"));
			mkdirSync(join(top, "decoy"));
			symlinkSync(join(top, "decoy"), join(top, "caches"));
			symlinkSync(victim, join(top, "decoy/root"));
			for (const outcome of await backend.remove(refs, ONCE))
				expect(outcome).toMatchObject({ outcome: "failed", failure: { code: "BAD_PATH" } });
		});

		it("but takes one that was there among the parents from the beginning", async () => {
			symlinkSync(join(top, "caches"), join(top, "by-link"));
			const other = openFileBackend({ roots: [{ name: PLACE, path: join(top, "by-link/root") }], protection });
			expect(await other.health()).toMatchObject([{ available: true }]);
			for (const outcome of await other.remove(refsOf(root, "metadata"), ONCE)) expect(outcome.outcome).toBe("deleted");
			await other.close();
		});

		it.each(["us_stocks", "metadata"])("in place of the folder %s", async (folder) => {
			const refs = refsOf(root, "metadata");
			renameSync(join(root, folder), join(top, "aside"));
			symlinkSync(join(victim, folder), join(root, folder));
			for (const options of [ONCE, AGAIN])
				for (const outcome of await backend.remove(refs, options))
					expect(outcome).toMatchObject({ outcome: "failed", failure: { code: "BAD_PATH", said: { key: "error.outsideRoot" } } });
			expect(filesBelow(join(top, "aside"))).toHaveLength(3);
		});

		it("in place of a folder on the way, however deep", async () => {
			const plain = join(top, "plain");
			write(plain, "a/b/c/file.txt");
			write(victim, "b/c/file.txt");
			before = filesBelow(victim);
			const refs = refsOf(plain, "plain");
			const other = openFileBackend({ roots: [{ name: PLACE, path: plain }], protection });
			renameSync(join(plain, "a"), join(plain, "moved"));
			symlinkSync(victim, join(plain, "a"));
			expect(await other.remove(refs, ONCE)).toMatchObject([{ outcome: "failed", failure: { code: "BAD_PATH" } }]);
			await other.close();
		});

		it("in place of a data file, which is kept and named", async () => {
			const path = "us_stocks/META_stock_data_000000000001.csv";
			rmSync(join(root, path));
			symlinkSync(join(victim, path), join(root, path));
			const refs = refsOf(root, "metadata");
			expect(refs).toHaveLength(3);
			const outcomes = await backend.remove(refs, ONCE);
			expect(outcomes.map(({ outcome }) => outcome)).toEqual(["deleted", "failed", "deleted"]);
			expect(outcomes[1]).toMatchObject({
				failure: { code: "NOT_A_FILE", said: { key: "error.notAFile", facts: { path, what: "link" } } },
			});
			expect(filesBelow(root)).toEqual(["metadata/META_stock_data_000000000001_meta.json", path]);
			expect(await backend.preview(refs[1] as EntryRef, 10)).toBeNull();
		});

		it("that took a selected file's place", async () => {
			const refs = refsOf(root, "metadata");
			const path = "us_stocks/META_stock_data_000000000001.csv";
			rmSync(join(root, path));
			symlinkSync(join(victim, path), join(root, path));
			expect((await backend.remove(refs, ONCE))[1]).toMatchObject({ outcome: "skipped", reason: "changed" });
			expect(filesBelow(root)).toContain(path);
		});
	});
});
