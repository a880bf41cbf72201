import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Cluster, Redis } from "ioredis";
import { openRedisBackend } from "../../src/backends/redis/redis-backend.js";
import { openSource, type RedisSourceOptions } from "../../src/backends/redis/redis-source.js";
import { eventually } from "../testkit/eventually.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, redisPrograms, startRedis, TLS_CERTIFICATE } from "../testkit/redis.js";
import { startCluster, startSentinel, type TestSentinel } from "../testkit/redis-groups.js";
import { layerAt, scanAll, toRef, writeStock } from "../testkit/redis-layer.js";

const ONCE = { signal: new AbortController().signal, resumed: false };
const WITHIN = { withinMs: 20_000 };
const programs = await redisPrograms();

/** Lists what lies there, removes every other entry, and leaves what was rewritten. */
async function useLayer(options: RedisSourceOptions, client: Redis | Cluster): Promise<void> {
	const source = openSource(options);
	const backend = openRedisBackend(options);
	try {
		const keys: string[] = [];
		for (let i = 0; i < 300; i++) keys.push(await writeStock(client as Redis, i));
		await client.set("foreign", "stays");
		const found = await eventually(() => scanAll(source), WITHIN);
		expect([...found.keys()].sort()).toEqual([...keys].sort());
		expect((await source.read("stock", [keys[0] as string, "foreign"])).map(({ key }) => key)).toEqual([keys[0]]);
		await client.set(keys[0] as string, "written anew");
		const half = [...found.values()].map(toRef).filter((_, i) => i % 2 === 0);
		const outcomes = await backend.remove(half, ONCE);
		for (const { id, outcome } of outcomes) expect(outcome).toBe(id === `stock/${keys[0]}` ? "skipped" : "deleted");
		const left = await scanAll(source);
		for (const { key } of half) expect(left.has(key)).toBe(key === keys[0]);
		expect(left.size).toBe(300 - outcomes.filter(({ outcome }) => outcome === "deleted").length);
		expect(await client.get("foreign")).toBe("stays");
		expect(await backend.health()).toMatchObject([{ available: true, usedMemoryBytes: expect.any(Number) }]);
		expect((await source.counters()).hits).toEqual(expect.any(Number));
	} finally {
		await source.close();
		await backend.close();
	}
}

for (const program of programs) {
	describe(`a Cluster of ${program}`, () => {
		let nodes: readonly RedisServer[] = [];
		beforeAll(async () => {
			nodes = await startCluster(2, { program });
		});
		afterAll(async () => {
			for (const node of nodes) await node.stop();
		});

		it("is listed whole, and an entry is removed on the node that holds it", async () => {
			const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
			const cluster = new Redis.Cluster(addresses);
			try {
				const options = layerAt({ section: { cluster: addresses, username: "warden", password: "secret" } });
				await useLayer(options, cluster);
				const source = openSource(options);
				const problems = await source.watch({ changed: () => undefined, broken: () => undefined });
				for (const problem of problems.values()) expect(problem).toContain("Cluster");
				expect(await source.barrier()).toBe(false);
				await source.close();
			} finally {
				cluster.disconnect();
			}
		});
	});

	describe(`${program} behind a sentinel`, () => {
		let group: TestSentinel;
		beforeAll(async () => {
			group = await startSentinel({ program });
		});
		afterAll(() => group.stop());

		it("is found by name, and found again after a failover", async () => {
			const { master, replica } = group;
			const section = { sentinel: { addresses: [group.address] }, username: "warden", password: "secret" };
			const options = layerAt({ section });
			await useLayer(options, master.client);
			const source = openSource(options);
			const backend = openRedisBackend(options);
			try {
				const before = await scanAll(source);
				await group.failOver();
				let left = [...before.values()].map(toRef);
				await eventually(async () => {
					const outcomes = await backend.remove(left, ONCE);
					left = left.filter((_, i) => outcomes[i]?.outcome === "failed");
					expect(left).toEqual([]);
				}, WITHIN);
				await eventually(async () => expect((await scanAll(source)).size).toBe(0), WITHIN);
				expect(await replica.client.get("foreign")).toBe("stays");
			} finally {
				await source.close();
				await backend.close();
			}
		});
	});
}

// The wheel's valkey-server is built without TLS.
for (const program of programs.filter((name) => name === "redis-server"))
	describe(`${program} over TLS`, () => {
		let server: RedisServer;
		beforeAll(async () => {
			server = await startRedis({ program, tls: true, users: { warden: NO_KEYS_NO_FLUSH } });
		});
		afterAll(() => server.stop());

		it("is used with the authority that is configured, and refused without", async () => {
			const url = `rediss://warden:secret@127.0.0.1:${server.port}`;
			await useLayer(layerAt({ section: { url, caFile: TLS_CERTIFICATE } }), server.client);
			const backend = openRedisBackend(layerAt(url));
			const [health] = await backend.health();
			await backend.close();
			expect(health).toMatchObject({ available: false, error: { said: { key: "error.redisUnreachable" } } });
			expect(String(health?.error?.said.facts.reason)).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/);
		});
	});
