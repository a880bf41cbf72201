/**
 * A clear of files that a server without a worker of its own shares out: to one `cachewarden worker` process, and to three. From the
 * mutation's call to the subscriber's last event; the two alternate, each on a tree, a queue and a database of its own.
 *
 * Usage: workers.ts [ENTRIES=60000] [ROUNDS=3] [FOLDER=the system's for temporary files]; wants a build.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { startCommand } from "../test/testkit/cli.js";
import { eventually } from "../test/testkit/eventually.js";
import { startMongodb } from "../test/testkit/mongodb.js";
import { startRedis } from "../test/testkit/redis.js";
import { startServer } from "../test/testkit/server.js";
import { generateTree } from "./generate-tree.js";

interface Progress {
	readonly cleanupProgress: { readonly status: string; readonly deletedEntries: number };
}

const [entries = "60000", rounds = "3", folder = tmpdir()] = process.argv.slice(2);
const WANTED = Number(entries);
const [redis, mongodb] = await Promise.all([startRedis(), startMongodb()]);

/** Entries a second. */
async function removedBy(workers: number, seed: number): Promise<number> {
	const place = mkdtempSync(join(folder, "cachewarden-bench-"));
	const root = join(place, "cache");
	generateTree({ root, entries: WANTED, seed });
	execFileSync("sync");
	await redis.client.flushdb();
	const env = {
		CACHE_DIR: root,
		DATA_DIR: join(place, "state"),
		QUEUE_REDIS_URL: redis.url,
		AUDIT_MONGODB_URI: mongodb.newDatabase().uri,
		AUDIT_SECRET: "the secret of a benchmark",
		CACHE_TIMEZONE: "UTC",
		LOG_LEVEL: "warn",
	};
	const server = await startServer(env, "--no-worker");
	const started = Array.from({ length: workers }, () => startCommand(["worker", "--json"], { env }));
	try {
		for (const worker of started)
			await eventually(
				() => {
					if (!worker.out().includes('"places"')) throw new Error(`a worker has not started: ${worker.err()}`);
				},
				{ withinMs: 60_000 },
			);
		await server.query("{ cacheStats(fresh: true) { totalEntries } }");
		const events = server.subscribe<Progress>("subscription { cleanupProgress { status deletedEntries } }");
		const ended = (async () => {
			for await (const { cleanupProgress } of events) if (!["QUEUED", "RUNNING"].includes(cleanupProgress.status)) return cleanupProgress;
			throw new Error("the subscription ended before the job");
		})();
		const began = performance.now();
		await server.query("mutation { clear(input: { confirm: true, backends: [FILE] }) { job { id } } }");
		const { status, deletedEntries } = await ended;
		const seconds = (performance.now() - began) / 1000;
		if (status !== "SUCCEEDED" || deletedEntries !== WANTED) throw new Error(`the clear ended ${status} after ${deletedEntries} entries`);
		return deletedEntries / seconds;
	} finally {
		for (const worker of started) worker.process.kill("SIGTERM");
		await Promise.all([server.stop(), ...started.map((worker) => worker.ended)]);
		rmSync(place, { recursive: true });
	}
}

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

const rates = new Map<number, number[]>([
	[1, []],
	[3, []],
]);
for (let round = 1; round <= Number(rounds); round++)
	for (const workers of round % 2 === 1 ? [1, 3] : [3, 1]) {
		const rate = await removedBy(workers, round);
		rates.get(workers)?.push(rate);
		console.log(`round ${round}: ${workers} worker${workers === 1 ? "" : "s"} ${rate.toFixed(0)} entries/s`);
	}
const [one, three] = [1, 3].map((workers) => median(rates.get(workers) ?? [])) as [number, number];
console.log(`files/s, ${WANTED} entries, median of ${rounds}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`);
console.log(`one worker     ${one.toFixed(0)}`);
console.log(`three workers  ${three.toFixed(0)}  (${(three / one).toFixed(2)} × one)`);
await Promise.all([redis.stop(), mongodb.stop()]);
process.exit(0);
