import { describe, expect, it } from "@jest/globals";
import { allLayersForAll, BYTE_CODE, JOB, type JobAnswer, KEYS, LAYERS, type Layer, type Layers, LOAD_MS } from "../testkit/all-layers.js";
import { eventually } from "../testkit/eventually.js";
import { countMongodb, countRedis, fillForeignRedis, fillRedis, foreignMongodb, foreignRedis, mongodbKeys } from "../testkit/field-data.js";
import { countDataFiles, filesOf } from "../testkit/independent-count.js";
import { startMongodb } from "../testkit/mongodb.js";
import { startRedis } from "../testkit/redis.js";

const LARGE = process.env.SOAK === "1";
const WEEK_MS = 7 * 86_400_000;
/** What the issue allows a layer that is down. */
const ANSWER_MS = 2_000;
const COME_BACK_MS = LARGE ? 900_000 : 30_000;
/** Longer than from the count of what is old to the beginning of the job. */
const COUNT_MS = LARGE ? 900_000 : 10_000;

describe("a server over files, Redis, MongoDB and Python's byte code", () => {
	const all = allLayersForAll({ redis: startRedis, mongodb: startMongodb });
	const { root, code, layers, ofLayer, everything, everythingBefore, ended, allPages } = all;

	it(
		"agrees with an independent count of every layer",
		async () => {
			const found = await layers(true);
			const files = countDataFiles(root);
			const keys = await countRedis(all.redis.client);
			const documents = await countMongodb(all.database.db);
			expect([...found.keys()].sort()).toEqual(["FILE", "MONGODB", "PYTHON", "REDIS"]);
			expect(found.get("FILE")).toMatchObject({ available: true, entries: files.entries, bytes: files.bytes });
			expect(found.get("REDIS")).toMatchObject({ available: true, entries: keys.entries, bytes: keys.bytes, error: null });
			expect(found.get("MONGODB")).toMatchObject({ available: true, entries: documents.entries, bytes: documents.bytes, error: null });
			expect(found.get("PYTHON")).toMatchObject({ available: true, entries: BYTE_CODE });
			expect(found.get("REDIS")?.hits).toBeGreaterThan(0);
			expect(found.get("MONGODB")?.hits).toBeNull();
		},
		LOAD_MS,
	);

	it("names its backends with version, latency and memory, and Redis as the primary one", async () => {
		const info = () =>
			all.server.query<{ backendInfo: { backends: { kind: string; usedMemoryBytes: number | null }[] } }>(
				"{ backendInfo { system primaryBackend fallbackEnabled backends { kind available primary version latencyMs usedMemoryBytes location error } } }",
			);
		const { data } = await eventually(
			async () => {
				const told = await info();
				const servers = told.data.backendInfo.backends.filter(({ kind }) => kind === "REDIS" || kind === "MONGODB");
				expect(servers.map(({ usedMemoryBytes }) => usedMemoryBytes)).toEqual([expect.any(Number), expect.any(Number)]);
				return told;
			},
			{ withinMs: 10_000 },
		);
		expect(data.backendInfo).toMatchObject({ system: "adaptive", primaryBackend: "REDIS", fallbackEnabled: true });
		const measured = {
			available: true,
			version: expect.stringMatching(/\d/),
			latencyMs: expect.any(Number),
			usedMemoryBytes: expect.any(Number),
			error: null,
		};
		expect(data.backendInfo.backends).toContainEqual(expect.objectContaining({ kind: "REDIS", primary: true, ...measured }));
		expect(data.backendInfo.backends).toContainEqual(expect.objectContaining({ kind: "MONGODB", primary: false, ...measured }));
		expect(JSON.stringify(data)).not.toContain("secret");
	});

	it("shows what other programs write and remove in Redis and MongoDB", async () => {
		const before = await layers(true);
		await all.redis.client.set("news:LATE:00000000000000aa", '{"data": "x"}');
		await all.database.db
			.collection("news_data")
			.insertOne({ _id: "news:LATE:00000000000000bb" as never, data: "x", created_at: new Date() });
		const more = async (backend: string, by: number): Promise<void> => {
			expect((await ofLayer(backend)).entries).toBe((before.get(backend) as Layer).entries + by);
		};
		await eventually(() => more("REDIS", 1), { withinMs: 10_000 });
		await eventually(() => more("MONGODB", 1), { withinMs: 10_000 });
		await all.redis.client.del("news:LATE:00000000000000aa");
		await all.database.db.collection("news_data").deleteOne({ _id: "news:LATE:00000000000000bb" as never });
		await eventually(() => more("REDIS", 0), { withinMs: 10_000 });
		await eventually(() => more("MONGODB", 0), { withinMs: 10_000 });
	});

	it(
		"shows every entry that did not change exactly once while a writer is busy, in the order of time and of the key",
		async () => {
			await layers(true);
			const unchanged = new Set((await allPages("{ field: KEY, direction: ASC }")).map(({ id }) => id));
			let writing = true;
			let written = 0;
			const writer = (async () => {
				for (; writing; written++) {
					const key = `stock:BUSY:${String(written % 500).padStart(16, "0")}`;
					const created_at = new Date(Date.now() - (written % 14) * 86_400_000).toISOString();
					await all.redis.client.set(key, JSON.stringify({ data: "x".repeat(written % 100), created_at }), "EX", 600);
					await all.database.db
						.collection("stock_data")
						.replaceOne({ _id: key as never }, { data: written, created_at: new Date(created_at) }, { upsert: true });
					if (written % 3 === 0) await all.redis.client.unlink(key);
				}
			})();
			try {
				for (const order of ["{ field: CREATED_AT, direction: DESC }", "{ field: KEY, direction: ASC }"]) {
					const seen = (await allPages(order)).filter(({ id }) => unchanged.has(id));
					expect(new Set(seen.map(({ id }) => id)).size).toBe(unchanged.size);
					expect(seen.length).toBe(unchanged.size);
				}
			} finally {
				writing = false;
				await writer;
			}
			expect(written).toBeGreaterThan(0);
		},
		LOAD_MS,
	);

	it(
		"D9: goes on with the other layers while MongoDB is frozen and Redis is cut off, says so of them, and has them back by itself",
		async () => {
			const before = await layers(true);
			const ready = await fetch(new URL("/readyz", all.server.url));
			expect(await ready.json()).toMatchObject({ ready: true, backends: Array(4).fill({ available: true }) });
			const status = all.server.subscribe<{ backendStatusChanged: { kind: string; available: boolean; primary: boolean } }>(
				"subscription { backendStatusChanged { kind available primary } }",
			);
			const told: object[] = [];
			const listening = (async () => {
				for await (const { backendStatusChanged: change } of status) {
					told.push(change);
					if (change.kind === "REDIS" && change.available && told.length > 1) break;
				}
			})();
			await eventually(
				async () =>
					expect(await (await fetch(new URL("/metrics", all.server.url))).text()).toContain(
						'cachewarden_subscribers{operation="backendStatusChanged"} 1',
					),
				{ withinMs: 10_000 },
			);
			await all.toRedis.refuse();
			all.mongodb.nodes[0]?.freeze();
			await eventually(
				async () => {
					const down = await layers();
					expect(down.get("REDIS")).toMatchObject({ available: false, error: expect.any(String), entries: before.get("REDIS")?.entries });
					expect(down.get("MONGODB")).toMatchObject({
						available: false,
						error: expect.any(String),
						entries: before.get("MONGODB")?.entries,
					});
					expect(down.get("FILE")).toMatchObject({ available: true, error: null });
				},
				{ withinMs: 10_000 },
			);
			const { status: code, data } = await answeredWithin(2 * ANSWER_MS, all.server.query<Layers>(LAYERS, { fresh: true }));
			expect([code, data.cacheStats.byBackend.length]).toEqual([200, 4]);
			await answeredWithin(2 * ANSWER_MS, all.server.query("{ backendInfo { primaryBackend backends { kind available error } } }"));

			const { data: cleaned } = await all.server.query<{ cleanup: JobAnswer }>(
				`mutation { cleanup(input: { backends: [FILE, REDIS, MONGODB], olderThanDays: 3650, wait: true }) { ${JOB} } }`,
			);
			expect(cleaned.cleanup.job.status).toBe("PARTIALLY_FAILED");
			const of = (backend: string) => cleaned.cleanup.job.progress.byBackend.find((layer) => layer.backend === backend);
			expect(of("FILE")).toMatchObject({ status: "SUCCEEDED" });
			expect(of("REDIS")).toMatchObject({ status: "FAILED", error: expect.any(String), deletedEntries: 0 });
			expect(of("MONGODB")).toMatchObject({ status: "FAILED", error: expect.any(String), deletedEntries: 0 });
			const { data: failed } = await all.server.query<{ cleanup: JobAnswer }>(
				`mutation { cleanup(input: { backends: [REDIS, MONGODB], wait: true }) { ${JOB} } }`,
			);
			expect(failed.cleanup.job.status).toBe("FAILED");

			const [gone] = (await allPages("{ field: KEY, direction: ASC }")).filter(({ backend }) => backend === "MONGODB");
			const deleted = await answeredWithin(
				2 * ANSWER_MS,
				all.server.query<{ deleteEntries: { errors: { code: string }[] } }>(
					"mutation ($ids: [ID!]!) { deleteEntries(ids: $ids) { deletedIds errors { id code } } }",
					{ ids: [gone?.id] },
				),
			);
			expect(deleted.data.deleteEntries.errors).toEqual([{ id: gone?.id, code: expect.stringMatching(/^BACKEND_/) }]);

			// Written while nobody was told of it.
			await all.redis.client.set("news:UNSEEN:00000000000000cc", '{"data": "x"}');
			await all.toRedis.accept();
			all.mongodb.nodes[0]?.thaw();
			await eventually(
				async () => {
					const back = await layers();
					expect(back.get("REDIS")).toMatchObject({ available: true, error: null, entries: (await countRedis(all.redis.client)).entries });
					expect(back.get("MONGODB")).toMatchObject({
						available: true,
						error: null,
						entries: (await countMongodb(all.database.db)).entries,
					});
				},
				{ withinMs: COME_BACK_MS, everyMs: 250 },
			);
			await listening;
			expect(told).toContainEqual({ kind: "REDIS", available: false, primary: false });
			expect(told).toContainEqual({ kind: "FILE", available: true, primary: true });
			expect(told).toContainEqual({ kind: "REDIS", available: true, primary: true });
		},
		2 * LOAD_MS,
	);

	it(
		"comes back to a Redis that was killed and is empty, and to a MongoDB that was killed",
		async () => {
			await all.redis.kill();
			await all.mongodb.nodes[0]?.kill();
			await eventually(async () => expect([...(await layers()).values()].filter(({ available }) => !available).length).toBe(2), {
				withinMs: 10_000,
			});
			await Promise.all([all.redis.restart(), all.mongodb.nodes[0]?.restart()]);
			await fillRedis(all.redis.client, { entries: KEYS, nowMs: Date.now(), seed: 2 });
			await fillForeignRedis(all.redis.client);
			await eventually(
				async () => {
					const back = await layers(true);
					const keys = await countRedis(all.redis.client);
					expect(back.get("REDIS")).toMatchObject({ available: true, entries: keys.entries, bytes: keys.bytes });
					expect(back.get("MONGODB")).toMatchObject({ available: true, ...(await countMongodb(all.database.db)) });
				},
				{ withinMs: COME_BACK_MS, everyMs: 250 },
			);
		},
		2 * LOAD_MS,
	);

	it(
		"removes exactly what is older than 7 days in each layer, and no entry whose age nobody can tell",
		async () => {
			const before = await everything();
			// Nothing crosses the border between this count and the job's begin unless it is that old by then.
			const older = await everythingBefore(new Date(Date.now() - WEEK_MS));
			const border = await everythingBefore(new Date(Date.now() - WEEK_MS + COUNT_MS));
			const { data } = await all.server.query<{ cleanup: JobAnswer }>(`mutation { cleanup(input: { olderThanDays: 7 }) { ${JOB} } }`);
			const job = await ended(data.cleanup.job.id);
			expect(job.status).toBe("SUCCEEDED");
			const left = await everything();
			for (const layer of ["FILE", "REDIS", "MONGODB"] as const) {
				const removed = difference(before[layer], left[layer]);
				expect(difference(older[layer], removed)).toEqual(new Set());
				expect(difference(removed, border[layer])).toEqual(new Set());
				expect(older[layer].size).toBeGreaterThan(0);
				expect(job.progress.byBackend).toContainEqual(expect.objectContaining({ backend: layer, deletedEntries: removed.size }));
			}
			expect(left.REDIS).toContain("stock:AGELESS:0000000000000000");
			expect(job.progress.byBackend).toContainEqual(expect.objectContaining({ backend: "PYTHON", deletedEntries: BYTE_CODE }));
		},
		2 * LOAD_MS,
	);

	it(
		"D7: clears every layer, and leaves every foreign key and collection byte for byte",
		async () => {
			const foreign = { redis: await foreignRedis(all.redis.client), mongodb: await foreignMongodb(all.database.db) };
			expect([foreign.redis.size, foreign.mongodb.size]).toEqual([10, 3]);
			const { data } = await all.server.query<{ clear: JobAnswer }>(`mutation { clear(input: { confirm: true }) { ${JOB} } }`);
			expect((await ended(data.clear.job.id)).status).toBe("SUCCEEDED");
			expect((await countRedis(all.redis.client)).keys).toEqual([]);
			expect(await mongodbKeys(all.database.db)).toEqual([]);
			expect(countDataFiles(root).entries).toBe(0);
			expect(filesOf(code)).toEqual([]);
			expect(await foreignRedis(all.redis.client)).toEqual(foreign.redis);
			expect(await foreignMongodb(all.database.db)).toEqual(foreign.mongodb);
			expect((await all.server.query<Layers>(LAYERS, { fresh: true })).data.cacheStats.totalEntries).toBe(0);
		},
		2 * LOAD_MS,
	);
});

/** Not a measurement: an answer that waits for a layer that is away does not come for much longer than this. */
async function answeredWithin<T>(ms: number, answer: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
	});
	try {
		return await Promise.race([answer, late]);
	} finally {
		clearTimeout(timer);
	}
}

function difference(all: ReadonlySet<string>, without: ReadonlySet<string>): Set<string> {
	return new Set([...all].filter((item) => !without.has(item)));
}
