import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Redis } from "ioredis";
import type { RemovalOutcome } from "../../src/backends/backend.js";
import { openRedisBackend } from "../../src/backends/redis/redis-backend.js";
import { openSource, type RedisSourceOptions } from "../../src/backends/redis/redis-source.js";
import type { RedisNamespace } from "../../src/config/redis.js";
import { CachewardenError } from "../../src/core/errors.js";
import { eventually } from "../testkit/eventually.js";
import { codeOf } from "../testkit/promises.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, redisPrograms, startRedis } from "../testkit/redis.js";
import { fieldPickle, fieldValues, layerAt, refsOf, scanAll, toRef, writeStock } from "../testkit/redis-layer.js";
import { openTcpProxy, type TcpProxy } from "../testkit/tcp-proxy.js";

const SOAK = process.env.SOAK === "1";
/** Only measured when the machine is ours. */
const PING_MS = 100;
const MEMBERS = SOAK ? 1_000_000 : 20_000;
const ONCE = { signal: new AbortController().signal, resumed: false };

/** Every key with its value and expiry, byte for byte. */
async function dumpOf(client: Redis, keys: readonly string[]): Promise<string[]> {
	return Promise.all(
		keys.map(async (key) => `${key} ${(await client.dumpBuffer(key))?.toString("base64")} ${await client.pexpiretime(key)}`),
	);
}

function counts(outcomes: readonly RemovalOutcome[]): Record<string, number> {
	const found: Record<string, number> = {};
	for (const { outcome } of outcomes) found[outcome] = (found[outcome] ?? 0) + 1;
	return found;
}

for (const program of await redisPrograms())
	describe(`the Redis layer on ${program}`, () => {
		let server: RedisServer;
		let proxy: TcpProxy;
		let options: RedisSourceOptions;
		const opened: { close(): Promise<void> }[] = [];
		beforeAll(async () => {
			server = await startRedis({ program, users: { warden: NO_KEYS_NO_FLUSH } });
		});
		afterAll(() => server.stop());
		beforeEach(async () => {
			await server.client.flushall();
			proxy = await openTcpProxy({ port: server.port });
			options = layerAt(`redis://warden:secret@127.0.0.1:${proxy.port}`);
		});
		afterEach(async () => {
			for (const part of opened.splice(0)) await part.close();
			await proxy.close();
		});
		const backend = (of = options) => {
			const made = openRedisBackend(of);
			opened.push(made);
			return made;
		};
		const source = (of = options) => {
			const made = openSource(of);
			opened.push(made);
			return made;
		};

		it("tells of the field's values what they say: type, symbol, source, size and age", async () => {
			for (const [key, [ttl, value]] of Object.entries(fieldValues())) await server.client.set(key, value, "EX", ttl);
			await server.client.set("aed8dfcf8b18ebba4fdd669677361f61", fieldPickle("aed8dfcf8b18ebba4fdd669677361f61.pkl"), "EX", 3_600);
			await server.client.set("0b549b9f6e4a650ebad64c66e9dbb947", fieldPickle("0b549b9f6e4a650ebad64c66e9dbb947.pkl"), "EX", 3_600);
			const found = await scanAll(source());
			expect(found.size).toBe(16);
			for (const [key, [, value]] of Object.entries(fieldValues())) {
				const written = JSON.parse(value) as Record<string, string>;
				expect(found.get(key)).toMatchObject({
					symbol: written.symbol,
					source: written.data_source,
					size: Buffer.byteLength(value),
					createdAt: Date.parse(written.created_at as string),
					createdAtSource: "RECORDED",
					brokenMetadata: false,
				});
			}
			expect(found.get("0b549b9f6e4a650ebad64c66e9dbb947")).toMatchObject({
				place: "pickles",
				type: "fundamentals",
				symbol: "META",
				source: "finnhub",
				size: 241,
				// 2026-11-22T21:56:50.630 in Shanghai.
				createdAt: Date.UTC(2026, 10, 22, 13, 56, 50, 630),
				createdAtSource: "RECORDED",
			});
		});

		it("takes the age from the expiry where none is recorded, and knows none where that says nothing", async () => {
			const now = Date.now();
			await server.client.set("stock:A:0123456789abcdef", '{"data": "x"}', "PX", 3_600_000);
			await server.client.set("stock:B:0123456789abcdef", '{"data": "x"}');
			await server.client.set("stock:C:0123456789abcdef", '{"data": "x"}', "EX", 86_400);
			await server.client.set("stock:D:0123456789abcdef", '{"data": "a \\"created_at\\": \\"2001-01-01T00:00:00\\"}"}');
			const found = await scanAll(source());
			const { createdAt, createdAtSource } = found.get("stock:A:0123456789abcdef") ?? {};
			expect(createdAtSource).toBe("EXPIRY");
			expect(Math.abs((createdAt as number) - (now - 5 * 3_600_000))).toBeLessThan(5_000);
			for (const symbol of ["B", "C", "D"])
				expect(found.get(`stock:${symbol}:0123456789abcdef`)).toMatchObject({ createdAt: null, createdAtSource: "UNKNOWN", symbol });
		});

		it("says when an entry was last used before it looks at it, and under LFU nothing of it", async () => {
			const key = await writeStock(server.client, 1);
			const value = (await server.client.dumpBuffer(key)) as Buffer;
			await server.client.call("RESTORE", key, "0", value, "REPLACE", "IDLETIME", "5000");
			const { lastAccessedAt } = (await scanAll(source())).get(key) ?? {};
			expect(Math.abs(Date.now() - 5_000_000 - (lastAccessedAt as number))).toBeLessThan(20_000);
			const reader = source();
			await server.client.call("RESTORE", key, "0", value, "REPLACE", "IDLETIME", "5000");
			await scanAll(reader);
			const again = (await scanAll(reader)).get(key)?.lastAccessedAt ?? null;
			// The first scan was a use to a server that knows no CLIENT NO-TOUCH, but nobody else's.
			if (program === "valkey-server") expect(Math.abs(Date.now() - 5_000_000 - (again as number))).toBeLessThan(20_000);
			else expect(again === null || again < Date.now() - 4_000_000).toBe(true);
			await server.client.config("SET", "maxmemory-policy", "allkeys-lfu");
			expect((await scanAll(source())).get(key)?.lastAccessedAt).toBeNull();
			await server.client.config("SET", "maxmemory-policy", "noeviction");
		});

		it("D7: leaves every foreign key byte for byte as it was when everything is cleared, stars and brackets in names or not", async () => {
			const names = ["a*[b?]\\^:", "q?:", "[abc]:"];
			const namespaces: RedisNamespace[] = names.map((prefix, i) => ({
				name: `odd-${i}`,
				keys: { kind: "prefix", prefix },
				type: "odd",
				format: "other",
				timeToLiveMs: null,
			}));
			const foreign = [
				"axx[b?]\\^:1",
				"a*[bx]\\^:1",
				"qx:1",
				"q:1",
				"a:1",
				"b:1",
				"[abc]",
				"abc:1",
				"stock",
				"Stock:1",
				"0".repeat(31),
				"G".repeat(32),
			];
			foreign.push("user:alice:pending", "global:pending", "task:1:progress", "batch:1:tasks", "bull:jobs:1");
			for (const key of foreign) await server.client.set(key, `foreign ${key}`, "EX", 86_400);
			await server.client.sadd("stock", "x").catch(() => undefined);
			const notText = Buffer.from("stock:\xff\xfe:1", "latin1");
			await server.client.set(notText, "its name is no text, so that nobody could name it");
			const before = await dumpOf(server.client, foreign);
			const own: string[] = [];
			for (const prefix of names) for (const end of ["", "1", "*", "[x]"]) own.push(`${prefix}${end}`);
			for (const key of own) await server.client.set(key, "own");
			await writeStock(server.client, 1);
			const odd = { ...options, namespaces: [...options.namespaces, ...namespaces] };
			// Each alone, where the server matches the names, and all together, where we do.
			for (const { name } of namespaces) expect((await scanAll(source(odd), [name])).size).toBe(4);
			const found = await scanAll(source(odd));
			expect([...found.keys()].sort()).toEqual([...own, "stock:S1:0000000000000001"].sort());
			const outcomes = await backend(odd).remove([...found.values()].map(toRef), ONCE);
			expect(counts(outcomes)).toEqual({ deleted: own.length + 1 });
			expect(await dumpOf(server.client, foreign)).toEqual(before);
			expect(await server.client.exists(notText)).toBe(1);
			expect(await server.client.dbsize()).toBe(foreign.length + 1);
		});

		it("removes no key that its namespace does not hold, whatever it is asked", async () => {
			await server.client.set("user:alice:pending", "1");
			const [ref] = [await writeStock(server.client, 1)].map((key) => ({ key })) as [{ key: string }];
			const [own] = await refsOf(options);
			if (!own) throw new Error("nothing was found");
			const outcomes = await backend().remove([{ ...own, key: "user:alice:pending" }, own], ONCE);
			expect(outcomes).toMatchObject([{ outcome: "failed", failure: { code: "BAD_PATH" } }, { outcome: "deleted" }]);
			expect(await server.client.exists("user:alice:pending")).toBe(1);
			expect(await server.client.exists(ref.key)).toBe(0);
			expect(await backend().preview({ ...own, key: "user:alice:pending" }, 100)).toBeNull();
		});

		it("D8: lists and removes a key of a million members without holding up the others", async () => {
			for (let i = 0; i < MEMBERS; i += 10_000)
				await server.client.hset("stock:big", Object.fromEntries(Array.from({ length: 10_000 }, (_, j) => [`f${i + j}`, "x".repeat(20)])));
			await server.client.rpush("stock:list", ...Array.from({ length: 1000 }, (_, i) => String(i)));
			for (let i = 0; i < 300; i++) await writeStock(server.client, i);
			const pinger = server.connect();
			const times: number[] = [];
			let pinging = true;
			const pings = (async () => {
				while (pinging) {
					const asked = performance.now();
					await pinger.ping();
					times.push(performance.now() - asked);
				}
			})();
			const entries = await scanAll(source());
			const big = entries.get("stock:big");
			expect(big?.size).toBeGreaterThan(MEMBERS * 20);
			await server.client.hset("stock:list2", "a", "b");
			const outcomes = await backend().remove([...entries.values()].map(toRef), ONCE);
			pinging = false;
			await pings;
			expect(counts(outcomes)).toEqual({ deleted: 302 });
			expect(await server.client.exists("stock:big")).toBe(0);
			times.sort((a, b) => a - b);
			const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
			console.log(`PING beside it: p99 ${p99.toFixed(2)} ms, worst ${times.at(-1)?.toFixed(2)} ms`);
			if (SOAK) expect(p99).toBeLessThan(PING_MS);
		});

		it("keeps a list or hash that has got another member since it was selected", async () => {
			await server.client.hset("stock:h", "a", "1");
			await server.client.rpush("stock:l", "a");
			const refs = await refsOf(options);
			await server.client.hset("stock:h", "b", "2");
			expect(await backend().remove(refs, ONCE)).toMatchObject([{ outcome: "skipped", reason: "changed" }, { outcome: "deleted" }]);
			expect(await server.client.exists("stock:h")).toBe(1);
		});

		it("never removes what was rewritten while the removal ran", async () => {
			const keys = await Promise.all(Array.from({ length: 3_000 }, (_, i) => writeStock(server.client, i)));
			const refs = await refsOf(options);
			const running = backend().remove(refs, ONCE);
			const rewritten = keys.filter((_, i) => i % 3 === 0);
			await Promise.all(rewritten.map((key) => server.client.set(key, "written anew")));
			const outcomes = new Map((await running).map((outcome) => [outcome.id, outcome.outcome]));
			for (const key of rewritten) expect(await server.client.get(key)).toBe("written anew");
			expect(outcomes.size).toBe(3_000);
			expect(await server.client.dbsize()).toBe(rewritten.length);
		});

		it("gives up on a server that hangs, and what it gave up is not done when the server goes on", async () => {
			for (let i = 0; i < 1_000; i++) await writeStock(server.client, i);
			const refs = await refsOf(options);
			const layer = backend();
			expect((await layer.health())[0]?.available).toBe(true);
			server.freeze();
			try {
				const outcomes = await layer.remove(refs, ONCE);
				expect(outcomes).toHaveLength(1_000);
				for (const outcome of outcomes) expect(outcome).toMatchObject({ outcome: "failed", failure: { code: "BACKEND_TIMEOUT" } });
				expect((await layer.health())[0]).toMatchObject({ available: false, error: { code: "BACKEND_TIMEOUT" } });
			} finally {
				server.thaw();
			}
			await eventually(async () => expect((await layer.health())[0]?.available).toBe(true), { withinMs: 10_000 });
			expect(await server.client.dbsize()).toBe(1_000);
			expect(counts(await layer.remove(refs, ONCE))).toEqual({ deleted: 1_000 });
		});

		it("does not wait for a server that hangs when it reads, and goes on when the server does", async () => {
			await writeStock(server.client, 1);
			const reader = source();
			await reader.counters();
			server.freeze();
			try {
				expect(await codeOf(reader.counters())).toBe("BACKEND_TIMEOUT");
				expect(await codeOf(scanAll(reader))).toBe("BACKEND_TIMEOUT");
				expect(await reader.barrier()).toBe(false);
			} finally {
				server.thaw();
			}
			await eventually(async () => expect((await scanAll(reader)).size).toBe(1), { withinMs: 15_000 });
		});

		it("counts each entry once when its connections are reset all the time", async () => {
			for (let i = 0; i < 1_500; i++) await writeStock(server.client, i);
			const refs = await refsOf(options);
			const layer = backend();
			await layer.health();
			proxy.delay(3);
			let resets = 0;
			const timer = setInterval(() => {
				if (resets++ < 4) proxy.reset();
			}, 25);
			let left = refs;
			const deleted = new Set<string>();
			await eventually(
				async () => {
					for (const outcome of await layer.remove(left, ONCE)) if (outcome.outcome === "deleted") deleted.add(outcome.id);
					left = left.filter(({ id }) => !deleted.has(id));
					expect(left).toEqual([]);
				},
				{ withinMs: 20_000 },
			);
			clearInterval(timer);
			expect(deleted.size).toBe(1_500);
			expect(await server.client.dbsize()).toBe(0);
		});

		it("counts what was removed once although the answers to the removal are lost twice in a row", async () => {
			for (let i = 0; i < 200; i++) await writeStock(server.client, i);
			const [first, ...rest] = await refsOf(options);
			const layer = backend();
			// The server knows the script from now on.
			expect(counts(await layer.remove(first ? [first] : [], ONCE))).toEqual({ deleted: 1 });
			await server.client.set(rest[0]?.key as string, "written anew");
			const lost = proxy.loseAnswersTo("evalsha", 2);
			const outcomes = await layer.remove(rest, ONCE);
			await lost;
			expect(outcomes[0]).toMatchObject({ outcome: "skipped", reason: "changed" });
			expect(counts(outcomes)).toEqual({ deleted: 198, skipped: 1 });
			expect(await server.client.dbsize()).toBe(1);
		});

		it("removes what lives longer than a number can tell, and keeps what only lives longer or shorter than it did", async () => {
			const keys = await Promise.all([1, 2, 3].map((i) => writeStock(server.client, i)));
			const [far, longer, shorter] = keys as [string, string, string];
			await server.client.pexpireat(far, "9007199254740993");
			const refs = await refsOf(options);
			await server.client.pexpire(longer, 90_000_000);
			await server.client.persist(shorter);
			const outcomes = new Map((await backend().remove(refs, ONCE)).map(({ id, outcome }) => [id, outcome]));
			expect(keys.map((key) => outcomes.get(`stock/${key}`))).toEqual(["deleted", "skipped", "skipped"]);
		});

		it("comes back by itself after the server was killed", async () => {
			const layer = backend();
			const reader = source();
			await layer.health();
			await scanAll(reader);
			await server.kill();
			expect((await layer.health())[0]).toMatchObject({ available: false, error: { code: "BACKEND_UNAVAILABLE" } });
			expect(await codeOf(scanAll(reader))).toBe("BACKEND_UNAVAILABLE");
			await server.restart();
			await writeStock(server.client, 1);
			await eventually(async () => expect((await layer.health())[0]?.available).toBe(true), { withinMs: 10_000 });
			await eventually(async () => expect((await scanAll(reader)).size).toBe(1), { withinMs: 10_000 });
		});

		it("names a wrong password, and what an ACL does not allow, without giving the password away", async () => {
			const wrong = layerAt(`redis://warden:hunter2@127.0.0.1:${server.port}`);
			const error = (await backend(wrong).health())[0]?.error;
			expect(error?.said.key).toBe("error.redisPassword");
			const refused = await scanAll(source(wrong)).catch((thrown: unknown) => thrown);
			expect(refused).toBeInstanceOf(CachewardenError);
			expect(String(refused)).not.toContain("hunter2");
			await server.client.acl("SETUSER", "reader", "on", ">secret", "~stock:*", "+@read", "+@connection", "+info");
			await writeStock(server.client, 1);
			const limited = layerAt(`redis://reader:secret@127.0.0.1:${server.port}`);
			expect(String(await scanAll(source(limited)).catch((thrown: unknown) => thrown))).toContain("eval");
		});
	});
