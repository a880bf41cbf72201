/**
 * A cleanup of the older half by the whole server, jobs, audit log, catalog, watch and a live subscriber on, side by side
 * with `find -delete` on an equal tree. From the mutation's call to the subscriber's last event. The two alternate; each time
 * the trees are made anew and synced. `-mmin +10080` is "older than 7 days" to the minute, where `-mtime +7` means eight.
 *
 * Usage: cleanup-server.ts [ENTRIES=200000] [ROUNDS=5] [FOLDER=the system's for temporary files]; wants a build.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countDataFiles } from "../test/testkit/independent-count.js";
import { startServer } from "../test/testkit/server.js";
import { generateTree } from "./generate-tree.js";

interface Measured {
	readonly seconds: number;
	readonly entries: number;
	readonly note: string;
}
interface Progress {
	readonly cleanupProgress: { readonly status: string; readonly deletedEntries: number };
}

async function byServer(root: string, state: string): Promise<Measured> {
	const server = await startServer({ CACHE_DIR: root, DATA_DIR: state, LOG_LEVEL: "warn" });
	try {
		await server.query("{ cacheStats(fresh: true) { totalEntries } }");
		const events = server.subscribe<Progress>("subscription { cleanupProgress { status deletedEntries } }");
		const ended = (async () => {
			let seen = 0;
			for await (const { cleanupProgress } of events) {
				seen++;
				if (!["QUEUED", "RUNNING"].includes(cleanupProgress.status)) return { ...cleanupProgress, seen };
			}
			throw new Error("the subscription ended before the job");
		})();
		const began = performance.now();
		await server.query("mutation { cleanup(input: { olderThanDays: 7 }) { job { id } } }");
		const { status, deletedEntries, seen } = await ended;
		const seconds = (performance.now() - began) / 1000;
		if (status !== "SUCCEEDED") throw new Error(`the cleanup ended ${status}`);
		return { seconds, entries: deletedEntries, note: `${seen} progress events` };
	} finally {
		await server.stop();
	}
}

function byFind(root: string): Measured {
	const before = countDataFiles(root).entries;
	const began = performance.now();
	execFileSync("find", [root, "-type", "f", "-mmin", "+10080", "-delete"]);
	return { seconds: (performance.now() - began) / 1000, entries: before - countDataFiles(root).entries, note: "" };
}

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

const [entries = "200000", rounds = "5", folder = tmpdir()] = process.argv.slice(2);
const ratios: number[] = [];
for (let round = 1; round <= Number(rounds); round++) {
	const seconds = new Map<string, number>();
	for (const who of round % 2 === 1 ? ["find", "server"] : ["server", "find"]) {
		const place = mkdtempSync(join(folder, "cachewarden-bench-"));
		const root = join(place, "cache");
		generateTree({ root, entries: Number(entries), seed: round });
		execFileSync("sync");
		const measured = who === "find" ? byFind(root) : await byServer(root, join(place, "state"));
		seconds.set(who, measured.seconds);
		console.log(`round ${round}: ${who} removed ${measured.entries} entries in ${measured.seconds.toFixed(2)} s ${measured.note}`);
		rmSync(place, { recursive: true });
		execFileSync("sync");
	}
	ratios.push((seconds.get("server") as number) / (seconds.get("find") as number));
}
console.log(`server / find: median ${median(ratios).toFixed(2)} of ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`);
