/** D5 and D6: what is written between selection and deletion is kept, and clocks that jump make nothing old. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, lstatSync, readFileSync, renameSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { RemovalOutcome } from "../../src/backends/backend.js";
import type { DiskBackend } from "../../src/backends/disk/disk-backend.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import { describePlain } from "../../src/backends/layouts/plain-layout.js";
import { factsOf } from "../../src/backends/layouts/stat-facts.js";
import type { EntryRef } from "../../src/core/entry.js";
import { filesBelow, PLACE, refsOf, write, writeEntry } from "../testkit/disk-refs.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ONCE = { signal: new AbortController().signal, resumed: false };
const YEAR_MS = 365 * 86_400_000;

describe("D5: an entry that is written between selection and deletion", () => {
	let root: string;
	let backend: DiskBackend;
	let data: string;
	let metadata: string;
	let refs: EntryRef[];
	beforeEach(() => {
		root = join(temporaryFolder(), "root");
		const key = writeEntry(root, "^GSPC", 7);
		data = join(root, `us_stocks/${key}.csv`);
		metadata = join(root, `metadata/${key}_meta.json`);
		backend = openFileBackend({ roots: [{ name: PLACE, path: root }] });
		refs = refsOf(root, "metadata");
	});
	afterEach(() => backend.close());

	const changes: readonly (readonly [string, () => void])[] = [
		["other data in place", () => write(root, "us_stocks/^GSPC_stock_data_000000000007.csv", "new")],
		["other data of the same length", () => write(root, "us_stocks/^GSPC_stock_data_000000000007.csv", readFileSync(data).reverse())],
		["one byte more", () => appendFileSync(data, "x")],
		[
			"the same length, with the old times put back",
			() => {
				const { atime, mtime } = lstatSync(data);
				write(root, "us_stocks/^GSPC_stock_data_000000000007.csv", readFileSync(data).reverse());
				utimesSync(data, atime, mtime);
			},
		],
		[
			"another file renamed over it",
			() => {
				write(root, "new", readFileSync(data));
				renameSync(join(root, "new"), data);
			},
		],
		["other rights", () => chmodSync(data, 0o600)],
		["other metadata", () => appendFileSync(metadata, " ")],
		["a time in the future", () => utimesSync(data, Date.now() / 1000 + 1e6, Date.now() / 1000 + 1e6)],
	];
	it.each(changes)("is kept whole: %s", async (_what, change) => {
		change();
		const before = filesBelow(root);
		expect(await backend.remove(refs, ONCE)).toEqual([{ id: refs[0]?.id, outcome: "skipped", reason: "changed" }]);
		expect(filesBelow(root)).toEqual(before);
		expect((await backend.remove(refsOf(root, "metadata"), ONCE))[0]?.outcome).toBe("deleted");
		expect(filesBelow(root)).toEqual([]);
	});

	it("is kept when it had no metadata and has now", async () => {
		renameSync(metadata, join(root, "aside"));
		const alone = refsOf(root, "metadata");
		expect(alone[0]?.fingerprint.metadata).toBeNull();
		renameSync(join(root, "aside"), metadata);
		expect(await backend.remove(alone, ONCE)).toMatchObject([{ outcome: "skipped", reason: "changed" }]);
		expect(filesBelow(root)).toHaveLength(2);
	});

	it("is kept when it was metadata without data and its data has come", async () => {
		renameSync(data, join(root, "aside"));
		const orphan = refsOf(root, "metadata");
		expect(orphan[0]?.locator).toBeNull();
		renameSync(join(root, "aside"), data);
		expect(await backend.remove(orphan, ONCE)).toMatchObject([{ outcome: "skipped", reason: "changed" }]);
		expect(filesBelow(root)).toHaveLength(2);
		renameSync(data, join(root, "aside"));
		expect(await backend.remove(orphan, ONCE)).toEqual([{ id: orphan[0]?.id, outcome: "deleted", freedBytes: 0 }]);
		expect(filesBelow(root)).toEqual(["aside"]);
	});

	it("is never lost to a deletion of what it was, while a writer replaces entries as fast as it can", async () => {
		// Each version is a new file put in place by one rename; the last one that was put there must be there at the end.
		const writer = `
			const { renameSync, writeFileSync } = require("node:fs");
			const [root] = process.argv.slice(1);
			for (let version = 0; version < 4000; version++) {
				const name = root + "/busy/" + (version % 40) + ".txt";
				writeFileSync(root + "/new", String(version));
				renameSync(root + "/new", name);
			}`;
		const place = join(temporaryFolder(), "busy-root");
		for (let i = 0; i < 40; i++) write(place, `busy/${i}.txt`, "first");
		const busy = openFileBackend({ roots: [{ name: PLACE, path: place }] });
		const child = spawn(process.execPath, ["-e", writer, place], { stdio: "inherit" });
		let ended = false;
		const exited = once(child, "exit").then(() => {
			ended = true;
		});
		const outcomes: RemovalOutcome[] = [];
		const stale = refsOf(place, "plain");
		while (!ended) outcomes.push(...(await busy.remove(stale, ONCE)));
		await exited;
		outcomes.push(...(await busy.remove(stale, ONCE)));
		await busy.close();
		// Every reference was of the first version: at most one deletion each, and every last version is there.
		const deletions = outcomes.filter(({ outcome }) => outcome === "deleted").map(({ id }) => id);
		expect(new Set(deletions).size).toBe(deletions.length);
		expect(outcomes.some((it) => it.outcome === "skipped" && it.reason === "changed")).toBe(true);
		for (let i = 0; i < 40; i++) expect(readFileSync(join(place, `busy/${i}.txt`), "utf8")).toBe(String(3960 + i));
	});
});

describe("D6: an entry", () => {
	it.each([
		["a year", YEAR_MS],
		["a minute", 60_000],
	])("from %s in the future is no older than it says", (_what, aheadMs) => {
		const root = temporaryFolder();
		const mtimeMs = Math.ceil((Date.now() + aheadMs) / 1000) * 1000;
		write(root, "a/file.txt", "x", mtimeMs);
		const entry = describePlain({ path: "a/file.txt", facts: factsOf(lstatSync(join(root, "a/file.txt"))) });
		expect(entry.createdAt).toBe(mtimeMs);
		expect(entry.createdAt).toBeGreaterThan(Date.now());
	});

	it("is removed for what it is, not for what a clock says: a jump between selection and deletion changes nothing", async () => {
		const root = temporaryFolder();
		write(root, "a/file.txt");
		for (const now of [0, Number.MAX_SAFE_INTEGER]) {
			const backend = openFileBackend({ roots: [{ name: PLACE, path: root }], clock: { now: () => now } });
			const refs = refsOf(root, "plain");
			write(root, "a/file.txt", `written while the clock said ${now}`);
			expect(await backend.remove(refs, ONCE)).toMatchObject([{ outcome: "skipped", reason: "changed" }]);
			await backend.close();
		}
		expect(filesBelow(root)).toEqual(["a/file.txt"]);
	});
});
