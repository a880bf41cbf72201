/** Loading, syncs and model configurations over files, Redis and MongoDB, by two servers that share them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { mongo } from "mongoose";
import { eventually } from "../testkit/eventually.js";
import { type HttpSource, sending, startHttpSource } from "../testkit/http-source.js";
import { readFieldTree } from "../testkit/metadata-reader.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type RedisServer, startRedis } from "../testkit/redis.js";
import { fieldPickle } from "../testkit/redis-layer.js";
import { startServer, type TestServer } from "../testkit/server.js";
import { heldFolder, removeHeldFolders } from "../testkit/temporary.js";

const PICKLE = "0b549b9f6e4a650ebad64c66e9dbb947";
const JOB =
	"job { id status progress { loadedEntries skippedEntries deletedEntries } failures { nodes { code message } } error { code message } }";

interface JobAnswer {
	readonly id: string;
	readonly status: string;
	readonly progress: { readonly loadedEntries: number; readonly skippedEntries: number; readonly deletedEntries: number };
	readonly error: { readonly code: string; readonly message: string } | null;
}

describe("two servers over files, Redis and MongoDB", () => {
	let source: HttpSource;
	let redis: RedisServer;
	let mongodb: TestMongodb;
	let db: mongo.Db;
	let root: string;
	let one: TestServer;
	let other: TestServer;

	beforeAll(async () => {
		[source, redis, mongodb] = await Promise.all([
			startHttpSource(sending("text/csv", (symbol) => `close\n${symbol}\n`)),
			startRedis(),
			startMongodb(),
		]);
		const database = mongodb.newDatabase();
		db = database.db;
		root = heldFolder();
		const file = join(heldFolder(), "cachewarden.yaml");
		const fast = { retries: 0, requestsPerSecond: 1000, allowPrivateAddresses: true };
		const tier = (from: string) => ({ kind: "tier", from, types: ["stock_data", "fundamentals"], requestsPerSecond: 1000 });
		const loaders = {
			quotes: { kind: "http", url: `${source.url}/?symbol={symbol}`, types: ["stock_data"], daysBack: 30, ...fast },
			files: tier("FILE"),
			memory: tier("REDIS"),
			documents: tier("MONGODB"),
		};
		writeFileSync(file, JSON.stringify({ loaders, sync: { coalesceMs: 0 }, mongodb: { database: database.name } }));
		writeFileSync(join(root, `${PICKLE}.pkl`), fieldPickle(`${PICKLE}.pkl`));
		const environment = {
			AUDIT_SECRET: "the secret of a test",
			CACHE_DIR: root,
			CONFIG_FILE: file,
			// Its memory is taken away while a change is tested.
			QUEUE_ENGINE: "embedded",
			REDIS_URL: redis.url,
			MONGODB_URI: mongodb.uri,
		};
		[one, other] = await Promise.all([
			startServer({ ...environment, DATA_DIR: heldFolder() }),
			startServer({ ...environment, DATA_DIR: heldFolder() }),
		]);
	});

	afterAll(async () => {
		await Promise.all([one.stop(), other.stop()]);
		await Promise.all([redis.stop(), source.close(), db.dropDatabase()]);
		await mongodb.stop();
		removeHeldFolders();
	});

	async function mutate(server: TestServer, field: string, type: string, input: Record<string, unknown>): Promise<JobAnswer> {
		const document = `mutation ($input: ${type}!) { ${field}(input: $input) { ${JOB} } }`;
		const answer = await server.query<Record<string, { job: JobAnswer }>>(document, { input: { wait: true, ...input } });
		expect(answer.errors).toBeUndefined();
		return (answer.data[field] as { job: JobAnswer }).job;
	}

	const warmUp = (server: TestServer, input: Record<string, unknown>) => mutate(server, "warmUp", "WarmUpInput", input);

	async function redisValue(symbol: string): Promise<Record<string, string> | null> {
		const [key] = await redis.client.keys(`stock:${symbol}:*`);
		return key === undefined ? null : { key, ...(JSON.parse((await redis.client.get(key)) ?? "") as Record<string, string>) };
	}

	it("loads into the layer that is named, by default into the one that applications read first", async () => {
		expect(await warmUp(one, { loader: "quotes", symbols: ["AAPL"] })).toMatchObject({
			status: "SUCCEEDED",
			progress: { loadedEntries: 1 },
		});
		expect(await redisValue("AAPL")).toMatchObject({ data: "close\nAAPL\n", data_format: "text", data_source: "quotes" });
		await warmUp(one, { loader: "quotes", symbols: ["MSFT"], target: "MONGODB" });
		expect(await db.collection("stock_data").findOne({ symbol: "MSFT" })).toMatchObject({
			data: "close\nMSFT\n",
			market_type: "us",
			data_type: "stock_data",
		});
		await warmUp(one, { loader: "quotes", symbols: ["TSLA"], target: "FILE" });
	});

	it("asks the source once for a key, also when two servers want it", async () => {
		source.forget();
		const release = source.hold();
		const jobs = [one, other].map((server) => warmUp(server, { loader: "quotes", symbols: ["NVDA"] }));
		await eventually(() => expect(source.requests.length).toBeGreaterThan(0), { withinMs: 5000 });
		await eventually(
			async () => {
				const states = await Promise.all(
					[one, other].map((server) =>
						server.query<{ jobs: { totalCount: number } }>("{ jobs(filter: { statuses: [RUNNING] }) { totalCount } }"),
					),
				);
				expect(states.map(({ data }) => data.jobs.totalCount)).toEqual([1, 1]);
			},
			{ withinMs: 5000 },
		);
		release();
		const done = await Promise.all(jobs);
		expect(done.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
		expect(done.map(({ progress }) => progress.loadedEntries + progress.skippedEntries)).toEqual([1, 1]);
		expect(source.requests).toHaveLength(1);
	});

	it("copies between the layers in the form of each, as old as the original; pickles byte for byte", async () => {
		const files = await warmUp(one, { loader: "files", symbols: ["TSLA", "META"], target: "REDIS" });
		expect(files).toMatchObject({ status: "SUCCEEDED", progress: { loadedEntries: 2 } });
		const [original] = entriesOf(root).filter(({ symbol }) => symbol === "TSLA");
		const copy = await redisValue("TSLA");
		expect(copy).toMatchObject({ data: original?.data, symbol: "TSLA", data_source: "quotes" });
		expect(Date.parse(copy?.created_at ?? "")).toBe(Date.parse(`${original?.cached_at.slice(0, 23)}Z`));
		expect((await redis.client.getBuffer(PICKLE))?.equals(fieldPickle(`${PICKLE}.pkl`))).toBe(true);
		await warmUp(one, { loader: "memory", symbols: ["AAPL"], target: "MONGODB" });
		const document = await db.collection("stock_data").findOne({ symbol: "AAPL" });
		const value = await redisValue("AAPL");
		// The key's form is one, so the key stays.
		expect([document?._id, document?.data]).toEqual([value?.key, value?.data]);
		await warmUp(one, { loader: "documents", symbols: ["MSFT"], target: "FILE" });
		expect(entriesOf(root).find(({ symbol }) => symbol === "MSFT")).toMatchObject({
			data: "close\nMSFT\n",
			start_date: document?.start_date ?? expect.any(String),
		});
		expect(readFileSync(join(root, `${PICKLE}.pkl`)).equals(fieldPickle(`${PICKLE}.pkl`))).toBe(true);
	});

	it("refreshes values where they lie", async () => {
		source.answer(sending("text/csv", (symbol) => `close\n${symbol} again\n`));
		const job = await mutate(one, "refresh", "RefreshInput", { symbols: ["AAPL"] });
		expect(job).toMatchObject({ status: "SUCCEEDED", progress: { loadedEntries: 2 } });
		expect((await redisValue("AAPL"))?.data).toBe("close\nAAPL again\n");
		expect((await db.collection("stock_data").findOne({ symbol: "AAPL" }))?.data).toBe("close\nAAPL again\n");
	});

	it("clears what a sync made stale from every layer", async () => {
		const input = { source: "exchange", success: true, types: ["stock_data"], symbols: ["AAPL", "MSFT", "TSLA"] };
		const job = await mutate(one, "reportDataSourceSync", "ReportSyncInput", input);
		expect(job).toMatchObject({ status: "SUCCEEDED" });
		expect([await redisValue("AAPL"), await redisValue("TSLA"), await redisValue("NVDA")]).toEqual([null, null, expect.anything()]);
		expect(await db.collection("stock_data").countDocuments({ symbol: { $in: ["AAPL", "MSFT"] } })).toBe(0);
		expect(entriesOf(root).filter(({ symbol }) => ["MSFT", "TSLA"].includes(symbol))).toEqual([]);
	});

	const CHANGE =
		"mutation ($input: UpdateModelConfigInput!) { updateModelConfig(input: $input) { status config { version } error { code message } } }";
	const model = (capabilityLevel: number) => ({ name: "gpt-4", provider: "openai", capabilityLevel, roles: [], features: [] });

	async function change(server: TestServer, expectedVersion: number, level: number) {
		const answer = await server.query<{
			updateModelConfig: { status: string; config: { version: number }; error: { code: string; message: string } | null };
		}>(CHANGE, { input: { expectedVersion, models: [model(level)] } });
		expect(answer.errors).toBeUndefined();
		return answer.data.updateModelConfig;
	}

	async function level(server: TestServer): Promise<number | undefined> {
		const answer = await server.query<{ modelCapability: { capabilityLevel: number } | null }>(
			'{ modelCapability(model: "openai/gpt-4") { capabilityLevel } }',
		);
		expect(answer.errors).toBeUndefined();
		return answer.data.modelCapability?.capabilityLevel;
	}

	it("tests a model configuration on every layer; each server has it within a second", async () => {
		expect(await change(one, 0, 3)).toMatchObject({ status: "APPLIED", config: { version: 1 } });
		expect(await level(other)).toBe(3);
		expect(await change(other, 1, 5)).toMatchObject({ status: "APPLIED", config: { version: 2 } });
		await eventually(async () => expect(await level(one)).toBe(5), { withinMs: 1000 });
		expect(JSON.parse((await redis.client.get("model_capability:gpt-4")) ?? "")).toMatchObject({
			name: "gpt-4",
			capability_level: 5,
			version: 2,
		});
		expect(await redis.client.keys("*probe*")).toEqual([]);
		expect(await db.collection("stock_data").countDocuments({ _id: /probe/ as never })).toBe(0);
	});

	it("rolls it back when one layer does not store, and says which", async () => {
		await redis.client.config("SET", "maxmemory", "1");
		const made = await change(one, 2, 1);
		await redis.client.config("SET", "maxmemory", "0");
		expect(made).toMatchObject({ status: "ROLLED_BACK", config: { version: 2 }, error: { code: "CONFIG_TEST_FAILED" } });
		expect(made.error?.message).toContain("REDIS");
		expect([await level(one), await level(other)]).toEqual([5, 5]);
	});
});

/** Pickles share the root, and are no entries of the layout with metadata. */
function entriesOf(root: string) {
	return [...readFieldTree(root, [`${PICKLE}.pkl`]).values()];
}
