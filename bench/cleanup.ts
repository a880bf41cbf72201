/**
 * Removes the older half of a cache in the metadata layout, side by side with `find -delete` on an equal tree: the file
 * backend alone, in batches as a job gives them to it. Both remove the same files (`-mmin +10080` is "older than 7 days" to
 * the minute, where `-mtime +7` rounds to whole days). The two alternate; each time the trees are made anew and synced.
 *
 * Usage: cleanup.ts [ENTRIES=200000] [ROUNDS=3] [FOLDER=the system's for temporary files] [BATCH=1000]
 */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFileBackend } from "../src/backends/file/file-backend.js";
import { metadataNameOf } from "../src/backends/layouts/metadata-layout.js";
import { factsOf, fingerprintOf } from "../src/backends/layouts/stat-facts.js";
import { DAY_MS } from "../src/core/clock.js";
import type { EntryRef } from "../src/core/entry.js";
import { entryId } from "../src/core/entry-id.js";
import { generateTree } from "./generate-tree.js";

const DAYS = 7;

interface Measured {
	readonly seconds: number;
	readonly files: number;
}

/** The entries that a cleanup selects, oldest first, as the catalog keeps them. */
function selectedRefs(root: string, before: number): EntryRef[] {
	const found: { ref: EntryRef; mtimeMs: number }[] = [];
	for (const folder of readdirSync(root).filter((name) => name !== "metadata"))
		for (const name of readdirSync(join(root, folder))) {
			const data = factsOf(lstatSync(join(root, folder, name)));
			if (data.mtimeMs >= before) continue;
			const key = name.slice(0, name.lastIndexOf("."));
			const metadata = factsOf(lstatSync(join(root, "metadata", metadataNameOf(key))));
			const ref: EntryRef = {
				id: entryId("FILE", "main", key),
				key,
				backend: "FILE",
				place: "main",
				type: folder,
				size: data.size,
				locator: `${folder}/${name}`,
				fingerprint: { data: fingerprintOf(data), metadata: fingerprintOf(metadata) },
			};
			found.push({ ref, mtimeMs: data.mtimeMs });
		}
	return found.sort((a, b) => a.mtimeMs - b.mtimeMs).map(({ ref }) => ref);
}

async function removeByBackend(root: string, before: number, batch: number): Promise<Measured> {
	const refs = selectedRefs(root, before);
	const backend = openFileBackend({ roots: [{ name: "main", path: root }] });
	const { signal } = new AbortController();
	let deleted = 0;
	const began = performance.now();
	for (let start = 0; start < refs.length; start += batch)
		for (const { outcome } of await backend.remove(refs.slice(start, start + batch), { signal, resumed: false }))
			if (outcome === "deleted") deleted++;
	const seconds = (performance.now() - began) / 1000;
	await backend.close();
	if (deleted !== refs.length) throw new Error(`${refs.length - deleted} entries were not removed`);
	return { seconds, files: 2 * deleted };
}

function removeByFind(root: string): Measured {
	const count = (): number => readdirSync(root).reduce((sum, folder) => sum + readdirSync(join(root, folder)).length, 0);
	const before = count();
	const began = performance.now();
	execFileSync("find", [root, "-type", "f", "-mmin", `+${DAYS * 1440}`, "-delete"]);
	return { seconds: (performance.now() - began) / 1000, files: before - count() };
}

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

const [entries = "200000", rounds = "3", folder = tmpdir(), batch = "1000"] = process.argv.slice(2);
const ratios: number[] = [];
for (let round = 1; round <= Number(rounds); round++) {
	const results = new Map<string, Measured>();
	for (const who of round % 2 === 1 ? ["find", "backend"] : ["backend", "find"]) {
		const root = mkdtempSync(join(folder, "cachewarden-bench-"));
		generateTree({ root, entries: Number(entries), seed: round });
		execFileSync("sync");
		results.set(who, who === "find" ? removeByFind(root) : await removeByBackend(root, Date.now() - DAYS * DAY_MS, Number(batch)));
		rmSync(root, { recursive: true });
		execFileSync("sync");
	}
	const [find, backend] = [results.get("find"), results.get("backend")] as [Measured, Measured];
	ratios.push(backend.seconds / find.seconds);
	for (const [who, { seconds, files }] of results)
		console.log(`round ${round}: ${who} removed ${files} files in ${seconds.toFixed(2)} s, ${Math.round(files / seconds)} files/s`);
}
console.log(`backend / find: median ${median(ratios).toFixed(2)} of ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`);
