import { linkSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { generateTree as generate } from "../../bench/generate-tree.js";
import { callCommand, runCommand, startCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { countDataFiles, filesOf, keysCachedBefore } from "../testkit/independent-count.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { keyOf } from "../testkit/tree.js";

const WEEK_MS = 7 * 86_400_000;

let root: string;
let env: Record<string, string>;
beforeEach(() => {
	root = temporaryFolder();
	env = { CACHE_DIR: root, DATA_DIR: temporaryFolder(), CACHE_TIMEZONE: "UTC", TZ: "UTC" };
});

function generateTree(folder: string, entries: number): void {
	generate({ root: folder, entries });
}

async function json<T>(...args: string[]): Promise<{ readonly code: number | null; readonly answer: T }> {
	const { code, out, err } = await callCommand([...args, "--json"], { env });
	expect(out.split("\n")).toHaveLength(2);
	if (out === "") throw new Error(err);
	return { code, answer: JSON.parse(out) as T };
}

interface JobAnswer {
	readonly id: string;
	readonly status: string;
	readonly progress: {
		readonly deletedEntries: number;
		readonly failedEntries: number;
		readonly byBackend: readonly { backend: string }[];
	};
	readonly failures: { readonly totalCount: number; readonly nodes: readonly { readonly code: string }[] };
}

describe("the command line without a server", () => {
	it("counts what an independent program counts", async () => {
		generateTree(root, 400);
		const counted = countDataFiles(root);
		for (const args of [["stats"], ["cleanup", "--stats"]]) {
			const { code, answer } = await json<{ totalEntries: number; totalBytes: number }>(...args);
			expect(code).toBe(0);
			expect(answer).toMatchObject({ totalEntries: counted.entries, totalBytes: counted.bytes });
		}
		expect(countDataFiles(root)).toEqual(counted);
	});

	it("previews, then removes exactly what is older, and writes the audit log", async () => {
		generateTree(root, 400);
		const older = keysCachedBefore(root, new Date(Date.now() - WEEK_MS));
		const before = filesOf(root);
		const preview = await json<{ entries: number }>("cleanup", "--dry-run");
		expect(preview).toMatchObject({ code: 0, answer: { entries: older.length } });
		expect(filesOf(root)).toEqual(before);

		const { code, answer } = await json<JobAnswer>("cleanup", "--days", "7", "--type", "all");
		expect(code).toBe(0);
		expect(answer).toMatchObject({ status: "SUCCEEDED", progress: { deletedEntries: older.length, failedEntries: 0 } });
		const left = new Set(filesOf(root));
		const removed = before.filter((path) => !left.has(path));
		expect([...new Set(removed.map(keyOf))].sort()).toEqual(older);

		const audit = await json<{ edges: { node: { origin: string; action: string; success: boolean; jobId: string } }[] }>("audit");
		expect(audit.answer.edges.map((edge) => edge.node)).toEqual([
			expect.objectContaining({ origin: "CLI", action: "cleanup", success: true, jobId: answer.id }),
		]);
		expect((await json<{ valid: boolean; checked: number }>("audit", "verify")).answer).toMatchObject({ valid: true, checked: 1 });
		expect((await json<{ nodes: { id: string }[] }>("jobs")).answer.nodes.map((job) => job.id)).toEqual([answer.id]);
	});

	it("leaves the files alone when only the database layers are meant", async () => {
		generateTree(root, 50);
		const { code, answer } = await json<JobAnswer>("cleanup", "--days", "1", "--type", "database");
		expect(code).toBe(0);
		expect(answer).toMatchObject({ status: "SUCCEEDED", progress: { deletedEntries: 0 } });
		expect(countDataFiles(root).entries).toBe(50);
	});

	it("exits with 3 when a part could not be removed, and names it", async () => {
		generateTree(root, 40);
		const [name] = readdirSync(join(root, "us_stocks"));
		linkSync(join(root, "us_stocks", name ?? ""), join(temporaryFolder(), "second name"));
		const { code, answer } = await json<JobAnswer>("clear", "--yes");
		expect(code).toBe(3);
		expect(answer).toMatchObject({
			status: "PARTIALLY_FAILED",
			progress: { deletedEntries: 39, failedEntries: 1 },
			failures: { totalCount: 1, nodes: [{ code: "NOT_A_FILE" }] },
		});
	});

	it("filters, sorts and pages details, and deletes single entries by their ids", async () => {
		generateTree(root, 60);
		const page = (...args: string[]) =>
			json<{ totalCount: number; nodes: { id: string; key: string; size: number }[]; pageInfo: { endCursor: string } }>(
				"details",
				"--sort",
				"size",
				"--symbol",
				"AAPL",
				"TSLA",
				...args,
			);
		const first = (await page("--first", "3")).answer;
		expect(first.nodes).toHaveLength(3);
		const second = (await page("--first", "3", "--after", first.pageInfo.endCursor)).answer;
		const sizes = [...first.nodes, ...second.nodes].map((node) => node.size);
		expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
		expect(new Set([...first.nodes, ...second.nodes].map((node) => node.id)).size).toBe(6);

		const ids = first.nodes.map((node) => node.id);
		const { code, answer } = await json<{ deletedIds: string[]; errors: unknown[] }>("delete", ...ids);
		expect(code).toBe(0);
		expect(answer.errors).toEqual([]);
		expect([...answer.deletedIds].sort()).toEqual([...ids].sort());
		expect((await page()).answer.totalCount).toBe(first.totalCount - 3);
		expect(countDataFiles(root).entries).toBe(57);
	});

	it("cancels at Ctrl-C, reports what was deleted by then, and exits with 130", async () => {
		generateTree(root, 10_000);
		const command = startCommand(["clear", "--yes", "--json"], { env });
		const left = (): number => readdirSync(join(root, "metadata")).length;
		await eventually(() => expect(left()).toBeLessThan(10_000), { withinMs: 45_000, everyMs: 2 });
		const interruptedAt = performance.now();
		command.process.kill("SIGINT");
		const { code, out, err } = await command.ended;
		expect(code).toBe(130);
		expect(performance.now() - interruptedAt).toBeLessThan(3_000);
		const job = JSON.parse(out) as JobAnswer;
		expect(job.status).toBe("CANCELLED");
		expect(left()).toBeGreaterThan(0);
		expect(job.progress.deletedEntries).toBe(10_000 - left());
		expect(err).toContain("cancelling");
	});

	it("prints tables without colour or bars into a pipe, in the user's language", async () => {
		generateTree(root, 30);
		const english = await callCommand(["cleanup", "--days", "1"], { env });
		expect(english.code).toBe(0);
		expect(english.out).toMatch(/^cleanup j\w+ {2}succeeded/);
		expect(english.out).toMatch(/LAYER +STATUS +MATCHED +DELETED +FREED/);
		const chinese = await callCommand(["stats"], { env: { ...env, LANG: "zh_CN.UTF-8" } });
		expect(chinese.out).toMatch(/共 \d+ 个条目/);
		expect(chinese.out).toMatch(/层 +条目 +大小/);
		// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours begin with
		for (const text of [english.out, english.err, chinese.out]) expect(text).not.toMatch(/\u001b/);
	});

	it("shows names that hold control characters as escapes", async () => {
		mkdirSync(join(root, "notes"));
		writeFileSync(join(root, "notes", "a\u001b[31mred\nline"), "x");
		const { out } = await callCommand(["details"], { env: { ...env, CACHE_LAYOUT: "plain" } });
		expect(out).toContain("a\\x1b[31mred\\x0aline");
	});

	it("names the layer that cannot be read where its entries are missing from the answer, and logs nothing beside it", async () => {
		const gone = { env: { ...env, CACHE_DIR: join(root, "not there") } };
		for (const args of [["stats"], ["details"], ["cleanup", "--dry-run"]]) {
			const { err } = await callCommand(args, gone);
			expect(err.split("\n")[0]).toMatch(/^the file layer at .*not there cannot be read: .*create it or correct the configuration$/);
		}
		const { code, out, err } = await runCommand(["stats", "--json"], gone);
		expect({ code, answer: JSON.parse(out) }).toMatchObject({ code: 1, answer: { error: { code: "CACHE_STATS_FAILED" } } });
		expect(err.trimEnd().split("\n")).toHaveLength(2);
	});

	it("signs tokens that say who and what for how long", async () => {
		const { code, answer } = await json<{ token: string }>("token", "--user", "alice", "--role", "OPERATOR", "--expires", "30m");
		expect(code).toBe(0);
		const payload = JSON.parse(Buffer.from(answer.token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
		expect(payload).toMatchObject({ sub: "alice", roles: ["OPERATOR"] });
		expect(Number(payload.exp) - Number(payload.iat)).toBe(1_800);
		const plain = await callCommand(["token", "--user", "bob"], { env });
		expect(plain.out.trim().split(".")).toHaveLength(3);
	});

	it("waits for a command that holds the store to end", async () => {
		generateTree(root, 300);
		const both = await Promise.all([runCommand(["cleanup", "--days", "1"], { env }), runCommand(["stats"], { env })]);
		expect(both.map((ended) => ended.code)).toEqual([0, 0]);
	});
});
