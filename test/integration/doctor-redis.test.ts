import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { isTooOld, parseInfo } from "../../src/backends/redis/server-facts.js";
import { callCommand } from "../testkit/cli.js";
import { freePort } from "../testkit/free-port.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, startRedis } from "../testkit/redis.js";
import { temporaryFolder } from "../testkit/temporary.js";

interface Report {
	readonly checks: readonly { readonly id: string; readonly level: string; readonly message: string; readonly remedy: string | null }[];
}

let server: RedisServer;
beforeAll(async () => {
	server = await startRedis({ users: { warden: NO_KEYS_NO_FLUSH, reader: "on >reader ~stock:* +@read +@connection +@scripting +info" } });
});
afterAll(() => server.stop());

let env: Record<string, string>;
beforeEach(async () => {
	env = { CACHE_DIR: temporaryFolder(), DATA_DIR: join(temporaryFolder(), "state"), CACHE_TIMEZONE: "UTC", PORT: "0" };
	await server.client.config("SET", "notify-keyspace-events", "KA");
	await server.client.config("SET", "maxmemory-policy", "noeviction");
	await server.client.config("SET", "maxmemory", "0");
});

async function findings(url: string, more: Record<string, string> = {}) {
	const { code, out } = await callCommand(["doctor", "--json"], { env: { ...env, REDIS_URL: url, ...more } });
	expect(out).not.toContain("secret@");
	const { checks } = JSON.parse(out) as Report;
	return { code, out, checks: checks.filter(({ id }) => id.startsWith("redis")) };
}

describe("doctor, on the Redis layer", () => {
	it("finds nothing wrong with a server that reports changes and evicts nothing", async () => {
		const { code, checks } = await findings(server.urlFor("warden", "secret"));
		expect(checks).toMatchObject([
			{ id: "redis", level: "ok", message: expect.stringMatching(/^(Redis|Valkey) \d+\.\d+\.\d+ answers at redis:\/\/127/) },
			{ id: "redis:notifications", level: "ok" },
		]);
		expect(code).toBe(0);
	});

	it("says that no one listens, that the password is wrong, and that the server hangs, each with its remedy", async () => {
		const nobody = await findings(`redis://127.0.0.1:${await freePort()}`);
		expect(nobody.checks).toMatchObject([{ id: "redis", level: "fault", remedy: expect.stringContaining("start the server") }]);
		expect(nobody.code).toBe(1);
		const wrong = await findings(server.urlFor("warden", "hunter2"));
		expect(wrong.checks).toMatchObject([{ id: "redis", level: "fault", remedy: expect.stringContaining("correct user and password") }]);
		expect(wrong.out).not.toContain("hunter2");
		server.freeze();
		try {
			const hanging = await findings(server.url);
			expect(hanging.checks).toMatchObject([{ id: "redis", level: "fault", remedy: expect.stringContaining("load of the server") }]);
		} finally {
			server.thaw();
		}
	});

	it("names the commands that the user may not use, by namespace", async () => {
		const { code, checks } = await findings(server.urlFor("reader", "reader"));
		const rights = checks.find(({ id }) => id === "redis:rights");
		expect(rights?.level).toBe("fault");
		expect(rights?.message).toContain("stock: UNLINK");
		expect(rights?.message).toContain("news: STRLEN");
		expect(rights?.message).not.toContain("stock: STRLEN");
		expect(rights?.remedy).toContain("ACL SETUSER");
		expect(checks.find(({ id }) => id === "redis:notifications")?.remedy).toContain("config|get");
		expect(code).toBe(1);
	});

	it("says how changes get reported where they are not", async () => {
		await server.client.config("SET", "notify-keyspace-events", "Ex");
		const { code, checks } = await findings(server.url);
		expect(checks[1]).toMatchObject({
			id: "redis:notifications",
			level: "warning",
			remedy: expect.stringMatching(/^CONFIG SET notify-keyspace-events [a-zA-Z]*KA /),
		});
		expect(code).toBe(0);
	});

	it("warns of an eviction policy while the queue may lie there too, and of one that knows no last use", async () => {
		await server.client.config("SET", "maxmemory-policy", "allkeys-lfu");
		const { checks } = await findings(server.url);
		expect(checks.map(({ id }) => id)).toEqual(["redis", "redis:eviction", "redis:lfu", "redis:notifications"]);
		expect(checks[1]?.remedy).toContain("QUEUE_REDIS_URL");
	});

	it("warns of a server that is nearly full and evicts nothing", async () => {
		await server.client.config("SET", "maxmemory", "1000000");
		const { checks } = await findings(server.url);
		expect(checks[1]).toMatchObject({ id: "redis:full", level: "warning", remedy: expect.stringContaining("maxmemory") });
	});

	it("knows which versions are too old", () => {
		const versionOf = (text: string): boolean => isTooOld(parseInfo(text));
		expect(versionOf("redis_version:6.2.14\r\n")).toBe(true);
		expect(versionOf("redis_version:7.0.0\r\n")).toBe(false);
		expect(versionOf("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n")).toBe(false);
		expect(versionOf("redis_version:10.0.0\r\n")).toBe(false);
		expect(versionOf("")).toBe(false);
	});
});
