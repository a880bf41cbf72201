import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../testkit/eventually.js";
import { countDataFiles, filesOf, keysCachedBefore } from "../testkit/independent-count.js";
import { startServer, type TestServer } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { generateTree, keyOf } from "../testkit/tree.js";

const ENTRIES = process.env.SOAK === "1" ? 200_000 : 5_000;
const WEEK_MS = 7 * 86_400_000;
interface Stats {
	readonly cacheStats: { readonly totalEntries: number; readonly totalBytes: number };
}
interface Details {
	readonly cacheDetails: {
		readonly totalCount: number;
		readonly totalBytes: number;
		readonly nodes: readonly { readonly key: string; readonly size: number; readonly createdAt: string }[];
	};
}
interface Progress {
	readonly cleanupProgress: {
		readonly sequence: number;
		readonly status: string;
		readonly deletedEntries: number;
		readonly percent: number | null;
	};
}
const STATS = "query ($fresh: Boolean) { cacheStats(fresh: $fresh) { totalEntries totalBytes } }";

describe("A server over a file cache in the metadata layout", () => {
	let server: TestServer | undefined;
	let writer: ChildProcess | undefined;
	afterEach(async () => {
		writer?.kill();
		await server?.stop();
		server = undefined;
		writer = undefined;
	});

	it("agrees with an independent count, removes exactly what is older than 7 days, shows it live and records it", async () => {
		const root = temporaryFolder();
		generateTree(root, ENTRIES);
		server = await startServer({ CACHE_DIR: root, DATA_DIR: temporaryFolder() });
		const counted = countDataFiles(root);
		expect(counted.entries).toBe(ENTRIES);
		const stats = await server.query<Stats>(STATS, { fresh: true });
		expect(stats.data.cacheStats).toEqual({ totalEntries: counted.entries, totalBytes: counted.bytes });
		const details = await server.query<Details>(
			"{ cacheDetails(last: 1, orderBy: { field: CREATED_AT, direction: DESC }) { totalCount totalBytes nodes { key size createdAt } } }",
		);
		expect(details.data.cacheDetails).toMatchObject({ totalCount: counted.entries, totalBytes: counted.bytes });
		const oldest = details.data.cacheDetails.nodes[0];
		expect(keysCachedBefore(root, new Date(Date.parse(oldest?.createdAt ?? "") + 1))).toContain(oldest?.key);

		const before = filesOf(root);
		const accepted = await server.query<{ cleanup: { job: { id: string; createdAt: string } } }>(
			"mutation { cleanup(input: { olderThanDays: 7 }) { job { id createdAt } } }",
		);
		const { id, createdAt } = accepted.data.cleanup.job;
		const states: Progress["cleanupProgress"][] = [];
		for await (const value of server.subscribe<Progress>(
			"subscription ($id: ID) { cleanupProgress(jobId: $id) { sequence status deletedEntries percent } }",
			{ id },
		)) {
			states.push(value.cleanupProgress);
		}
		for (let i = 1; i < states.length; i++) expect(states[i]?.sequence).toBeGreaterThan(states[i - 1]?.sequence as number);

		const after = new Set(filesOf(root));
		const removed = before.filter((path) => !after.has(path));
		expect(after.size).toBe(before.length - removed.length);
		const kept = new Set([...after].map(keyOf));
		const removedKeys = [...new Set(removed.map(keyOf))].sort();
		expect(removed.length).toBe(2 * removedKeys.length);
		expect(removedKeys.filter((key) => kept.has(key))).toEqual([]);
		// What remains holds nothing older, so exactly the older ones went.
		expect(keysCachedBefore(root, new Date(Date.parse(createdAt) - WEEK_MS))).toEqual([]);
		expect(states.at(-1)).toMatchObject({ status: "SUCCEEDED", deletedEntries: removedKeys.length, percent: 100 });
		const younger = await server.query<Details>(
			"query ($n: Float) { cacheDetails(first: 1, filter: { olderThanDays: $n }) { totalCount totalBytes nodes { key size createdAt } } }",
			{
				n: (Date.now() - Date.parse(createdAt) + WEEK_MS) / 86_400_000 + 0.001,
			},
		);
		expect(younger.data.cacheDetails.totalCount).toBe(0);

		const audit = await server.query<{ auditLog: { nodes: { action: string; success: boolean; jobId: string; sequence: number }[] } }>(
			"query ($id: ID) { auditLog(filter: { jobId: $id }) { nodes { action success jobId sequence } } }",
			{ id },
		);
		expect(audit.data.auditLog.nodes).toEqual([{ action: "cleanup", success: true, jobId: id, sequence: 1 }]);
	});

	it("removes exactly the entries that were older, not one more", async () => {
		const root = temporaryFolder();
		generateTree(root, 500);
		server = await startServer({ CACHE_DIR: root, DATA_DIR: temporaryFolder() });
		// The tree's times are a snapshot: nothing crosses the border between this count and the job unless it is that old within a second.
		const older = keysCachedBefore(root, new Date(Date.now() - WEEK_MS));
		const border = keysCachedBefore(root, new Date(Date.now() - WEEK_MS + 10_000));
		const before = filesOf(root);
		const { data } = await server.query<{ cleanup: { job: { status: string } } }>(
			"mutation { cleanup(input: { olderThanDays: 7, wait: true }) { job { status } } }",
		);
		expect(data.cleanup.job.status).toBe("SUCCEEDED");
		const after = new Set(filesOf(root));
		const removed = new Set(before.filter((path) => !after.has(path)).map(keyOf));
		for (const key of older) expect(removed).toContain(key);
		for (const key of removed) expect(border).toContain(key);
	});

	it("shows entries that another process writes, rewrites and removes within 2 s", async () => {
		const root = temporaryFolder();
		generateTree(root, 200);
		server = await startServer({ CACHE_DIR: root, DATA_DIR: temporaryFolder() });
		const { query } = server;
		expect((await query<Stats>(STATS, { fresh: true })).data.cacheStats.totalEntries).toBe(200);
		writer = spawn("/bin/sh", ["-s", root], { stdio: ["pipe", "pipe", "inherit"] });
		const { stdin, stdout } = writer;
		if (!stdin || !stdout) throw new Error("no pipes");
		const tell = async (script: string): Promise<void> => {
			stdin.write(`${script}\necho done\n`);
			await once(stdout, "data");
		};
		const sizeOf = async (key: string): Promise<number | undefined> => {
			const { data } = await query<Details>(
				"query ($key: String) { cacheDetails(filter: { keyContains: $key }) { totalCount totalBytes nodes { key size createdAt } } }",
				{ key },
			);
			return data.cacheDetails.nodes[0]?.size;
		};
		const key = "^GSPC_stock_data_00000000abcd";
		await tell(`printf 0123456789 > "$1/us_stocks/${key}.csv"`);
		await eventually(async () => expect(await sizeOf(key)).toBe(10), { withinMs: 2_000 });
		await tell(`printf 01234 > "$1/us_stocks/${key}.csv"`);
		await eventually(async () => expect(await sizeOf(key)).toBe(5), { withinMs: 2_000 });
		await tell(`printf 0123456 > "$1/us_stocks/.new" && mv "$1/us_stocks/.new" "$1/us_stocks/${key}.csv"`);
		await eventually(async () => expect(await sizeOf(key)).toBe(7), { withinMs: 2_000 });
		expect((await query<Stats>(STATS)).data.cacheStats.totalEntries).toBe(201);
		await tell(`rm "$1/us_stocks/${key}.csv"`);
		await eventually(async () => expect((await query<Stats>(STATS)).data.cacheStats.totalEntries).toBe(200), { withinMs: 2_000 });
		expect(await sizeOf(key)).toBeUndefined();
		expect(countDataFiles(join(root)).entries).toBe(200);
	});

	it("D6: refuses an age that is none, and touches nothing", async () => {
		const root = temporaryFolder();
		generateTree(root, 50);
		const before = filesOf(root);
		server = await startServer({ CACHE_DIR: root, DATA_DIR: temporaryFolder() });
		for (const days of ["0", "-1", "3651", "1.5", '"NaN"']) {
			const refused = await server.query(`mutation { cleanup(input: { olderThanDays: ${days}, wait: true }) { job { id } } }`);
			expect(refused.errors?.[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT" });
		}
		const empty = await server.query("mutation { cleanup(input: { types: [], wait: true }) { job { id } } }");
		expect(empty.errors?.[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT" });
		const unconfirmed = await server.query("mutation { clear(input: { confirm: false, wait: true }) { job { id } } }");
		expect(unconfirmed.errors?.[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT" });
		expect(filesOf(root)).toEqual(before);
	});
});
