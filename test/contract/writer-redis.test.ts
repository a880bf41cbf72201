import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { openRedisCoordination } from "../../src/backends/redis/redis-coordination.js";
import { openRedisWriter } from "../../src/backends/redis/redis-writer.js";
import { openEmbeddedCoordination } from "../../src/coordination/embedded.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, redisPrograms, startRedis } from "../testkit/redis.js";
import { layerAt, refsOf } from "../testkit/redis-layer.js";
import { writerContract } from "./writer.js";

const HOUR_MS = 3_600_000;

for (const program of await redisPrograms())
	describe(`on ${program}`, () => {
		let server: RedisServer;
		beforeAll(async () => {
			server = await startRedis({ program, users: { warden: NO_KEYS_NO_FLUSH } });
		});
		afterAll(() => server.stop());

		const options = () => layerAt(server.urlFor("warden", "secret"));

		writerContract("Redis JSON", async () => {
			await server.client.flushall();
			const writer = openRedisWriter(options());
			return {
				writer,
				pickles: true,
				async read(key) {
					const text = await server.client.get(key);
					if (text === null) return null;
					// The last field of the text, as the field's programs write it.
					expect(text).toMatch(/, "created_at": "[^"]+"\}$/);
					const { symbol, data_source: source, data, created_at } = JSON.parse(text) as Record<string, string>;
					return { symbol: symbol ?? "", source: source ?? "", data: data ?? "", createdAt: Date.parse(created_at ?? "") };
				},
				async ref(key) {
					const found = (await refsOf(options())).find((one) => one.key === key);
					if (found === undefined) throw new Error(`no key ${key}`);
					return found;
				},
				names: async () => (await server.client.keys("*")).sort(),
				close: () => writer.close(),
			};
		});

		it("gives a value the time to live of its namespace, less the age of a copy, and refuses a copy that is too old", async () => {
			const writer = openRedisWriter(options());
			const recipe = { symbol: "AAPL", type: "stock_data", source: "x", startDate: null, endDate: null };
			const value = { form: "text", bytes: Buffer.from("v"), format: "txt" } as const;
			const order = { place: "stock", key: writer.keyOf(recipe, 0), recipe, value, replaces: null };
			try {
				await writer.write({ ...order, createdAt: Date.now() - 2 * HOUR_MS });
				const left = await server.client.pttl(order.key);
				expect(left).toBeGreaterThan(4 * HOUR_MS - 60_000);
				expect(left).toBeLessThanOrEqual(4 * HOUR_MS);
				await expect(writer.write({ ...order, createdAt: Date.now() - 7 * HOUR_MS })).rejects.toMatchObject({ code: "LOADER_FAILED" });
			} finally {
				await writer.close();
			}
		});

		it("lets one of several processes hold a lock; what one tells, the others are told", async () => {
			const processes = [1, 2, 3].map(() => openRedisCoordination({ address: options().address, within: openEmbeddedCoordination() }));
			const { signal } = new AbortController();
			let holders = 0;
			let most = 0;
			try {
				await Promise.all(
					processes.flatMap((one) =>
						[1, 2].map(async () => {
							const lease = await one.lock("load:FILE:main:key", signal);
							most = Math.max(most, ++holders);
							await one.tell("count", String(Number((await one.told("count")) ?? 0) + 1), 60_000);
							holders--;
							await lease.release();
						}),
					),
				);
				expect(most).toBe(1);
				expect(await server.client.keys("cachewarden:lock:*")).toEqual([]);
				const cancelled = new AbortController();
				const held = await processes[0]?.lock("other", signal);
				const waiting = processes[1]?.lock("other", cancelled.signal);
				cancelled.abort(new Error("cancelled"));
				await expect(waiting).rejects.toThrow("cancelled");
				await held?.release();
			} finally {
				for (const one of processes) await one.close();
			}
		});
	});
