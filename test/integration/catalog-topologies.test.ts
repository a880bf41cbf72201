/** Layers of several servers as the catalog reads them: a Cluster, a master behind a sentinel, a replica set of three. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Redis } from "ioredis";
import type { CacheBackend } from "../../src/backends/backend.js";
import { openMongodbBackend } from "../../src/backends/mongodb/mongodb-backend.js";
import { openRedisBackend } from "../../src/backends/redis/redis-backend.js";
import type { RedisSourceOptions } from "../../src/backends/redis/redis-source.js";
import type { Catalog, LayerStats } from "../../src/catalog/port.js";
import type { BackendKind, EntryRef } from "../../src/core/entry.js";
import type { SelectPosition } from "../../src/core/selection.js";
import { allEntries, openTestCatalog } from "../testkit/catalog.js";
import { COLLECTIONS } from "../testkit/documents.js";
import { eventually } from "../testkit/eventually.js";
import { countMongodb, fillMongodb, mongodbKeys } from "../testkit/field-data.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import type { RedisServer } from "../testkit/redis.js";
import { startCluster, startSentinel, type TestSentinel } from "../testkit/redis-groups.js";
import { layerAt, writeStock } from "../testkit/redis-layer.js";
import { mongodbLayer, redisLayerOf } from "../testkit/server-layers.js";

const SOON = { withinMs: 30_000 };
const ENTRIES = process.env.SOAK === "1" ? 20_000 : 300;
const LOGIN = { username: "warden", password: "secret" };
const ONCE = { signal: new AbortController().signal, resumed: false };

function layer(catalog: Catalog, backend: BackendKind): LayerStats {
	return catalog.stats(null).layers.find((found) => found.backend === backend) as LayerStats;
}

/** Everything that the catalog would hand to a cleanup of the whole layer. */
async function selected(catalog: Catalog, kind: BackendKind): Promise<EntryRef[]> {
	const refs: EntryRef[] = [];
	for (let after: SelectPosition | null = null; ; ) {
		const slice = await catalog.select(kind, {}, after, 1_000);
		refs.push(...slice.refs);
		after = slice.next;
		if (after === null) return refs;
	}
}

/** Removes what the catalog knows, all but what was written anew since; the catalog then shows only that. */
async function clean(
	catalog: Catalog,
	kind: BackendKind,
	backend: CacheBackend,
	rewrite: (ref: EntryRef) => Promise<unknown>,
): Promise<void> {
	const refs = await selected(catalog, kind);
	const [kept] = refs as [EntryRef];
	await rewrite(kept);
	const outcomes = await backend.remove(refs, ONCE);
	for (const { id, outcome } of outcomes) expect([id, outcome]).toEqual([id, id === kept.id ? "skipped" : "deleted"]);
	expect(outcomes).toHaveLength(refs.length);
	await catalog.forget(refs.map(({ id }) => id));
	await catalog.refresh(null);
	expect((await allEntries(catalog)).map(({ key }) => key)).toEqual([kept.key]);
}

describe("a Cluster in the catalog", () => {
	let nodes: readonly RedisServer[] = [];
	beforeAll(async () => {
		nodes = await startCluster(2);
	});
	afterAll(async () => {
		for (const node of nodes) await node.stop();
	});

	it("is scanned whole, its changes are found by scanning, and a cleanup removes on every node", async () => {
		const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
		const cluster = new Redis.Cluster(addresses);
		const options = layerAt({ section: { cluster: addresses, ...LOGIN } });
		const backend = openRedisBackend(options);
		try {
			for (let i = 0; i < ENTRIES; i++) await writeStock(cluster as unknown as Redis, i);
			const catalog = await openTestCatalog({ places: [], servers: [redisLayerOf(options)], reconcileEverySeconds: 600 });
			await catalog.refresh(null);
			expect(layer(catalog, "REDIS")).toMatchObject({ available: true, entries: ENTRIES, error: null });
			expect(catalog.status()[0]).toMatchObject({ watched: false, watchProblem: expect.stringContaining("Cluster") });
			const late = await writeStock(cluster as unknown as Redis, ENTRIES);
			await eventually(() => expect(layer(catalog, "REDIS").entries).toBe(ENTRIES + 1), SOON);
			await cluster.unlink(late);
			await eventually(() => expect(layer(catalog, "REDIS").entries).toBe(ENTRIES), SOON);
			await clean(catalog, "REDIS", backend, ({ key }) => cluster.set(key, "written anew"));
		} finally {
			await backend.close();
			cluster.disconnect();
		}
	});
});

describe("a master behind a sentinel in the catalog", () => {
	let group: TestSentinel;
	beforeAll(async () => {
		group = await startSentinel();
	});
	afterAll(() => group.stop());

	it("is followed by its notifications, found again after a failover, followed there and cleaned", async () => {
		const { master, replica } = group;
		const options: RedisSourceOptions = layerAt({ section: { sentinel: { addresses: [group.address] }, ...LOGIN } });
		const backend = openRedisBackend(options);
		try {
			for (let i = 0; i < ENTRIES; i++) await writeStock(master.client, i);
			const catalog = await openTestCatalog({ places: [], servers: [redisLayerOf(options)] });
			await catalog.refresh(null);
			expect(layer(catalog, "REDIS")).toMatchObject({ available: true, entries: ENTRIES, error: null });
			expect(catalog.status()[0]).toMatchObject({ watched: true });
			await writeStock(master.client, ENTRIES);
			await eventually(() => expect(layer(catalog, "REDIS").entries).toBe(ENTRIES + 1), SOON);
			await group.failOver();
			await replica.client.unlink(await writeStock(replica.client, ENTRIES + 1));
			await writeStock(replica.client, ENTRIES + 2);
			await eventually(async () => {
				await catalog.refresh(null);
				expect(layer(catalog, "REDIS")).toMatchObject({ available: true, entries: ENTRIES + 2, error: null });
				expect(catalog.status()[0]).toMatchObject({ watched: true });
			}, SOON);
			await writeStock(replica.client, ENTRIES + 3);
			await eventually(() => expect(layer(catalog, "REDIS").entries).toBe(ENTRIES + 3), SOON);
			await clean(catalog, "REDIS", backend, ({ key }) => replica.client.set(key, "written anew"));
		} finally {
			await backend.close();
		}
	});
});

describe("a replica set of three in the catalog", () => {
	let mongodb: TestMongodb;
	beforeAll(async () => {
		mongodb = await startMongodb({ members: 3, own: true });
	});
	afterAll(() => mongodb.stop());

	it("is followed by its change stream through an election, and cleaned", async () => {
		const { uri, name, db } = mongodb.newDatabase();
		await fillMongodb(db, { entries: ENTRIES, nowMs: Date.now() });
		const backend = openMongodbBackend({ uri, database: name, collections: COLLECTIONS });
		try {
			const catalog = await openTestCatalog({ places: [], servers: [mongodbLayer(uri)] });
			await catalog.refresh(null);
			const { entries, bytes } = await countMongodb(db);
			expect(layer(catalog, "MONGODB")).toMatchObject({ available: true, entries, bytes, error: null });
			expect(catalog.status()[0]).toMatchObject({ watched: true, watchProblem: null });
			const news = db.collection<{ _id: string; data: string; created_at: Date }>("news_data");
			await news.insertOne({ _id: "news:LATE:00000000000000bb", data: "x", created_at: new Date() });
			await eventually(() => expect(layer(catalog, "MONGODB").entries).toBe(entries + 1), SOON);
			await mongodb.stepDown();
			await eventually(() => news.deleteOne({ _id: "news:LATE:00000000000000bb" }), SOON);
			await eventually(() => expect(layer(catalog, "MONGODB")).toMatchObject({ available: true, entries, error: null }), SOON);
			await eventually(async () => {
				await catalog.refresh(null);
				expect((await allEntries(catalog)).map(({ place, key }) => `${place}/${key}`).sort()).toEqual(await mongodbKeys(db));
			}, SOON);
			await clean(catalog, "MONGODB", backend, ({ place, key }) =>
				db.collection<{ _id: string }>(place).updateOne({ _id: key }, { $set: { data: "written anew, and longer than it was" } }),
			);
		} finally {
			await backend.close();
		}
	});
});
