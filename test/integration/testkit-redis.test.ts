import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Redis } from "ioredis";
import { NO_KEYS_NO_FLUSH, type RedisServer, redisPrograms, startRedis } from "../testkit/redis.js";
import { openTcpProxy } from "../testkit/tcp-proxy.js";

for (const program of await redisPrograms())
	describe(`a private ${program}`, () => {
		let server: RedisServer;
		beforeAll(async () => {
			server = await startRedis({ program, aof: true, users: { warden: NO_KEYS_NO_FLUSH }, config: { "maxmemory-policy": "noeviction" } });
		});
		afterAll(() => server.stop());

		it("keeps what was written over a SIGKILL when it has an append-only file", async () => {
			await server.client.set("kept", "yes");
			await server.kill();
			await server.restart();
			expect(await server.client.get("kept")).toBe("yes");
		});

		it("refuses its restricted user what is forbidden", async () => {
			const warden = new Redis(server.urlFor("warden", "secret"));
			await expect(warden.keys("*")).rejects.toThrow(/NOPERM/);
			await expect(warden.flushall()).rejects.toThrow(/NOPERM/);
			expect(await warden.get("kept")).toBe("yes");
			warden.disconnect();
		});

		it("can be frozen, reset and refused through a proxy", async () => {
			const proxy = await openTcpProxy({ port: server.port });
			const client = new Redis(proxy.port, { commandTimeout: 200, maxRetriesPerRequest: 0, retryStrategy: () => 20 });
			client.on("error", () => undefined);
			expect(await client.ping()).toBe("PONG");
			proxy.freeze();
			await expect(client.ping()).rejects.toThrow(/timed out/);
			proxy.thaw();
			expect(await client.ping()).toBe("PONG");
			const lost = new Promise<void>((resolve) => client.once("close", resolve));
			proxy.reset();
			await lost;
			await proxy.refuse();
			await expect(client.ping()).rejects.toThrow();
			await proxy.accept();
			await new Promise<void>((resolve) => client.once("ready", resolve));
			expect(await client.ping()).toBe("PONG");
			client.disconnect();
			await proxy.close();
		});
	});
