/** D3: while entries are removed, another process swaps a folder on their way for a link to a victim with files of the same names. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, lstatSync, mkdirSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import { describePlain } from "../../src/backends/layouts/plain-layout.js";
import { factsOf } from "../../src/backends/layouts/stat-facts.js";
import type { EntryRef } from "../../src/core/entry.js";
import { entryId } from "../../src/core/entry-id.js";
import { PLACE } from "../testkit/disk-refs.js";
import { temporaryFolder } from "../testkit/temporary.js";

const SWAPS = process.env.SOAK === "1" ? 10_000 : 2_000;
const FILES = 256;

/** Swaps and swaps back as fast as it can until its input ends; writes a line once it has done so many. */
const SWAPPER = `
const { renameSync, symlinkSync, unlinkSync } = require("node:fs");
const [folder, victim, swaps] = process.argv.slice(1);
let ended = false;
process.stdin.on("end", () => { ended = true; }).resume();
let done = 0;
function turn() {
	for (let i = 0; i < 50; i++) {
		renameSync(folder, folder + ".aside");
		symlinkSync(victim, folder);
		unlinkSync(folder);
		renameSync(folder + ".aside", folder);
	}
	done += 50;
	if (done === Number(swaps)) console.log("enough");
	if (!ended) setImmediate(turn);
}
turn();`;

describe("D3: a folder that is swapped for a link all the time", () => {
	it.each([
		["the one that the files lie in", "a/b"],
		["one on the way to them", "a"],
	])("leads no deletion to its target: %s", async (_which, swapped) => {
		const root = temporaryFolder();
		const victim = temporaryFolder();
		const names = Array.from({ length: FILES }, (_, i) => `${i}.txt`);
		const victimFolder = swapped === "a" ? join(victim, "b") : victim;
		mkdirSync(victimFolder, { recursive: true });
		mkdirSync(join(root, "a/b"), { recursive: true });
		for (const name of names) writeFileSync(join(victimFolder, name), `victim ${name}`);
		// Other programs go on writing, wherever the folder lies just now.
		const descriptor = openSync(join(root, "a/b"), constants.O_RDONLY | constants.O_DIRECTORY);
		const inside = (name: string): string => `/proc/self/fd/${descriptor}/${name}`;
		const backend = openFileBackend({ roots: [{ name: PLACE, path: root }] });
		const swapper = spawn(process.execPath, ["-e", SWAPPER, join(root, swapped), victim, String(SWAPS)], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		const exited = once(swapper, "exit");
		let enough = false;
		swapper.stdout.once("data", () => {
			enough = true;
		});
		const refs = new Map<string, EntryRef>();
		const writeAgain = (name: string): void => {
			writeFileSync(inside(name), name);
			const path = `a/b/${name}`;
			const { key, type, size, locator, fingerprint } = describePlain({ path, facts: factsOf(lstatSync(inside(name))) });
			const id = entryId("FILE", PLACE, key);
			refs.set(id, { id, key, backend: "FILE", place: PLACE, type, size, locator, fingerprint });
		};
		for (const name of names) writeAgain(name);
		const seen: Record<string, number> = {};
		// The race must have taken place: some deletions found the folder, some the link or nothing.
		const raced = (): boolean => (seen.deleted ?? 0) > 0 && (seen.skipped ?? 0) + (seen.BAD_PATH ?? 0) > 0;
		const givenUpAt = performance.now() + 45_000;
		while (!(enough && raced()) && swapper.exitCode === null && performance.now() < givenUpAt) {
			for (const outcome of await backend.remove([...refs.values()], { signal: new AbortController().signal, resumed: false })) {
				const what = outcome.outcome === "failed" ? outcome.failure.code : outcome.outcome;
				seen[what] = (seen[what] ?? 0) + 1;
				if (what === "deleted") writeAgain((refs.get(outcome.id) as EntryRef).key.slice("a/b/".length));
			}
		}
		swapper.stdin.end();
		expect(await exited).toEqual([0, null]);
		await backend.close();
		closeSync(descriptor);
		expect(readdirSync(victimFolder)).toHaveLength(FILES);
		expect(raced()).toBe(true);
		expect(Object.keys(seen).every((what) => ["deleted", "skipped", "BAD_PATH"].includes(what))).toBe(true);
	});
});
