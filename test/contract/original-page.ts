/** What the original system's web page must find, over any set of layers: a server that was set up as the migration page says. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { SignJWT } from "jose";
import type { CacheLayer, StartLayer } from "../testkit/cache-layer.js";
import { eventually } from "../testkit/eventually.js";
import { OriginalFrontend } from "../testkit/original-frontend.js";
import { startServer, TEST_SECRET, type TestServer } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ENTRIES = process.env.SOAK === "1" ? 20_000 : 300;
const DAY_MS = 86_400_000;

/** As the original signs them: HS256, nothing but who and until when. */
export function originalToken(user: string, expires: string | number = "1h", secret = TEST_SECRET): Promise<string> {
	return new SignJWT({})
		.setProtectedHeader({ alg: "HS256" })
		.setSubject(user)
		.setExpirationTime(expires)
		.sign(new TextEncoder().encode(secret));
}

export interface ServedLayers {
	readonly server: TestServer;
	readonly layers: readonly CacheLayer[];
	count(): Promise<{ readonly entries: number; readonly bytes: number }>;
	close(): Promise<void>;
}

export async function serveLayers(
	starts: readonly StartLayer[],
	environment: Record<string, string> = { AUTH_DEFAULT_ROLE: "ADMIN" },
): Promise<ServedLayers> {
	const layers = await Promise.all(starts.map((start) => start(ENTRIES)));
	const empty = join(temporaryFolder(), "cache");
	mkdirSync(empty);
	const settings = Object.assign({ CACHE_DIR: empty }, ...layers.map((layer) => layer.environment)) as Record<string, string>;
	const server = await startServer({ ...settings, DATA_DIR: temporaryFolder(), ...environment });
	return {
		server,
		layers,
		async count() {
			const sum = { entries: 0, bytes: 0 };
			for (const layer of layers) {
				const { entries, bytes } = await layer.count();
				sum.entries += entries;
				sum.bytes += bytes;
			}
			return sum;
		},
		async close() {
			await server.stop();
			for (const layer of layers) await layer.close();
		},
	};
}

export interface LayerSet {
	readonly name: string;
	readonly starts: readonly StartLayer[];
	readonly redis: boolean;
	readonly mongodb: boolean;
}

export function originalPageContract({ name, starts, redis, mongodb }: LayerSet): void {
	describe(`the original's page over ${name}`, () => {
		let served: ServedLayers | undefined;
		afterEach(async () => {
			await served?.close();
			served = undefined;
		});

		it("sees, cleans up and clears its cache as it did, and nothing else", async () => {
			served = await serveLayers(starts);
			const { server, layers, count } = served;
			const inEach = <T>(ask: (layer: CacheLayer) => Promise<T>): Promise<T[]> => Promise.all(layers.map(ask));
			const page = new OriginalFrontend(server.url, await originalToken("admin"));

			const before = await count();
			// Layers that are servers may still be read for the first time.
			const stats = await eventually(
				async () => {
					const answer = await page.getCacheStats();
					expect(answer.data.totalFiles).toBe(before.entries);
					return answer;
				},
				{ withinMs: 20_000 },
			);
			expect([stats.success, stats.message]).toEqual([true, "获取缓存统计成功"]);
			expect([stats.data.totalFiles, stats.data.totalSize, stats.data.maxSize]).toEqual([before.entries, before.bytes, 1_073_741_824]);
			const { stockDataCount, newsDataCount, analysisDataCount } = stats.data;
			expect([stockDataCount, newsDataCount, analysisDataCount].every((count) => count > 0)).toBe(true);
			expect(stockDataCount + newsDataCount + analysisDataCount).toBeLessThanOrEqual(before.entries);

			const seen: string[] = [];
			let bytes = 0;
			for (let number = 1; seen.length < before.entries; number++) {
				const { data, message } = await page.getCacheDetails(number, 50);
				expect([message, data.total, data.page, data.page_size]).toEqual(["获取缓存详情成功", before.entries, number, 50]);
				expect(data.items).toHaveLength(Math.min(50, before.entries - seen.length));
				seen.push(...data.items.map(({ key }) => key));
				bytes += data.items.reduce((sum, { size }) => sum + size, 0);
				for (const item of data.items) if (item.created_at !== null) expect(Number.isNaN(Date.parse(item.created_at))).toBe(false);
			}
			expect([new Set(seen).size, bytes]).toEqual([before.entries, before.bytes]);
			const newest = (await page.getCacheDetails()).data;
			expect([newest.items.length, newest.page_size, newest.items[0]?.key]).toEqual([20, 20, seen[0]]);

			const foreign = await inEach((layer) => layer.foreign());
			const weekAgo = new Date(Date.now() - 7 * DAY_MS);
			const kept = await inEach(async (layer) => {
				const older = new Set(await layer.keysBefore(weekAgo));
				return (await layer.keys()).filter((key) => !older.has(key));
			});
			const removed = before.entries - kept.flat().length;
			expect(removed).toBeGreaterThan(0);
			const cleanup = await page.cleanupOldCache(7);
			expect([cleanup.message, cleanup.data.days, cleanup.data.deleted]).toEqual(["已清理 7 天前的缓存", 7, removed]);
			expect(await inEach((layer) => layer.keys())).toEqual(kept);
			expect((await page.getCacheStats()).data.totalFiles).toBe(kept.flat().length);

			const clear = await page.clearAllCache();
			expect([clear.message, clear.data.deleted]).toEqual(["所有缓存已清空", kept.flat().length]);
			expect(await count()).toEqual({ entries: 0, bytes: 0 });
			expect((await page.getCacheStats()).data).toMatchObject({ totalFiles: 0, totalSize: 0, stockDataCount: 0 });
			expect(await inEach((layer) => layer.foreign())).toEqual(foreign);

			const info = (await page.getCacheBackendInfo()).data;
			expect(info).toEqual({
				system: redis || mongodb ? "adaptive" : "file",
				primary_backend: redis ? "redis" : mongodb ? "mongodb" : "file",
				fallback_enabled: redis || mongodb,
				mongodb_available: mongodb,
				redis_available: redis,
			});

			const { data } = await server.query<{ auditLog: { nodes: readonly Record<string, unknown>[] } }>(
				"{ auditLog(first: 10) { nodes { username origin action actionType success requestId jobId } } }",
			);
			const change = { username: "admin", origin: "REST", actionType: "cache_operation", success: true, jobId: expect.any(String) };
			expect(data.auditLog.nodes).toMatchObject([
				{ ...change, action: "clear" },
				{ ...change, action: "cleanup" },
			]);
			for (const { requestId } of data.auditLog.nodes) expect(requestId).toMatch(/^\d+-[0-9a-z]+$/);
		});
	});
}
