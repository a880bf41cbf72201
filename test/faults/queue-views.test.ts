/** The keys of the original system against the jobs as they are: while servers work, and after they are killed at random points. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import type { JobHandler } from "../../src/jobs/port.js";
import { callOf, intentOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { folderCleanup } from "../testkit/folder-cleanup.js";
import { killAll, type Lines, linesOf } from "../testkit/lines-of.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { gate } from "../testkit/promises.js";
import { type OpenQueue, openQueue } from "../testkit/queue.js";
import { type RedisServer, startRedis } from "../testkit/redis.js";
import { temporaryFolder } from "../testkit/temporary.js";

const SOAK = process.env.SOAK === "1";
const KILLS = SOAK ? 30 : 2;
const USERS = ["alice", "bob", "carol"];
/** The long form holds what is promised to readers of the keys; the short one only that they come to agree, however busy the machine. */
const SOON_MS = SOAK ? 1000 : 20_000;
const AFTER_CRASH_MS = SOAK ? 5000 : 30_000;

describe("the keys of the original system", () => {
	let redis: RedisServer;
	let mongodb: TestMongodb;
	let queue: OpenQueue | null = null;
	beforeAll(async () => {
		[redis, mongodb] = await Promise.all([startRedis(), startMongodb()]);
	});
	afterEach(async () => {
		await queue?.close();
		queue = null;
		await killAll();
		await redis.client.flushdb();
	});
	afterAll(async () => {
		await redis.stop();
		await mongodb.stop();
	});

	async function submit({ jobs, audit }: OpenQueue, user: string, input: Record<string, unknown>): Promise<string> {
		const auditTicket = await audit.begin(intentOf(user));
		return (await jobs.submit({ kind: "CLEANUP", input, auditTicket, call: callOf(user), idempotencyKey: null })).job.id;
	}

	/** What the keys say, and what they should. */
	async function compared({ records }: OpenQueue) {
		const unfinished = await records.read.unfinished();
		const idsOf = (user: string, status: string): string[] =>
			unfinished
				.filter(({ facts }) => facts.requestedBy === user && facts.status === status)
				.map(({ facts }) => facts.id)
				.sort();
		const should: unknown[] = [];
		const are: unknown[] = [];
		for (const user of USERS) {
			should.push([user, idsOf(user, "QUEUED"), idsOf(user, "RUNNING")]);
			are.push([
				user,
				(await redis.client.lrange(`user:${user}:pending`, 0, -1)).sort(),
				(await redis.client.smembers(`user:${user}:processing`)).sort(),
			]);
		}
		should.push(
			unfinished
				.filter(({ facts }) => facts.status === "QUEUED")
				.map(({ facts }) => facts.id)
				.sort(),
		);
		are.push((await redis.client.lrange("global:pending", 0, -1)).sort());
		return { should, are };
	}
	async function agree(parts: OpenQueue, withinMs: number): Promise<void> {
		await eventually(
			async () => {
				const { should, are } = await compared(parts);
				expect(are).toEqual(should);
			},
			{ withinMs },
		);
	}

	it("agree with the jobs at every moment; what waits stands in the order in which it starts, bob's one before alice's hundred", async () => {
		const began: string[] = [];
		const first = gate();
		const all = gate();
		const handler: JobHandler<unknown> = {
			kind: "CLEANUP",
			input: z.object({ n: z.number() }),
			async run({ job }) {
				began.push(job.id);
				await (began.length <= 2 ? first : all).opened;
				return "SUCCEEDED";
			},
		};
		const { db } = mongodb.newDatabase();
		const parts = await openQueue({
			redisUrl: redis.url,
			dataDir: temporaryFolder(),
			db,
			handlers: [handler],
			concurrency: 2,
			concurrencyPerUser: 2,
		});
		queue = parts;
		const alices = await Promise.all(Array.from({ length: 100 }, (_, n) => submit(parts, "alice", { n })));
		await eventually(() => expect(began).toHaveLength(2), { withinMs: 5000 });
		const bobs = await submit(parts, "bob", { n: 0 });
		await agree(parts, SOON_MS);
		const order = await eventually(
			async () => {
				const global = await redis.client.lrange("global:pending", 0, -1);
				expect(global[0]).toBe(bobs);
				return global;
			},
			{ withinMs: 2000 },
		);
		expect(order).toHaveLength(99);
		first.open();
		await eventually(() => expect(began).toHaveLength(4), { withinMs: 5000 });
		expect(began.slice(2)).toContain(bobs);
		await agree(parts, SOON_MS);
		all.open();
		for (const id of alices) await parts.jobs.waitForEnd(id, 30_000);
		await agree(parts, SOON_MS);
		// Two slots: neighbours may overtake each other between being handed out and beginning.
		const foretold = order.filter((id) => !began.slice(0, 4).includes(id));
		for (const [i, id] of began.slice(4).entries()) expect(Math.abs(foretold.indexOf(id) - i)).toBeLessThanOrEqual(1);
		expect(await redis.client.exists("user:alice:pending", "user:alice:processing", "user:bob:processing", "global:pending")).toBe(0);
	}, 120_000);

	it("with many slots too, bob's one job starts in the next free slot although alice's hundred fill them all", async () => {
		const began: string[] = [];
		const gates = new Map<string, ReturnType<typeof gate>>();
		const handler: JobHandler<unknown> = {
			kind: "CLEANUP",
			input: z.object({ n: z.number() }),
			async run({ job }) {
				began.push(job.id);
				const mine = gate();
				gates.set(job.id, mine);
				await mine.opened;
				return "SUCCEEDED";
			},
		};
		const options = { redisUrl: redis.url, dataDir: temporaryFolder(), db: mongodb.newDatabase().db, handlers: [handler] };
		const parts = await openQueue({ ...options, concurrency: 8, concurrencyPerUser: 100 });
		queue = parts;
		await Promise.all(Array.from({ length: 100 }, (_, n) => submit(parts, "alice", { n })));
		const inEngine = async () => Number(await redis.client.get("bull:cachewarden-fair:total"));
		await eventually(async () => expect([began.length, await inEngine()]).toEqual([8, 16]), { withinMs: 5000 });
		const bobs = await submit(parts, "bob", { n: 0 });
		await eventually(async () => expect(await inEngine()).toBe(17), { withinMs: 5000 });
		gates.get(began[3] as string)?.open();
		await eventually(() => expect(began).toHaveLength(9), { withinMs: 5000 });
		expect(began[8]).toBe(bobs);
		const opening = setInterval(() => {
			for (const one of gates.values()) one.open();
		}, 5);
		await eventually(() => expect(began).toHaveLength(101), { withinMs: 30_000 }).finally(() => clearInterval(opening));
		for (const one of gates.values()) one.open();
		await agree(parts, SOON_MS);
	}, 60_000);

	it("agree again after a process is killed at any point, within five seconds", async () => {
		const database = mongodb.newDatabase();
		const parts = await openQueue({
			redisUrl: redis.url,
			dataDir: temporaryFolder(),
			db: database.db,
			sharedAuditUri: database.uri,
			handlers: [folderCleanup(() => undefined)],
			concurrency: 0,
			concurrencyPerUser: 2,
		});
		queue = parts;
		const options = { redisUrl: redis.url, mongodbUri: database.uri, concurrency: 2, concurrencyPerUser: 2, lockMs: 2000 };
		const worker = (): Lines<{ readonly began?: string }> =>
			linesOf("queue-child.ts", [JSON.stringify({ ...options, dataDir: temporaryFolder() })]);
		const ids: string[] = [];
		for (let kill = 0; kill < KILLS; kill++) {
			const dying = worker();
			for (const user of USERS)
				for (let n = 0; n < 3; n++) {
					const folder = temporaryFolder();
					mkdirSync(join(folder, "news"));
					for (let i = 0; i < 20; i++) writeFileSync(join(folder, "news", `e${i}`), "x");
					ids.push(await submit(parts, user, { folder, pauseMs: 5 }));
				}
			let seen = 0;
			const after = 1 + Math.floor(Math.random() * 6);
			await dying.line(({ began }) => began !== undefined && ++seen >= after);
			dying.process.kill("SIGKILL");
			await dying.ended;
			await agree(parts, AFTER_CRASH_MS);
		}
		worker();
		for (const id of ids) expect((await parts.jobs.waitForEnd(id, 60_000)).status).toMatch(/^(SUCCEEDED|FAILED)$/);
		await agree(parts, AFTER_CRASH_MS);
	}, 180_000);
});
