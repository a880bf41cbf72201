import { afterAll, beforeAll, describe } from "@jest/globals";
import { openSource } from "../../src/backends/redis/redis-source.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, redisPrograms, startRedis } from "../testkit/redis.js";
import { layerAt, writeStock } from "../testkit/redis-layer.js";
import { openTcpProxy } from "../testkit/tcp-proxy.js";
import { entrySourceContract, type SourceHarness } from "./entry-source.js";

/** Under an ACL that forbids KEYS and FLUSH*; through a proxy, which can take the server away. */
async function harnessOn(server: RedisServer, follows: boolean): Promise<SourceHarness> {
	await server.client.flushall();
	await server.client.config("SET", "notify-keyspace-events", follows ? "KA" : "");
	const proxy = await openTcpProxy({ port: server.port });
	const source = openSource(layerAt(`redis://warden:secret@127.0.0.1:${proxy.port}`));
	let written = 0;
	return {
		source,
		place: "stock",
		follows,
		write: (count) => {
			const now = new Date().toISOString();
			return Promise.all(Array.from({ length: count }, () => writeStock(server.client, written++, now)));
		},
		rewrite: async (key) => void (await server.client.set(key, "x".repeat(500), "EX", 21_600)),
		vanish: async (key) => void (await server.client.del(key)),
		writeElsewhere: async () => void (await server.client.mset("xstock:S1:0123456789abcdef", "foreign", "stock", "foreign")),
		cut: () => proxy.refuse(),
		mend: () => proxy.accept(),
		async close() {
			await source.close();
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

		entrySourceContract("with notifications", () => harnessOn(server, true));
		entrySourceContract("without notifications", () => harnessOn(server, false));
	});
