import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { makeDemo } from "../../src/cli/demo/demo.js";
import { type RunningCommand, startCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { countDataFiles } from "../testkit/independent-count.js";
import { temporaryFolder } from "../testkit/temporary.js";

let running: RunningCommand | undefined;
afterEach(async () => {
	running?.process.kill("SIGKILL");
	await running?.ended;
	running = undefined;
});

interface Stats {
	readonly data: {
		readonly cacheStats: {
			readonly totalEntries: number;
			readonly byType: readonly { readonly type: string }[];
			readonly byBackend: readonly { readonly backend: string; readonly entries: number }[];
			readonly byAge: readonly { readonly entries: number }[];
		};
		readonly orphaned: { readonly totalCount: number };
		readonly chinese: { readonly totalCount: number };
	};
}

describe("the demo", () => {
	it("serves a sample of all types and ages by a ready link, and leaves nothing behind", async () => {
		const tmp = temporaryFolder();
		running = startCommand(["serve", "--demo", "--port", "0"], { env: { TMPDIR: tmp, LOG_LEVEL: "warn" }, cwd: temporaryFolder() });
		const { out, process: child } = running;
		const link = await eventually(
			() => {
				const [, url, token] = /(http:\/\/[\d.:]+)\/playground#token=(\S+)/.exec(out()) ?? [];
				expect(token).toBeDefined();
				return { url: url ?? "", token: token ?? "" };
			},
			{ withinMs: 30_000 },
		);
		const folder = readdirSync(tmp).find((name) => name.startsWith("cachewarden-demo-"));
		const response = await fetch(`${link.url}/graphql`, {
			method: "POST",
			headers: { "content-type": "application/json", authorization: `Bearer ${link.token}` },
			body: JSON.stringify({
				query: `{
					cacheStats(fresh: true) { totalEntries byType { type } byBackend { backend entries } byAge { entries } }
					orphaned: cacheDetails(filter: { statuses: [ORPHANED] }) { totalCount }
					chinese: cacheDetails(filter: { symbols: ["贵州茅台"] }) { totalCount }
				}`,
			}),
		});
		const { data } = (await response.json()) as Stats;
		const root = join(tmp, folder ?? "", "cache");
		expect(data.cacheStats.byBackend).toEqual([
			{ backend: "FILE", entries: countDataFiles(root).entries + data.orphaned.totalCount },
			{ backend: "PYTHON", entries: 160 },
		]);
		expect(data.cacheStats.totalEntries).toBeGreaterThan(3_000);
		expect(data.cacheStats.byType.map((type) => type.type).sort()).toEqual(["fundamentals", "news", "python", "stock_data", "unknown"]);
		for (const bucket of data.cacheStats.byAge) expect(bucket.entries).toBeGreaterThan(0);
		expect(data.orphaned.totalCount).toBeGreaterThan(0);
		expect(data.chinese.totalCount).toBeGreaterThan(100);

		const askedAt = performance.now();
		child.kill("SIGTERM");
		expect((await running.ended).code).toBe(0);
		expect(performance.now() - askedAt).toBeLessThan(10_000);
		expect(existsSync(join(tmp, folder ?? ""))).toBe(false);
	});

	it("holds pickles that Python wrote, with symbols of its own", async () => {
		const demo = await makeDemo();
		const cache = demo.env.CACHE_DIR ?? "";
		expect(dirname(cache)).toBe(demo.folder);
		const pickles = readdirSync(cache).filter((name) => name.endsWith(".pkl"));
		const bytes = pickles.map((name) => readFileSync(join(cache, name)));
		// Protocol 4 in one frame that ends with the file.
		for (const pickle of bytes.filter((each) => each[0] === 0x80)) {
			expect(Number(pickle.readBigUInt64LE(3))).toBe(pickle.length - 11);
			expect(pickle.at(-1)).toBe(".".charCodeAt(0));
		}
		expect(bytes.some((pickle) => pickle.includes("贵州茅台"))).toBe(true);
		await demo.remove();
		expect(existsSync(demo.folder)).toBe(false);
	});
});
