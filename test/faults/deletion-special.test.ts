/** D4: what is no ordinary file, or may not be removed, is kept and named; the rest of the batch goes. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { RemovalOutcome } from "../../src/backends/backend.js";
import type { DiskBackend } from "../../src/backends/disk/disk-backend.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import { say } from "../../src/core/messages/catalogue.js";
import { filesBelow, PLACE, refsOf, write, writeEntry } from "../testkit/disk-refs.js";
import { removeInChild } from "../testkit/run-removal.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ONCE = { signal: new AbortController().signal, resumed: false };
const AGAIN = { ...ONCE, resumed: true };
const DATA = "us_stocks/META_stock_data_000000000001.csv";
const METADATA = "metadata/META_stock_data_000000000001_meta.json";
/** Debian's and most others' `nobody`. */
const NOBODY = 65_534;
const privileged = process.getuid?.() === 0;

describe("D4: a deletion", () => {
	let root: string;
	let backend: DiskBackend;
	beforeEach(() => {
		root = join(temporaryFolder(), "root");
		for (let i = 0; i < 3; i++) writeEntry(root, "META", i);
		backend = openFileBackend({ roots: [{ name: PLACE, path: root }] });
	});
	afterEach(() => backend.close());

	/** The middle one of three failed; its two files are all that is left. */
	function expectKept(outcomes: readonly RemovalOutcome[], code: string, named: string): void {
		expect(outcomes.map(({ outcome }) => outcome)).toEqual(["deleted", "failed", "deleted"]);
		const failed = outcomes[1];
		if (failed?.outcome !== "failed") throw new Error("it did not fail");
		expect(failed.failure.code).toBe(code);
		for (const locale of ["en", "zh"] as const) expect(say(locale, failed.failure.said)).toContain(named);
		expect(filesBelow(root)).toEqual([METADATA, DATA]);
	}

	it.each([DATA, METADATA])("keeps and names a pipe in place of %s, and does not wait for it", async (path) => {
		rmSync(join(root, path));
		execFileSync("mkfifo", [join(root, path)]);
		const refs = refsOf(root, "metadata");
		expect(refs).toHaveLength(3);
		if (path === DATA) expect(await backend.preview(refs[1] as (typeof refs)[0], 10)).toBeNull();
		expectKept(await backend.remove(refs, ONCE), "NOT_A_FILE", path);
		expect(lstatSync(join(root, path)).isFIFO()).toBe(true);
	});

	it("keeps and names a socket", async () => {
		rmSync(join(root, DATA));
		// A socket's path may have no more than about 100 characters.
		const short = temporaryFolder("s");
		const server = createServer();
		await new Promise<void>((listening) => server.listen(join(short, "s"), listening));
		renameSync(join(short, "s"), join(root, DATA));
		expectKept(await backend.remove(refsOf(root, "metadata"), ONCE), "NOT_A_FILE", DATA);
		await new Promise((closed) => server.close(closed));
	});

	it.each([DATA, METADATA])("keeps and names %s when it has a second hard link, and counts the links", async (path) => {
		const other = join(temporaryFolder(), "other");
		linkSync(join(root, path), other);
		const refs = refsOf(root, "metadata");
		const outcomes = await backend.remove(refs, ONCE);
		expectKept(outcomes, "NOT_A_FILE", path);
		expect(outcomes[1]).toMatchObject({ failure: { said: { key: "error.hardLink", facts: { path, count: 2 } } } });
		expect(existsSync(other)).toBe(true);
	});

	it("does not take a folder with a data file's name for an entry", async () => {
		rmSync(join(root, DATA));
		const refs = refsOf(root, "metadata");
		mkdirSync(join(root, DATA));
		expect((await backend.remove(refs, ONCE)).map(({ outcome }) => outcome)).toEqual(["deleted", "skipped", "deleted"]);
		expect(lstatSync(join(root, DATA)).isDirectory()).toBe(true);
	});

	/** Removes what the current process may not: as root by another user in a process of its own. */
	async function removeUnprivileged(): Promise<RemovalOutcome[]> {
		const refs = refsOf(root, "metadata");
		return privileged ? removeInChild(root, refs, NOBODY) : backend.remove(refs, ONCE);
	}
	function openToAll(): void {
		for (const path of [join(root, ".."), root, join(root, "us_stocks"), join(root, "metadata")]) {
			chmodSync(path, 0o777);
			if (privileged) chownSync(path, NOBODY, NOBODY);
		}
	}

	it.each(["us_stocks", "metadata"])(
		"keeps both parts of each entry and names a file when nothing may be removed from %s",
		async (folder) => {
			openToAll();
			chmodSync(join(root, folder), 0o555);
			const before = filesBelow(root);
			const outcomes = await removeUnprivileged();
			chmodSync(join(root, folder), 0o755);
			expect(outcomes).toHaveLength(3);
			for (const [i, outcome] of outcomes.entries())
				expect(outcome).toMatchObject({
					outcome: "failed",
					failure: {
						code: "PERMISSION_DENIED",
						said: { facts: { path: expect.stringMatching(new RegExp(`^${folder}/META_stock_data_00000000000${i}`)) } },
					},
				});
			expect(filesBelow(root)).toEqual(before);
		},
	);

	it("names the folder that may not be entered, and goes on with the others", async () => {
		openToAll();
		write(root, "us_news/X_news_000000000000.txt");
		chmodSync(join(root, "us_news"), 0o000);
		chmodSync(join(root, "us_news"), 0o700);
		const refs = refsOf(root, "metadata");
		chmodSync(join(root, "us_news"), 0o000);
		const outcomes = privileged ? await removeInChild(root, refs, NOBODY) : await backend.remove(refs, ONCE);
		chmodSync(join(root, "us_news"), 0o755);
		expect(outcomes.map(({ outcome }) => outcome)).toEqual(["deleted", "deleted", "deleted", "failed"]);
		expect(outcomes[3]).toMatchObject({ failure: { code: "PERMISSION_DENIED" } });
		expect(filesBelow(root)).toEqual(["us_news/X_news_000000000000.txt"]);
	});

	it("needs no right to read the folders above the root", async () => {
		openToAll();
		chmodSync(join(root, ".."), 0o711);
		const outcomes = await removeUnprivileged();
		chmodSync(join(root, ".."), 0o755);
		expect(outcomes.map(({ outcome }) => outcome)).toEqual(["deleted", "deleted", "deleted"]);
	});

	it("finishes a half entry of an interrupted batch, but not one whose rest has changed or is not to be removed", async () => {
		writeEntry(root, "META", 3);
		const refs = refsOf(root, "metadata");
		for (const { locator } of refs) rmSync(join(root, locator as string));
		write(root, METADATA, "written anew");
		const third = "metadata/META_stock_data_000000000002_meta.json";
		rmSync(join(root, third));
		write(root, refs[3]?.locator as string, "new data beside the old metadata");
		const outcomes = await backend.remove(refs, AGAIN);
		expect(outcomes.map(({ outcome }) => outcome)).toEqual(["deleted", "deleted", "deleted", "skipped"]);
		expect(filesBelow(root)).toEqual([
			METADATA,
			"metadata/META_stock_data_000000000003_meta.json",
			"us_stocks/META_stock_data_000000000003.csv",
		]);
	});
});
