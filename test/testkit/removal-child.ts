/**
 * Removes entries in a process of its own, so that it can be killed or can give up its rights.
 *
 * Usage: removal-child.ts ROOT REFS_FILE BATCH [UID]. Writes a line before and after each batch.
 */
import { readFileSync, writeSync } from "node:fs";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import type { EntryRef } from "../../src/core/entry.js";
import { PLACE } from "./disk-refs.js";

const [root = "", refsFile = "", size = "100", uid] = process.argv.slice(2);
const refs: readonly EntryRef[] = JSON.parse(readFileSync(refsFile, "utf8"));
const backend = openFileBackend({ roots: [{ name: PLACE, path: root }] });
const options = { signal: new AbortController().signal, resumed: false };

function say(line: unknown): void {
	writeSync(1, `${JSON.stringify(line)}\n`);
}

if (uid !== undefined) {
	// Starts the thread and loads all that it needs while that may still be read.
	await backend.preview(refs[0] as EntryRef, 1);
	process.setgroups?.([]);
	process.setgid?.(Number(uid));
	process.setuid?.(Number(uid));
}
for (let start = 0; start < refs.length; start += Number(size)) {
	say({ begun: start });
	say({ ended: start, outcomes: await backend.remove(refs.slice(start, start + Number(size)), options) });
}
