import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Catalog, LayerStats } from "../../src/catalog/port.js";
import { DAY_MS } from "../../src/core/clock.js";
import type { SelectedRefs, SelectPosition } from "../../src/core/selection.js";
import { allEntries, closeCatalog, openTestCatalog, scannedCatalog, writeEntry } from "../testkit/catalog.js";
import { eventually } from "../testkit/eventually.js";
import { countRedis, fillMongodb, fillRedis } from "../testkit/field-data.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type RedisServer, startRedis } from "../testkit/redis.js";
import { mongodbLayer, redisLayer } from "../testkit/server-layers.js";
import { temporaryFolder } from "../testkit/temporary.js";

const SOON = { withinMs: 20_000 };
const SOAK = process.env.SOAK === "1";
const AT_ONCE = SOAK ? 200_000 : 5_000;
const ROUNDS = SOAK ? 20 : 1;
/** What the issue allows a layer that is down; only measured when the machine is ours. */
const ANSWER_MS = 2_000;

function layer(catalog: Catalog, backend: string): LayerStats {
	return catalog.stats(null).layers.find((found) => found.backend === backend) as LayerStats;
}

describe("the catalog over a Redis-protocol server", () => {
	let redis: RedisServer;
	beforeAll(async () => {
		redis = await startRedis();
	});
	afterAll(() => redis.stop());
	beforeEach(async () => {
		await redis.client.flushall();
		await redis.client.config("SET", "notify-keyspace-events", "KA");
	});

	const opened = (options: Parameters<typeof openTestCatalog>[0] = {}) =>
		openTestCatalog({ places: [], servers: [redisLayer(redis.url)], ...options });

	it("takes in what changes many at a time, also while it scans", async () => {
		await fillRedis(redis.client, { entries: AT_ONCE, nowMs: Date.now() });
		const catalog = await opened();
		const scanned = catalog.refresh(null);
		await fillRedis(redis.client, { entries: AT_ONCE, nowMs: Date.now(), seed: 2 });
		const gone = (await countRedis(redis.client)).keys.slice(0, AT_ONCE / 2);
		for (let at = 0; at < gone.length; at += 1000) await redis.client.unlink(gone.slice(at, at + 1000));
		await scanned;
		await catalog.refresh(null);
		const { entries, bytes } = await countRedis(redis.client);
		expect(layer(catalog, "REDIS")).toMatchObject({ entries, bytes, error: null });
	});

	it("finds by scanning what nobody reports, when asked at once and otherwise soon", async () => {
		await redis.client.config("SET", "notify-keyspace-events", "");
		const catalog = await opened({ reconcileEverySeconds: 600 });
		await catalog.refresh(null);
		expect(catalog.status()[0]).toMatchObject({ watched: false, watchProblem: expect.stringContaining("notify-keyspace-events") });
		await redis.client.set("stock:A:0000000000000001", "{}");
		await catalog.refresh(null);
		expect(layer(catalog, "REDIS").entries).toBe(1);
		await redis.client.set("stock:A:0000000000000002", "{}");
		await eventually(() => expect(layer(catalog, "REDIS").entries).toBe(2), SOON);
	});

	it("knows that a key whose time has ended is gone, although the server says so only when it comes across it", async () => {
		await redis.client.config("SET", "notify-keyspace-events", "");
		const catalog = await opened();
		await catalog.refresh(null);
		await redis.client.set("stock:A:0000000000000001", "{}", "PX", 5000);
		await catalog.refresh(null);
		expect(layer(catalog, "REDIS").entries).toBe(1);
		await eventually(() => expect(layer(catalog, "REDIS").entries).toBe(0), SOON);
	});

	it("notices a database that was emptied whole, of which no key is reported", async () => {
		await fillRedis(redis.client, { entries: 100, nowMs: Date.now() });
		const catalog = await opened();
		await catalog.refresh(null);
		expect(catalog.status()[0]?.watched).toBe(true);
		await redis.client.flushdb();
		await eventually(() => expect(layer(catalog, "REDIS").entries).toBe(0), SOON);
	});

	it("looks before it forgets: an entry that was written anew after its removal stays", async () => {
		await redis.client.set("stock:A:0000000000000001", '{"data": "old"}');
		await redis.client.set("stock:A:0000000000000002", '{"data": "old"}');
		const catalog = await opened();
		await catalog.refresh(null);
		const ids = (await allEntries(catalog)).map(({ id }) => id);
		await redis.client.unlink("stock:A:0000000000000002");
		await catalog.forget(ids);
		expect((await allEntries(catalog)).map(({ key }) => key)).toEqual(["stock:A:0000000000000001"]);
	});

	it("keeps what it knew while the server is away, with the time as of which it was true, and answers for the other layers", async () => {
		const root = temporaryFolder();
		writeEntry(root, "AAPL_stock_data_000000000001");
		await redis.client.set("stock:A:0000000000000001", "{}");
		const places = [{ backend: "FILE" as const, place: "cache", path: root, layout: "auto" as const }];
		const catalog = await opened({ places });
		await catalog.refresh(null);
		await redis.kill();
		await eventually(() => expect(layer(catalog, "REDIS").available).toBe(false), SOON);
		const { asOf } = layer(catalog, "REDIS");
		await catalog.refresh(null);
		expect(layer(catalog, "REDIS")).toMatchObject({
			available: false,
			entries: 1,
			asOf,
			error: expect.objectContaining({ code: "BACKEND_UNAVAILABLE" }),
		});
		expect(layer(catalog, "FILE")).toMatchObject({ available: true, entries: 1, error: null });
		expect(layer(catalog, "FILE").asOf).toBeGreaterThan(asOf);
		expect((await allEntries(catalog)).map(({ backend }) => backend).sort()).toEqual(["FILE", "REDIS"]);
		await redis.restart();
		await eventually(() => expect(layer(catalog, "REDIS")).toMatchObject({ available: true, entries: 0, error: null }), SOON);
		expect(layer(catalog, "REDIS").asOf).toBeGreaterThan(asOf);
	});

	it("says of a frozen server that it is away before anybody who asked has waited for its answer", async () => {
		await redis.client.set("stock:A:0000000000000001", "{}");
		const catalog = await opened();
		await catalog.refresh(null);
		expect(catalog.status()[0]?.watched).toBe(true);
		for (let round = 0; round < ROUNDS; round++) {
			redis.freeze();
			const frozenAt = performance.now();
			try {
				await catalog.refresh(null);
				const answeredMs = performance.now() - frozenAt;
				expect(layer(catalog, "REDIS")).toMatchObject({ available: false, entries: 1, error: { code: "BACKEND_TIMEOUT" } });
				if (SOAK) expect(answeredMs).toBeLessThan(ANSWER_MS);
			} finally {
				redis.thaw();
			}
			await eventually(() => expect(layer(catalog, "REDIS").available).toBe(true), SOON);
			redis.freeze();
			const againAt = performance.now();
			try {
				// Nobody asks: it is found out all the same.
				await eventually(() => expect(layer(catalog, "REDIS").error?.code).toBe("BACKEND_TIMEOUT"), SOON);
				if (SOAK) expect(performance.now() - againAt).toBeLessThan(ANSWER_MS);
			} finally {
				redis.thaw();
			}
			await eventually(() => expect(layer(catalog, "REDIS").available).toBe(true), SOON);
		}
	});

	it("opens without the server, and has its entries once it is there", async () => {
		await redis.kill();
		const catalog = await opened();
		await catalog.refresh(null);
		expect(layer(catalog, "REDIS")).toMatchObject({ available: false, entries: 0, asOf: 0 });
		await redis.restart();
		await redis.client.set("news:A:0000000000000001", "{}");
		await eventually(() => expect(layer(catalog, "REDIS")).toMatchObject({ available: true, entries: 1 }), SOON);
	});

	it("answers at its start what it knew before, and forgets the entries of a server that is another one now", async () => {
		await fillRedis(redis.client, { entries: 200, nowMs: Date.now() });
		const dataDir = temporaryFolder();
		const first = await opened({ dataDir });
		await first.refresh(null);
		const { entries } = layer(first, "REDIS");
		await closeCatalog(first);
		const again = await opened({ dataDir });
		expect(layer(again, "REDIS").entries).toBe(entries);
		await closeCatalog(again);
		const other = await scannedCatalog({ places: [], servers: [redisLayer(`redis://127.0.0.1:${redis.port}/1`)], dataDir });
		await eventually(() => expect(layer(other, "REDIS").entries).toBe(0), SOON);
		expect(await allEntries(other)).toEqual([]);
	});
});

describe("the catalog over MongoDB", () => {
	let mongodb: TestMongodb;
	beforeAll(async () => {
		mongodb = await startMongodb({ members: 0 });
	});
	afterAll(() => mongodb.stop());

	it("C11: finds changes by scanning where there is no replica set, and says why", async () => {
		const { uri, db } = mongodb.newDatabase();
		await fillMongodb(db, { entries: 300, nowMs: Date.now() });
		const catalog = await scannedCatalog({ places: [], servers: [mongodbLayer(uri)], reconcileEverySeconds: 600 });
		expect(catalog.status()[0]).toMatchObject({ watched: false, watchProblem: expect.any(String) });
		expect(layer(catalog, "MONGODB")).toMatchObject({ entries: 303, hits: null, misses: null });
		await db.collection("news_data").deleteMany({ created_at: { $lt: new Date(Date.now() - 7 * DAY_MS) } });
		await eventually(async () => expect(layer(catalog, "MONGODB").entries).toBe(await countAll(db)), SOON);
	});

	it("gives what a job removes in the order of time, each entry once, those without a time at the end, while entries go", async () => {
		const { uri, db } = mongodb.newDatabase();
		const at = (i: number): Date => new Date(1_790_000_000_000 - (i % 7) * 1_000);
		const documents = Array.from({ length: 60 }, (_, i) => ({
			_id: `stock:S:${i}`,
			data: "a",
			...(i % 5 === 0 ? {} : { created_at: at(i) }),
		}));
		await db.collection<{ _id: string }>("stock_data").insertMany(documents);
		const catalog = await scannedCatalog({ places: [], servers: [mongodbLayer(uri)] });
		// Before there are indexes it gives them as they came.
		await eventually(async () => expect((await catalog.select("MONGODB", {}, null, 1)).next).toEqual(expect.any(String)), SOON);
		const listed: string[] = [];
		for (let after: SelectPosition | null = null; ; ) {
			const { refs, next }: SelectedRefs = await catalog.select("MONGODB", { types: ["stock_data"] }, after, 7);
			listed.push(...refs.map(({ key }) => key));
			await catalog.forget(refs.slice(0, 3).map(({ id }) => id));
			if (next === null) break;
			after = next;
		}
		const timeOf = (key: string): number => documents.find(({ _id }) => _id === key)?.created_at?.getTime() ?? Number.POSITIVE_INFINITY;
		expect(new Set(listed).size).toBe(60);
		expect(listed.map(timeOf)).toEqual(documents.map(({ _id }) => timeOf(_id)).sort((a, b) => a - b));
	});
});

async function countAll(db: ReturnType<TestMongodb["newDatabase"]>["db"]): Promise<number> {
	const counts = await Promise.all(
		["stock_data", "news_data", "fundamentals_data", "cache"].map((name) => db.collection(name).countDocuments()),
	);
	return counts.reduce((sum, count) => sum + count, 0);
}
