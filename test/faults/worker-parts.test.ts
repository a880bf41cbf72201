/** Parts of jobs in real worker processes that are stopped, frozen, elsewhere or stuck: what is removed and counted stays exact. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { type RunningCommand, startCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { countDataFiles } from "../testkit/independent-count.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type RedisServer, startRedis } from "../testkit/redis.js";
import { startServer, TEST_SECRET, type TestServer } from "../testkit/server.js";
import { folderForAll } from "../testkit/temporary.js";

const SOAK = process.env.SOAK === "1";
const KEYS = SOAK ? 20_000 : 3_000;
const BYTE_CODE = 30;
/** Entries that a worker asks for in one call. */
const CALL = 500;
const WITHIN = { withinMs: 30_000, everyMs: 5 };
/** Another host, as far as the program can tell. */
const ELSEWHERE = {
	NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
		'import os from "node:os"; import { syncBuiltinESMExports } from "node:module"; os.hostname = () => "elsewhere"; syncBuiltinESMExports();',
	)}`,
};

const JOB = "job { id status error { code } progress { matchedEntries deletedEntries failedEntries skippedEntries } }";
interface Job {
	readonly id: string;
	readonly status: string;
	readonly error: { readonly code: string } | null;
	readonly progress: { readonly deletedEntries: number; readonly skippedEntries: number };
}

describe("parts in worker processes", () => {
	const [root, code, dataDir] = [folderForAll(), folderForAll(), folderForAll()];
	let redis: RedisServer;
	let queue: RedisServer;
	let mongodb: TestMongodb;
	let server: TestServer;
	let env: Record<string, string>;
	const workers = new Set<RunningCommand>();

	beforeAll(async () => {
		[redis, queue, mongodb] = await Promise.all([startRedis(), startRedis(), startMongodb()]);
		const [forServer, forWorkers] = [join(dataDir, "server.yaml"), join(dataDir, "workers.yaml")];
		writeFileSync(forServer, "queue: { lockSeconds: 2 }\n");
		writeFileSync(forWorkers, "queue: { lockSeconds: 2, stuckSeconds: 2 }\njobs: { concurrency: 1 }\n");
		env = {
			CACHE_DIR: root,
			PYTHON_ROOTS: code,
			CONFIG_FILE: forWorkers,
			REDIS_URL: redis.url,
			QUEUE_REDIS_URL: queue.url,
			AUDIT_MONGODB_URI: mongodb.newDatabase().uri,
			AUDIT_SECRET: "the secret of a test",
			JWT_SECRET: TEST_SECRET,
			CACHE_TIMEZONE: "UTC",
			QUEUE_SHARED_ROOTS: "true",
			LOG_LEVEL: "warn",
		};
		server = await startServer({ ...env, CONFIG_FILE: forServer, DATA_DIR: dataDir }, "--no-worker");
	}, 60_000);
	afterEach(async () => {
		for (const { process } of workers) process.kill("SIGKILL");
		await Promise.all([...workers].map(({ ended }) => ended));
	});
	afterAll(async () => {
		await server?.stop();
		await Promise.all([redis, queue, mongodb].map((service) => service?.stop()));
	});

	/** With one slot for each root and server. */
	async function worker(changed: Record<string, string> = {}): Promise<RunningCommand> {
		const started = startCommand(["worker", "--json"], { env: { ...env, DATA_DIR: "/nowhere", ...changed } });
		workers.add(started);
		void started.ended.then(() => workers.delete(started));
		await eventually(() => expect(started.out()).toContain('"places"'), WITHIN);
		return started;
	}
	async function stop(one: RunningCommand): Promise<number | null> {
		one.process.kill("SIGTERM");
		return (await one.ended).code;
	}
	async function clear(selection: string): Promise<string> {
		const { data } = await server.query<{ clear: { job: Job } }>(`mutation { clear(input: { confirm: true, ${selection} }) { ${JOB} } }`);
		return data.clear.job.id;
	}
	async function cancel(id: string): Promise<void> {
		const { errors } = await server.query("mutation ($id: ID!) { cancelJob(id: $id) { job { id } } }", { id });
		expect(errors).toBeUndefined();
	}
	async function ended(id: string): Promise<Job> {
		return eventually(async () => {
			const { data } = await server.query<{ job: Job }>(`query ($id: ID!) { ${JOB.replace("job", "job(id: $id)")} }`, { id });
			expect(["QUEUED", "RUNNING"]).not.toContain(data.job.status);
			return data.job;
		}, WITHIN);
	}
	/** Those that have a key of this name: `wait` and `active` are there while parts are. */
	async function queuesOfParts(has: "wait" | "active" | "meta"): Promise<string[]> {
		return (await queue.client.keys(`bull:cachewarden-parts-*:${has}`)).map((key) => key.slice(0, -has.length - 1));
	}
	/** Its queue, when parts of one root or server wait and no others do. */
	function partsWait(): Promise<string> {
		return eventually(async () => {
			const names = await queuesOfParts("wait");
			expect(names).toHaveLength(1);
			return names[0] as string;
		}, WITHIN);
	}
	/** Calls that remove anything wait at the server until they are let go. */
	async function holdWrites(): Promise<void> {
		await redis.client.call("CLIENT", "PAUSE", "60000", "WRITE");
	}
	async function heldWrites(): Promise<number> {
		const clients = String(await redis.client.call("CLIENT", "LIST"));
		return clients.split("\n").filter((line) => /flags=b .*cmd=eval/.test(line)).length;
	}
	async function releaseWrites(): Promise<void> {
		await redis.client.call("CLIENT", "UNPAUSE");
	}
	/** From now on two workers have looked for a key twice: what they were told at first they have acted upon. */
	async function bothHaveAsked(key: string): Promise<void> {
		const { hostname, port } = new URL(queue.url);
		const monitor = connect(Number(port), hostname);
		monitor.write("MONITOR\r\n");
		const asked = new Map<string, number>();
		// `+TIME [DATABASE CLIENT] "COMMAND" "ARGUMENT"…`
		for await (const line of createInterface({ input: monitor })) {
			const [, source, command, of] = /\[\d+ (\S+)\] "(\w+)" "([^"]*)"/.exec(line) ?? [];
			if (source !== undefined && command?.toLowerCase() === "get" && of === key) asked.set(source, (asked.get(source) ?? 0) + 1);
			if ([...asked.values()].filter((times) => times >= 2).length === 2) break;
		}
		monitor.destroy();
	}
	async function fillKeys(prefix: string, count: number): Promise<void> {
		const pipeline = redis.client.pipeline();
		for (let n = 0; n < count; n++)
			pipeline.set(
				`${prefix}:AAPL:${n.toString(16).padStart(16, "0")}`,
				`{"data": "${n}", "created_at": "2020-01-01T00:00:00.000000+00:00"}`,
			);
		await pipeline.exec();
	}

	it("of a job that is cancelled stop everywhere: nothing is removed afterwards, and what was removed is counted", async () => {
		await fillKeys("stock", KEYS);
		const before = await redis.client.dbsize();
		const both = await Promise.all([worker(), worker()]);
		for (const one of both) one.process.kill("SIGSTOP");
		const id = await clear("backends: [REDIS]");
		const name = await partsWait();
		await holdWrites();
		for (const one of both) one.process.kill("SIGCONT");
		// Each has one.
		await eventually(async () => expect(await queue.client.llen(`${name}:active`)).toBe(2), WITHIN);
		await cancel(id);
		const flow = `bull:cachewarden-fair:flow:${id}`;
		await eventually(async () => expect(await queue.client.exists(flow)).toBe(0), WITHIN);
		await bothHaveAsked(flow);
		await releaseWrites();
		const { status, progress } = await ended(id);
		const left = await redis.client.dbsize();
		// All but what each had asked for before.
		expect(left).toBeGreaterThanOrEqual(before - 2 * CALL);
		expect([status, progress.deletedEntries, progress.skippedEntries]).toEqual(["CANCELLED", before - left, 0]);
		expect(await Promise.all(both.map(stop))).toEqual([0, 0]);
		expect(await redis.client.dbsize()).toBe(left);
	}, 90_000);

	it("of a worker that is frozen beyond its lease are done by another; when it wakes up it removes nothing more of them", async () => {
		await redis.client.flushdb();
		await fillKeys("stock", KEYS);
		const before = await redis.client.dbsize();
		const frozen = await worker();
		frozen.process.kill("SIGSTOP");
		const id = await clear("backends: [REDIS]");
		await partsWait();
		// Its first call for the part is held there, so that it is frozen in the middle of it.
		await holdWrites();
		frozen.process.kill("SIGCONT");
		await eventually(async () => expect(await heldWrites()).toBe(1), WITHIN);
		frozen.process.kill("SIGSTOP");
		await releaseWrites();
		const other = await worker();
		const { status, error, progress } = await ended(id);
		expect([error, status, progress]).toEqual([
			null,
			"SUCCEEDED",
			{ matchedEntries: KEYS, deletedEntries: KEYS, failedEntries: 0, skippedEntries: 0 },
		]);
		expect(await redis.client.dbsize()).toBe(before - KEYS);
		// The same keys again, with the same proofs; then something that it has to do once it is through with the old part.
		await fillKeys("stock", KEYS);
		await fillKeys("news", 10);
		expect(await stop(other)).toBe(0);
		frozen.process.kill("SIGCONT");
		expect(await ended(await clear('backends: [REDIS], types: ["news"]'))).toMatchObject({
			status: "SUCCEEDED",
			progress: { deletedEntries: 10 },
		});
		expect(await redis.client.dbsize()).toBe(before);
		expect(await stop(frozen)).toBe(0);
	}, 90_000);

	it("of a root go to another host only where roots are shared, those of Python's byte code too", async () => {
		generateTree({ root, entries: 40 });
		mkdirSync(join(code, "__pycache__"));
		for (let n = 0; n < BYTE_CODE; n++) writeFileSync(join(code, "__pycache__", `m${n}.cpython-311.pyc`), "byte code");
		const { entries } = countDataFiles(root);
		await fillKeys("fundamentals", 10);
		await worker({ ...ELSEWHERE, QUEUE_SHARED_ROOTS: "false" });
		const id = await clear("backends: [FILE, PYTHON]");
		await partsWait();
		// That worker works, and leaves those alone.
		expect(await ended(await clear('backends: [REDIS], types: ["fundamentals"]'))).toMatchObject({ status: "SUCCEEDED" });
		expect([countDataFiles(root).entries, await queuesOfParts("wait")]).toEqual([entries, [expect.any(String)]]);
		await worker(ELSEWHERE);
		const { status, progress } = await ended(id);
		const deletedEntries = entries + BYTE_CODE;
		expect([status, progress]).toEqual([
			"SUCCEEDED",
			{ matchedEntries: deletedEntries, deletedEntries, failedEntries: 0, skippedEntries: 0 },
		]);
		expect([countDataFiles(root).entries, readdirSync(code, { recursive: true })]).toEqual([0, []]);
	}, 90_000);

	it("that wait while none begins or ends, although the server answers, make a worker end with exit code 1", async () => {
		generateTree({ root, entries: 10 });
		const stuck = await worker();
		await ended(await clear("backends: [FILE]"));
		// One at a time, and that one is held by nobody for ever.
		for (const name of await queuesOfParts("meta")) {
			await queue.client.hset(`${name}:meta`, "concurrency", 1);
			await queue.client.lpush(`${name}:active`, "of-nobody");
			await queue.client.set(`${name}:of-nobody:lock`, "of nobody");
		}
		generateTree({ root, entries: 10 });
		const id = await clear("backends: [FILE]");
		const { code: exit, err } = await stuck.ended;
		expect([exit, err]).toEqual([1, expect.stringContaining("start this worker again")]);
		await cancel(id);
		expect((await ended(id)).status).toBe("CANCELLED");
	}, 90_000);
});
