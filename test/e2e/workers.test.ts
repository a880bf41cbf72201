/** Large jobs shared out among worker processes that die: the result is as if nothing had happened. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type RunningCommand, startCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { fillMongodb, fillRedis, mongodbKeysBefore, redisKeysBefore } from "../testkit/field-data.js";
import { keysCachedBefore } from "../testkit/independent-count.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type RedisServer, startRedis } from "../testkit/redis.js";
import { startServer, TEST_SECRET, type TestServer } from "../testkit/server.js";
import { folderForAll } from "../testkit/temporary.js";
import { generateTree } from "../testkit/tree.js";

const SOAK = process.env.SOAK === "1";
/** Of each layer; half of them are old enough. */
const ENTRIES = SOAK ? 200_000 : 3_000;
const KILL_EVERY_MS = SOAK ? 3_000 : 1_000;
const MOST_KILLS = SOAK ? 1_000 : 3;
const WORKERS = 3;
const WITHIN_MS = SOAK ? 1_800_000 : 120_000;
const DAYS = 7;

const CLEANUP = `mutation { cleanup(input: { olderThanDays: ${DAYS}, backends: [FILE, REDIS, MONGODB] }) { job { id createdAt } } }`;
const PROGRESS = `subscription ($id: ID) { cleanupProgress(jobId: $id) { sequence status deletedEntries failedEntries skippedEntries } }`;
interface Progress {
	readonly cleanupProgress: {
		readonly sequence: number;
		readonly status: string;
		readonly deletedEntries: number;
		readonly failedEntries: number;
		readonly skippedEntries: number;
	};
}

describe("three workers", () => {
	const root = folderForAll();
	const dataDir = folderForAll();
	let redis: RedisServer;
	let queue: RedisServer;
	let mongodb: TestMongodb;
	let database: ReturnType<TestMongodb["newDatabase"]>;
	let server: TestServer;
	let env: Record<string, string>;
	/** Also those that still start. */
	const workers = new Set<RunningCommand>();
	const ready = new Set<RunningCommand>();
	const coming: Promise<RunningCommand>[] = [];

	async function addWorker(): Promise<RunningCommand> {
		const worker = startCommand(["worker", "--json"], { env: { ...env, DATA_DIR: "/nowhere", LOG_LEVEL: "warn" } });
		workers.add(worker);
		void worker.ended.then(() => workers.delete(worker));
		await eventually(() => expect(worker.out()).toContain('"places"'), { withinMs: WITHIN_MS });
		ready.add(worker);
		return worker;
	}

	/** One that works, and another in its place; never the last. */
	function killOne(): boolean {
		const [victim, ...others] = ready;
		if (victim === undefined || others.length === 0) return false;
		ready.delete(victim);
		victim.process.kill("SIGKILL");
		coming.push(addWorker());
		return true;
	}

	beforeAll(async () => {
		[redis, queue, mongodb] = await Promise.all([startRedis(), startRedis(), startMongodb()]);
		database = mongodb.newDatabase();
		const nowMs = Date.now();
		generateTree(root, ENTRIES);
		const settings = join(dataDir, "cachewarden.yaml");
		writeFileSync(settings, "queue: { lockSeconds: 3 }\n");
		await Promise.all([fillRedis(redis.client, { entries: ENTRIES, nowMs }), fillMongodb(database.db, { entries: ENTRIES, nowMs })]);
		env = {
			CACHE_DIR: root,
			CONFIG_FILE: settings,
			REDIS_URL: redis.url,
			QUEUE_REDIS_URL: queue.url,
			MONGODB_URI: database.uri,
			AUDIT_SECRET: "the secret of a test",
			JWT_SECRET: TEST_SECRET,
			CACHE_TIMEZONE: "UTC",
		};
		server = await startServer({ ...env, DATA_DIR: dataDir }, "--no-worker");
		await Promise.all(Array.from({ length: WORKERS }, addWorker));
	}, WITHIN_MS * 2);
	afterAll(async () => {
		for (const worker of workers) worker.process.kill("SIGKILL");
		await Promise.all([...workers].map(({ ended }) => ended));
		await server?.stop();
		await Promise.all([redis, queue, mongodb].map((service) => service?.stop()));
	});

	async function oldKeys(before: Date): Promise<{ readonly file: string[]; readonly redis: string[]; readonly mongodb: string[] }> {
		return {
			file: keysCachedBefore(root, before),
			redis: await redisKeysBefore(redis.client, before),
			mongodb: await mongodbKeysBefore(database.db, before),
		};
	}

	function sum(keys: Awaited<ReturnType<typeof oldKeys>>): number {
		return keys.file.length + keys.redis.length + keys.mongodb.length;
	}

	it(
		"clean files, Redis and MongoDB exactly while one of them is killed again and again",
		async () => {
			const aWeekAgo = Date.now() - DAYS * 86_400_000;
			const older = await oldKeys(new Date(aWeekAgo));
			const little = await oldKeys(new Date(aWeekAgo + WITHIN_MS));
			const all = await oldKeys(new Date("9999-12-31"));
			const { data } = await server.query<{ cleanup: { job: { id: string; createdAt: string } } }>(CLEANUP);
			const { id, createdAt } = data.cleanup.job;
			let killed = 0;
			const kills = setInterval(() => {
				if (killed < MOST_KILLS && killOne()) killed++;
			}, KILL_EVERY_MS);
			const states: Progress["cleanupProgress"][] = [];
			try {
				for await (const { cleanupProgress } of server.subscribe<Progress>(PROGRESS, { id })) states.push(cleanupProgress);
			} finally {
				clearInterval(kills);
			}
			await Promise.all(coming);
			expect(killed).toBeGreaterThan(0);
			const limit = new Date(Date.parse(createdAt) - DAYS * 86_400_000);
			expect(await oldKeys(limit)).toEqual({ file: [], redis: [], mongodb: [] });
			const gone = sum(all) - sum(await oldKeys(new Date("9999-12-31")));
			expect(gone).toBeGreaterThanOrEqual(sum(older));
			// Nothing that was not old enough when the job was accepted.
			expect(gone).toBeLessThanOrEqual(sum(little));
			expect(states.at(-1)).toMatchObject({ status: "SUCCEEDED", deletedEntries: gone, failedEntries: 0, skippedEntries: 0 });
			for (const [i, { sequence }] of states.entries()) expect(sequence).toBeGreaterThan(states[i - 1]?.sequence ?? -1);
			const audit = await server.query("query ($id: ID!) { auditLog(filter: { jobId: $id }) { totalCount nodes { success details } } }", {
				id,
			});
			expect(audit.data).toMatchObject({ auditLog: { totalCount: 1, nodes: [{ success: true, details: { deletedEntries: gone } }] } });
			expect(await queue.client.exists("user:admin:pending", "user:admin:processing", "global:pending")).toBe(0);
			expect(await queue.client.hgetall(`task:${id}:progress`)).toMatchObject({ status: "SUCCEEDED", deleted_entries: String(gone) });
			const jobs = await server.query("{ jobs { totalCount nodes { id batchId } } queueStats { running queued } }");
			const batchId = `b${id.slice(1)}`;
			expect(jobs.data).toEqual({ jobs: { totalCount: 1, nodes: [{ id, batchId }] }, queueStats: { running: 0, queued: 0 } });
			expect(await queue.client.scard(`batch:${batchId}:tasks`)).toBeGreaterThanOrEqual(3);
			if (SOAK) console.log(`${gone} of ${sum(all)} entries, ${killed} workers killed, ${states.length} states`);
		},
		WITHIN_MS,
	);

	it(
		"hand back what they run when they are asked to stop, and say what they need",
		async () => {
			const [one] = ready;
			one?.process.kill("SIGTERM");
			expect((await one?.ended)?.code).toBe(0);
			const { MONGODB_URI: _, ...without } = env;
			const { code, err } = await startCommand(["worker"], { env: without }).ended;
			expect([code, err]).toEqual([1, expect.stringContaining("MONGODB_URI")]);
		},
		WITHIN_MS,
	);
});
