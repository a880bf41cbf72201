/**
 * The server's memory while it removes a cache of a million entries: resident set before, at rest and after a list and a
 * preview, and its peak while the job runs with a live subscriber. Files of their own on a file system in memory, which keeps the disk out of it.
 *
 * Usage: cleanup-memory.ts [ENTRIES=1000000] [FOLDER=/dev/shm]; Linux; wants a build.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startServer } from "../test/testkit/server.js";
import { generateTree } from "./generate-tree.js";

const [entries = "1000000", folder = "/dev/shm"] = process.argv.slice(2);
const place = mkdtempSync(join(folder, "cachewarden-bench-"));
try {
	const root = join(place, "cache");
	generateTree({ root, entries: Number(entries) });
	const server = await startServer({ CACHE_DIR: root, DATA_DIR: join(place, "state"), LOG_LEVEL: "warn" });
	try {
		const memoryMb = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.process.pid}/status`, "utf8"))?.[1]) / 1024;
		const cpuTicks = (): number => {
			const [user, system] = readFileSync(`/proc/${server.process.pid}/stat`, "utf8").split(") ")[1]?.split(" ").slice(11, 13) ?? [];
			return Number(user) + Number(system);
		};
		await server.query("{ cacheStats(fresh: true) { totalEntries } }");
		// As a server in use: a list and a preview have been asked for, and what the first scan left to do is done.
		const asked = await server.query("{ cacheDetails(first: 50) { totalCount } cleanupPreview(input: { olderThanDays: 7 }) { planId } }");
		if (asked.data === null || asked.errors !== undefined) throw new Error(JSON.stringify(asked.errors));
		for (let before = -1, now = cpuTicks(); now - before > 5; before = now, now = cpuTicks())
			await new Promise((turn) => setTimeout(turn, 1000));
		const beforeMb = memoryMb();
		let peakMb = beforeMb;
		const look = setInterval(() => {
			peakMb = Math.max(peakMb, memoryMb());
		}, 50);
		const began = performance.now();
		const accepted = await server.query<{ clear: { job: { id: string } } }>("mutation { clear(input: { confirm: true }) { job { id } } }");
		let events = 0;
		let last = { status: "", deletedEntries: 0 };
		for await (const { cleanupProgress } of server.subscribe<{ cleanupProgress: typeof last }>(
			"subscription ($id: ID) { cleanupProgress(jobId: $id) { status deletedEntries } }",
			{ id: accepted.data.clear.job.id },
		)) {
			events++;
			last = cleanupProgress;
		}
		clearInterval(look);
		const seconds = (performance.now() - began) / 1000;
		console.log(
			`${last.status}: ${last.deletedEntries} entries in ${seconds.toFixed(1)} s, ${events} progress events; resident ${beforeMb.toFixed(0)} MB before, ${peakMb.toFixed(0)} MB at most: + ${(peakMb - beforeMb).toFixed(0)} MB`,
		);
	} finally {
		await server.stop();
	}
} finally {
	rmSync(place, { recursive: true });
}
