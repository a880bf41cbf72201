/** Q1 to Q7 on the queue of many processes, and Q10: the same on each Redis-protocol server. Faults are real. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { type Job, progressTotals } from "../../src/core/job.js";
import type { JobHandler } from "../../src/jobs/port.js";
import { callOf, forward, intentOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { folderCleanup } from "../testkit/folder-cleanup.js";
import { killAll, type Lines, linesOf } from "../testkit/lines-of.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { codeOf } from "../testkit/promises.js";
import { type OpenQueue, openQueue } from "../testkit/queue.js";
import { type RedisServer, redisPrograms, startRedis } from "../testkit/redis.js";
import { openTcpProxy } from "../testkit/tcp-proxy.js";
import { temporaryFolder } from "../testkit/temporary.js";

const SOAK = process.env.SOAK === "1";
const FILES = SOAK ? 3000 : 300;
const BYTES = 10;
const LOCK_MS = 2000;

interface Line {
	readonly ready?: true;
	readonly began?: string;
	readonly removed?: number;
}

const programs = await redisPrograms();

describe.each(programs)("the queue on %s", (program) => {
	let redis: RedisServer;
	let mongodb: TestMongodb;
	let database: ReturnType<TestMongodb["newDatabase"]>;
	let queue: OpenQueue | null = null;
	/** Processes that work; those that were killed are replaced when workers are asked for again. */
	let pool: Lines<Line>[] = [];
	beforeAll(async () => {
		[redis, mongodb] = await Promise.all([startRedis({ program }), startMongodb()]);
	});
	beforeEach(() => {
		database ??= mongodb.newDatabase();
	});
	afterEach(async () => {
		redis.thaw();
		await queue?.close();
		queue = null;
	});
	afterAll(async () => {
		await killAll();
		await redis.stop();
		await mongodb.stop();
	});

	/** A process that only hands in and looks on, unless it is given slots by `handlers`. */
	async function server(options: Partial<Parameters<typeof openQueue>[0]> = {}): Promise<OpenQueue> {
		queue = await openQueue({
			redisUrl: redis.url,
			dataDir: temporaryFolder(),
			db: database.db,
			sharedAuditUri: database.uri,
			handlers: [folderCleanup(() => undefined)],
			concurrency: 0,
			concurrencyPerUser: 3,
			lockMs: LOCK_MS,
			...options,
		});
		return queue;
	}

	/** So many processes, ready and with nothing to do. */
	async function workers(count: number): Promise<readonly Lines<Line>[]> {
		pool = pool.filter(({ process: { exitCode, signalCode } }) => exitCode === null && signalCode === null);
		pool.push(...(await Promise.all(Array.from({ length: Math.max(0, count - pool.length) }, worker))));
		return pool;
	}
	/** No process works any more but this one. */
	async function dismissWorkers(): Promise<void> {
		for (const one of pool) one.process.kill("SIGKILL");
		await Promise.all(pool.map(({ ended }) => ended));
		await eventually(async () => expect(await redis.client.zcount("bull:cachewarden-fair:workers", Date.now(), "+inf")).toBe(0), {
			withinMs: 10_000,
		});
	}
	/** The one that the job began in, this time. */
	async function whoRuns(id: string, among: readonly Lines<Line>[], from: ReadonlyMap<Lines<Line>, number>): Promise<Lines<Line>> {
		return eventually(
			() => {
				const found = among.find((one) => one.lines.slice(from.get(one) ?? 0).some(({ began }) => began === id));
				if (found === undefined) throw new Error(`${id} has not begun`);
				return found;
			},
			{ withinMs: 20_000, everyMs: 5 },
		);
	}
	/** Resolves when it has removed so many from now on. */
	async function hasRemoved(one: Lines<Line>, count: number, from = 0): Promise<void> {
		await eventually(() => expect(one.lines.slice(from).reduce((sum, { removed = 0 }) => sum + removed, 0)).toBeGreaterThanOrEqual(count), {
			withinMs: 20_000,
			everyMs: 5,
		});
	}
	function marks(among: readonly Lines<Line>[]): Map<Lines<Line>, number> {
		return new Map(among.map((one) => [one, one.lines.length]));
	}

	async function worker(): Promise<Lines<Line>> {
		const options = { redisUrl: redis.url, mongodbUri: database.uri, dataDir: temporaryFolder() };
		const child = linesOf<Line>("queue-child.ts", [JSON.stringify({ ...options, concurrency: 1, concurrencyPerUser: 3, lockMs: LOCK_MS })]);
		await child.line(({ ready }) => ready === true);
		return child;
	}

	function filled(files = FILES): string {
		const folder = temporaryFolder();
		mkdirSync(join(folder, "news"));
		for (let i = 0; i < files; i++) writeFileSync(join(folder, "news", `entry${String(i).padStart(5, "0")}`), "x".repeat(BYTES));
		return folder;
	}
	function left(folder: string): string[] {
		return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? entry.name : []));
	}

	async function submit(
		{ jobs, audit }: OpenQueue,
		input: Record<string, unknown>,
		key: string | null = null,
		user = "alice",
	): Promise<string> {
		const auditTicket = await audit.begin(intentOf(user));
		try {
			const request = { kind: "CLEANUP", input, auditTicket, call: callOf(user), idempotencyKey: key } as const;
			const { job, fresh } = await jobs.submit(request);
			if (!fresh) await audit.withdraw(auditTicket);
			return job.id;
		} catch (error) {
			await audit.withdraw(auditTicket);
			throw error;
		}
	}
	/** Lists show an entry once the process that seals has sealed it; when that was frozen or killed, another takes over first. */
	async function expectOutcomes({ audit }: OpenQueue, jobId: string, expected: readonly unknown[]): Promise<void> {
		await eventually(
			async () => {
				const { items } = await audit.page({ jobId }, forward(10));
				expect(items.map(({ node }) => [node.success, node.errorCode, node.details.deletedEntries])).toEqual(expected);
			},
			{ withinMs: 15_000 },
		);
	}
	function watch({ jobs }: OpenQueue, id: string): Job[] {
		const states: Job[] = [];
		jobs.onChange((job) => {
			if (job.id === id) states.push(job);
		});
		return states;
	}
	function expectRising(states: readonly Job[]): void {
		const sequences = states.map(({ progress }) => progress.sequence);
		expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
		const done = states.map((state) => progressTotals(state).deletedEntries);
		expect(done).toEqual([...done].sort((a, b) => a - b));
	}
	/** Views of the original system as they are. */
	async function views(user = "alice") {
		const [pending, processing, global] = await Promise.all([
			redis.client.lrange(`user:${user}:pending`, 0, -1),
			redis.client.smembers(`user:${user}:processing`),
			redis.client.lrange("global:pending", 0, -1),
		]);
		return { pending, processing, global };
	}

	it("Q4: while the server is frozen a job is refused within two seconds, and the retry makes exactly one", async () => {
		await dismissWorkers();
		const began: string[] = [];
		const parts = await server({ concurrency: 2, handlers: [counting(began)] });
		redis.freeze();
		const start = performance.now();
		expect(await codeOf(submit(parts, { name: "a" }, "key", "dora"))).toBe("QUEUE_UNAVAILABLE");
		expect(await codeOf(submit(parts, { name: "b" }, null, "dora"))).toBe("QUEUE_UNAVAILABLE");
		expect(performance.now() - start).toBeLessThan(2 * 2500);
		redis.thaw();
		const id = await eventually(() => submit(parts, { name: "a" }, "key", "dora"), { withinMs: 10_000 });
		expect(await parts.jobs.waitForEnd(id, 10_000)).toMatchObject({ status: "SUCCEEDED", attempts: 1 });
		await eventually(async () => expect(await redis.client.hlen("bull:cachewarden-fair:jobs")).toBe(0), { withinMs: 5000 });
		expect(began).toEqual(["a"]);
		expect((await parts.jobs.list({ requestedBy: "dora" }, forward(10))).totalCount).toBe(1);
	}, 60_000);

	it("Q5: jobs whose server lost everything are queued again from their records", async () => {
		await dismissWorkers();
		const began: string[] = [];
		const parts = await server({ concurrency: 1, concurrencyPerUser: 1, handlers: [counting(began, 300)] });
		const ids: string[] = [];
		for (let i = 0; i < 6; i++) ids.push(await submit(parts, { name: `n${i}` }));
		await eventually(() => expect(began.length).toBeGreaterThan(0), { withinMs: 5000 });
		// Without its file it comes back empty.
		await redis.kill();
		await redis.restart();
		for (const id of ids) expect(await parts.jobs.waitForEnd(id, 30_000)).toMatchObject({ status: "SUCCEEDED" });
		for (const id of ids) await expectOutcomes(parts, id, [expect.anything()]);
		await eventually(async () => expect(await views()).toEqual({ pending: [], processing: [], global: [] }), { withinMs: 5000 });
	}, 90_000);

	it("Q6: workers go on by themselves when the server comes back", async () => {
		await dismissWorkers();
		const proxy = await openTcpProxy({ port: redis.port });
		const began: string[] = [];
		const parts = await server({ redisUrl: `redis://127.0.0.1:${proxy.port}/0`, concurrency: 2, handlers: [counting(began)] });
		const first = await submit(parts, { name: "first" });
		await parts.jobs.waitForEnd(first, 10_000);
		await proxy.refuse();
		expect(await codeOf(submit(parts, { name: "away" }))).toBe("QUEUE_UNAVAILABLE");
		await new Promise((passed) => setTimeout(passed, SOAK ? 20_000 : 4_000));
		await proxy.accept();
		for (let i = 0; i < 5; i++) {
			const id = await eventually(() => submit(parts, { name: `back${i}` }), { withinMs: 10_000 });
			expect(await parts.jobs.waitForEnd(id, 10_000)).toMatchObject({ status: "SUCCEEDED", attempts: 1 });
		}
		expect(began).toHaveLength(6);
		await parts.close();
		queue = null;
		await proxy.close();
	}, 90_000);

	it("Q7: refuses a server that evicts jobs, and a full one is QUEUE_FULL", async () => {
		const evicting = await startRedis({ program, config: { maxmemory: "64mb", "maxmemory-policy": "allkeys-lru" } });
		try {
			const refusal = await server({ redisUrl: evicting.url }).catch((error: Error) => error.message);
			expect(refusal).toMatch(/allkeys-lru.*noeviction.*QUEUE_REDIS_URL/);
			const began: string[] = [];
			await evicting.client.config("SET", "maxmemory-policy", "noeviction");
			const parts = await server({ redisUrl: evicting.url, concurrency: 1, handlers: [counting(began)] });
			await evicting.client.config("SET", "maxmemory", "1mb");
			expect(await codeOf(submit(parts, { name: "full" }))).toBe("QUEUE_FULL");
			await evicting.client.config("SET", "maxmemory", "64mb");
			const id = await submit(parts, { name: "again" });
			expect(await parts.jobs.waitForEnd(id, 10_000)).toMatchObject({ status: "SUCCEEDED" });
			expect(began).toEqual(["again"]);
			await parts.close();
			queue = null;
		} finally {
			await evicting.stop();
		}
	}, 60_000);

	it("begins without its server, refuses jobs until that is there, and then runs them", async () => {
		const proxy = await openTcpProxy({ port: redis.port });
		await proxy.refuse();
		const began: string[] = [];
		const parts = await server({ redisUrl: `redis://127.0.0.1:${proxy.port}/0`, concurrency: 1, handlers: [counting(began)] });
		expect(await codeOf(submit(parts, { name: "early" }))).toBe("QUEUE_UNAVAILABLE");
		expect(parts.logged.join()).toContain("cannot be reached");
		await proxy.accept();
		const id = await eventually(() => submit(parts, { name: "late" }), { withinMs: 10_000 });
		expect(await parts.jobs.waitForEnd(id, 10_000)).toMatchObject({ status: "SUCCEEDED" });
		expect(began).toEqual(["late"]);
		await parts.close();
		queue = null;
		await proxy.close();
	}, 60_000);

	// Processes take seconds to start and to be missed: on every server in the long form.
	if (!SOAK && program !== programs[0]) return;

	it("Q1: a job whose worker is killed in the middle of a deletion runs again; nothing is counted twice", async () => {
		const folder = filled();
		const parts = await server();
		const among = [...(await workers(2))];
		const id = await submit(parts, { folder, pauseMs: 5 });
		const states = watch(parts, id);
		const first = await whoRuns(id, among, new Map());
		await hasRemoved(first, FILES / 4);
		first.process.kill("SIGKILL");
		const job = await parts.jobs.waitForEnd(id, 30_000);
		expect(job).toMatchObject({ status: "SUCCEEDED", attempts: 2 });
		expect(progressTotals(job)).toMatchObject({ deletedEntries: FILES, freedBytes: FILES * BYTES, skippedEntries: 0, failedEntries: 0 });
		expect(left(folder)).toEqual([]);
		await expectOutcomes(parts, id, [[true, null, FILES]]);
		expectRising(states);
		await eventually(async () => expect(await views()).toEqual({ pending: [], processing: [], global: [] }), { withinMs: 5000 });
		expect(await redis.client.hgetall(`task:${id}:progress`)).toMatchObject({
			status: "SUCCEEDED",
			processed: String(FILES),
			percent: "100",
			deleted_entries: String(FILES),
			freed_bytes: String(FILES * BYTES),
			sequence: String(job.progress.sequence),
		});
		expect(await redis.client.ttl(`task:${id}:progress`)).toBeGreaterThan(6 * 86_400);
	}, 60_000);

	it("Q2: a job over which three workers die is FAILED, in the audit log, and can be retried", async () => {
		const folder = filled();
		const parts = await server();
		let among = [...(await workers(4))];
		const from = marks(among);
		const id = await submit(parts, { folder, pauseMs: 20 });
		for (let death = 0; death < 3; death++) {
			const dying = await whoRuns(id, among, from);
			await hasRemoved(dying, 1, from.get(dying));
			dying.process.kill("SIGKILL");
			among = among.filter((one) => one !== dying);
		}
		const job = await parts.jobs.waitForEnd(id, 30_000);
		expect(job).toMatchObject({ status: "FAILED", attempts: 3, error: { code: "INTERRUPTED" } });
		await expectOutcomes(parts, id, [[false, "INTERRUPTED", expect.any(Number)]]);
		await parts.jobs.retry(id, await parts.audit.begin(intentOf("alice", { action: "retryJob" })));
		expect(await parts.jobs.waitForEnd(id, 30_000)).toMatchObject({ status: "SUCCEEDED" });
		expect(left(folder)).toEqual([]);
	}, 90_000);

	it("Q3: a worker that is frozen beyond its lock removes nothing more when it wakes up", async () => {
		const folder = filled();
		const parts = await server();
		const among = [...(await workers(2))];
		const from = marks(among);
		const id = await submit(parts, { folder, pauseMs: 20 });
		const frozen = await whoRuns(id, among, from);
		await hasRemoved(frozen, FILES / 5, from.get(frozen));
		frozen.process.kill("SIGSTOP");
		await whoRuns(
			id,
			among.filter((one) => one !== frozen),
			from,
		);
		const before = frozen.lines.length;
		frozen.process.kill("SIGCONT");
		const job = await parts.jobs.waitForEnd(id, 30_000);
		expect(job).toMatchObject({ status: "SUCCEEDED", attempts: 2 });
		expect(progressTotals(job)).toMatchObject({ deletedEntries: FILES, skippedEntries: 0, failedEntries: 0 });
		// What had been asked for when it was stopped may still be answered.
		const late = frozen.lines.slice(before).reduce((sum, { removed: count = 0 }) => sum + count, 0);
		expect(late).toBeLessThanOrEqual(10);
		await expectOutcomes(parts, id, [[true, null, FILES]]);
	}, 60_000);

	it("cancels a job that another process runs, within a second and between two deletions", async () => {
		const folder = filled();
		const parts = await server();
		const among = await workers(1);
		const from = marks(among);
		const id = await submit(parts, { folder, pauseMs: 20 });
		const other = await whoRuns(id, among, from);
		await hasRemoved(other, 1, from.get(other));
		const job = await parts.jobs.cancel(id);
		expect(job.status).toBe("CANCELLED");
		expect(progressTotals(job).deletedEntries).toBe(FILES - left(folder).length);
		expect(left(folder).length).toBeGreaterThan(0);
	}, 60_000);

	it("hands a running job back when its worker is told to end, and another goes on with it", async () => {
		const folder = filled();
		const parts = await server();
		const among = [...(await workers(2))];
		const from = marks(among);
		const id = await submit(parts, { folder, pauseMs: 20 });
		const leaving = await whoRuns(id, among, from);
		await hasRemoved(leaving, 1, from.get(leaving));
		leaving.process.kill("SIGTERM");
		expect(await leaving.ended).toBe(0);
		const job = await parts.jobs.waitForEnd(id, 30_000);
		expect(job).toMatchObject({ status: "SUCCEEDED", attempts: 2 });
		expect(progressTotals(job)).toMatchObject({ deletedEntries: FILES, skippedEntries: 0 });
	}, 60_000);
});

/** Says which jobs began. */
function counting(began: string[], takesMs = 0): JobHandler<unknown> {
	const handler: JobHandler<{ readonly name: string }> = {
		kind: "CLEANUP",
		input: z.object({ name: z.string() }),
		async run({ input, signal }) {
			began.push(input.name);
			if (takesMs > 0) await new Promise((done) => setTimeout(done, takesMs));
			return signal.aborted ? "CANCELLED" : "SUCCEEDED";
		},
	};
	return handler as JobHandler<unknown>;
}
