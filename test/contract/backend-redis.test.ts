import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe } from "@jest/globals";
import { Redis } from "ioredis";
import { openRedisBackend } from "../../src/backends/redis/redis-backend.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, redisPrograms, startRedis } from "../testkit/redis.js";
import { layerAt, refsOf, writeStock } from "../testkit/redis-layer.js";
import { openTcpProxy } from "../testkit/tcp-proxy.js";
import { type BackendHarness, backendContract } from "./backend.js";

interface Kind {
	readonly name: string;
	readonly write: (server: RedisServer, i: number, text: string) => Promise<unknown>;
}

const hex = (i: number): string => i.toString(16).padStart(32, "0");
const KINDS: readonly Kind[] = [
	{ name: "JSON values", write: ({ client }, i, text) => writeStock(client, i, undefined, text) },
	{ name: "pickles", write: ({ client }, i, text) => client.set(hex(i), `no pickle, ${text} ${i}`, "EX", 3600) },
	{ name: "values without a time to live", write: ({ client }, i, text) => client.set(`news:${i}`, `${text} ${i}`) },
];

/** Under an ACL that forbids KEYS and FLUSH*; through a proxy, which can take the server away. */
async function harnessOn(server: RedisServer, { write }: Kind): Promise<BackendHarness> {
	await server.client.flushall();
	await server.client.mset("foreign", "1", "stocks", "2");
	const proxy = await openTcpProxy({ port: server.port });
	const options = layerAt(`redis://warden:secret@127.0.0.1:${proxy.port}`);
	const backend = openRedisBackend(options);
	return {
		backend,
		async seed(count) {
			for (let i = 0; i < count; i++) await write(server, i, "value");
			return refsOf(options);
		},
		exists: async ({ key }) => (await server.client.exists(key)) === 1,
		rewrite: async ({ key }) => {
			const ttl = await server.client.pttl(key);
			await server.client.set(key, "another value");
			if (ttl > 0) await server.client.pexpire(key, ttl);
		},
		vanish: async ({ key }) => void (await server.client.del(key)),
		halve: null,
		breakDown: () => proxy.refuse(),
		async close() {
			await backend.close();
			await proxy.close();
		},
	};
}

for (const program of await redisPrograms())
	describe(`on ${program}`, () => {
		let server: RedisServer;
		beforeAll(async () => {
			server = await startRedis({ program, users: { warden: NO_KEYS_NO_FLUSH } });
		});
		afterAll(() => server.stop());

		for (const kind of KINDS) backendContract(kind.name, () => harnessOn(server, kind));
	});

const { TEST_REDIS_URL: address } = process.env;
if (address) backendContract("JSON values on the server of TEST_REDIS_URL", () => harnessAt(address));

/** A server that is not ours: a prefix of our own, and nothing else is touched. */
async function harnessAt(url: string): Promise<BackendHarness> {
	const { hostname, port } = new URL(url);
	const client = new Redis(url);
	const proxy = await openTcpProxy({ host: hostname, port: Number(port || 6379) });
	const through = Object.assign(new URL(url), { hostname: "127.0.0.1", port: String(proxy.port) });
	const prefix = `cachewarden-test-${randomUUID()}:`;
	const namespace = { name: "stock", keys: { kind: "prefix", prefix }, type: "stock_data", format: "json", timeToLiveMs: null } as const;
	const options = { ...layerAt(through.href), namespaces: [namespace] };
	const backend = openRedisBackend(options);
	const written: string[] = [];
	return {
		backend,
		async seed(count) {
			for (let i = 0; i < count; i++) {
				written.push(`${prefix}${i}`);
				await client.set(`${prefix}${i}`, JSON.stringify({ data: `value ${i}`, created_at: "2026-11-20T09:30:00" }), "EX", 3_600);
			}
			return refsOf(options);
		},
		exists: async ({ key }) => (await client.exists(key)) === 1,
		rewrite: async ({ key }) => void (await client.set(key, "another value", "KEEPTTL")),
		vanish: async ({ key }) => void (await client.del(key)),
		halve: null,
		breakDown: () => proxy.refuse(),
		async close() {
			await backend.close();
			await proxy.close();
			if (written.length > 0) await client.unlink(...written);
			client.disconnect();
		},
	};
}
