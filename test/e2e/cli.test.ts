/** The command line as its page promises it, row by row, on the built binary: here and against a server. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { CLI_MAIN, callCommand, type Ended, runCommand, startCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { filesOf, keysCachedBefore } from "../testkit/independent-count.js";
import { startServer, TEST_SECRET, type TestServer, testToken } from "../testkit/server.js";
import { keyOf } from "../testkit/tree.js";

const DAY_MS = 86_400_000;
const BYTE_CODE = ["app/__pycache__/a.cpython-311.pyc", "app/b.pyc", "app/old.pyo"];
const NOT_BYTE_CODE = ["app/a.py", ".git/x.pyc", "node_modules/y/__pycache__/y.pyc", ".venv/pyvenv.cfg", ".venv/lib/z.pyc"];

const folders: string[] = [];
const servers: TestServer[] = [];
afterEach(async () => {
	for (const server of servers.splice(0)) await server.stop();
	for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A file cache of entries up to 14 days old and a Python project, each like those in the field. */
function fill(entries: number) {
	const folder = mkdtempSync(join(tmpdir(), "cachewarden-cli-"));
	folders.push(folder);
	const cache = join(folder, "cache");
	const project = join(folder, "project");
	generateTree({ root: cache, entries });
	for (const path of [...BYTE_CODE, ...NOT_BYTE_CODE]) {
		mkdirSync(dirname(join(project, path)), { recursive: true });
		writeFileSync(join(project, path), "x");
		utimesSync(join(project, path), new Date(), new Date());
	}
	const env = {
		CACHE_DIR: cache,
		PYTHON_ROOTS: project,
		DATA_DIR: join(folder, "state"),
		CACHE_TIMEZONE: "UTC",
		JWT_SECRET: TEST_SECRET,
		LOG_LEVEL: "warn",
	};
	return { folder, cache, project, env };
}

async function serve(env: Record<string, string>): Promise<{ server: TestServer; at: string[] }> {
	const server = await startServer(env);
	servers.push(server);
	return { server, at: ["--url", server.url, "--token", await testToken("ADMIN")] };
}

/** What a run printed, which must be one JSON document and nothing else. */
function document<T>({ out, err }: Ended): T {
	expect(err).toBe("");
	expect(out.trimEnd().split("\n")).toHaveLength(1);
	return JSON.parse(out) as T;
}

interface JobAnswer {
	readonly id: string;
	readonly status: string;
	readonly progress: { readonly deletedEntries: number; readonly byBackend: readonly { readonly backend: string }[] };
}

describe("cleanup, beside the original script on an equal tree", () => {
	/** What the original removes: entries whose recorded time is older, and all byte code whatever its age. */
	function expected(cache: string, days: number, type: "all" | "file" | "python") {
		return {
			keys: type === "python" ? [] : keysCachedBefore(cache, new Date(Date.now() - days * DAY_MS)),
			byteCode: type === "file" ? [] : [...BYTE_CODE].sort(),
		};
	}

	it.each([
		["all", 7, []],
		["file", 3, ["--type", "file", "--days", "3"]],
		["python", 30, ["--days", "30", "--type", "python"]],
	] as const)("removes the same with --type %s and %d days", async (type, days, args) => {
		const { cache, project, env } = fill(200);
		const wanted = expected(cache, days, type);
		const before = { cache: filesOf(cache), project: filesOf(project) };
		const { code } = await runCommand(["cleanup", ...args], { env });
		expect(code).toBe(0);
		const left = { cache: new Set(filesOf(cache)), project: new Set(filesOf(project)) };
		const removed = before.cache.filter((path) => !left.cache.has(path));
		expect([...new Set(removed.map(keyOf))].sort()).toEqual(wanted.keys);
		expect(before.project.filter((path) => !left.project.has(path))).toEqual(wanted.byteCode);
	});

	it("works through the layers in the order file, python, one after the other", async () => {
		const { env } = fill(1_000);
		const { server, at } = await serve(env);
		const states: { backend: string; status: string; processed: number }[][] = [];
		const progress = server.subscribe<{ cleanupProgress: { byBackend: (typeof states)[number] } }>(
			"subscription { cleanupProgress { byBackend { backend status processed } } }",
		);
		const watching = (async () => {
			for await (const { cleanupProgress } of progress) {
				states.push(cleanupProgress.byBackend);
				if (cleanupProgress.byBackend.length > 0 && cleanupProgress.byBackend.every((layer) => layer.status === "SUCCEEDED")) return;
			}
		})();
		await eventually(
			async () => {
				const metrics = await (await fetch(new URL("/metrics", server.url))).text();
				expect(metrics).toMatch(/subscribers\{operation="cleanupProgress"\} 1/);
			},
			{ withinMs: 10_000 },
		);
		const job = document<JobAnswer>(await runCommand(["cleanup", "--days", "1", "--json", ...at]));
		expect(job.progress.byBackend.map((layer) => layer.backend)).toEqual(["FILE", "PYTHON"]);
		await watching;
		for (const layers of states) {
			const [file, python] = layers;
			if ((python?.processed ?? 0) > 0) expect(file?.status).toBe("SUCCEEDED");
		}
	});

	it("shows statistics with --stats, as stats does, and deletes nothing", async () => {
		const { cache, project, env } = fill(60);
		const before = [filesOf(cache), filesOf(project)];
		const [first, second] = [await runCommand(["cleanup", "--stats", "--json"], { env }), await runCommand(["stats", "--json"], { env })];
		const answers = [first, second].map((ended) => document<{ totalEntries: number; byType: unknown }>(ended));
		expect(answers[0]).toMatchObject({ totalEntries: 60 + BYTE_CODE.length });
		expect(answers[1]?.byType).toEqual(answers[0]?.byType);
		expect([filesOf(cache), filesOf(project)]).toEqual(before);
	});

	it.each([
		["en_US.UTF-8", "no database layer is configured (REDIS_URL, MONGODB_URI)"],
		["zh_CN.UTF-8", "未配置 database 层（REDIS_URL, MONGODB_URI）"],
	])("says under %s that there is no database layer, and still gives one document", async (LANG, text) => {
		const { env } = fill(5);
		for (const args of LANG.startsWith("zh") ? [["cleanup"]] : [["clear", "--yes"], ["stats"], ["details"]]) {
			const { code, out, err } = await callCommand([...args, "--type", "database", "--json"], { env: { ...env, LANG } });
			expect({ args, code }).toEqual({ args, code: 0 });
			expect(err).toContain(text);
			expect(err.trimEnd().split("\n")).toHaveLength(1);
			expect(JSON.parse(out)).toBeDefined();
		}
		expect((await callCommand(["stats", "--type", "file"], { env })).err).toBe("");
	});
});

describe("every command against a server by its address", () => {
	let server: TestServer;
	let at: string[];
	let kept: ReturnType<typeof fill>;
	beforeAll(async () => {
		kept = fill(200);
		folders.length = 0;
		server = await startServer(kept.env);
		const { stdout } = spawnSync(process.execPath, [CLI_MAIN, "token", "--user", "alice", "--role", "ADMIN", "--expires", "8h"], {
			encoding: "utf8",
			env: { PATH: process.env.PATH ?? "", ...kept.env },
		});
		at = ["--url", server.url, "--token", stdout.trim()];
	});
	afterAll(async () => {
		await server.stop();
		rmSync(kept.folder, { recursive: true, force: true });
	});

	const call = (...args: string[]) => runCommand([...args, "--json", ...at]);

	it("prints one document each, and nothing else", async () => {
		const stats = document<{ totalEntries: number }>(await call("stats"));
		expect(stats.totalEntries).toBe(203);
		expect(document<{ totalEntries: number }>(await call("cleanup", "--stats")).totalEntries).toBe(203);
		const { nodes } = document<{ nodes: { id: string }[] }>(await call("details", "--first", "2", "--type", "file"));
		expect(document<{ entries: number }>(await call("cleanup", "--dry-run", "--days", "1")).entries).toBeGreaterThan(0);
		const deleted = document<{ deletedIds: string[] }>(await call("delete", ...nodes.map((node) => node.id)));
		expect([...deleted.deletedIds].sort()).toEqual(nodes.map((node) => node.id).sort());
		const cleaned = document<JobAnswer>(await call("cleanup", "--days", "7"));
		expect(cleaned.status).toBe("SUCCEEDED");
		const cleared = document<JobAnswer>(await call("clear", "--yes", "--type", "python"));
		expect(document<JobAnswer>(await call("job", cleaned.id))).toMatchObject({ id: cleaned.id, status: "SUCCEEDED" });
		const states = (await call("job", cleared.id, "--follow")).out.trimEnd().split("\n");
		expect(JSON.parse(states.at(-1) ?? "")).toMatchObject({ jobId: cleared.id, status: "SUCCEEDED" });
		const jobs = document<{ nodes: { id: string; kind: string; requestedBy: string }[] }>(await call("jobs"));
		expect(jobs.nodes.map((job) => job.kind)).toEqual(["CLEAR", "CLEANUP", "DELETE"]);
		expect(new Set(jobs.nodes.map((job) => job.requestedBy))).toEqual(new Set(["alice"]));
		const audit = document<{ edges: { node: { action: string; username: string } }[] }>(await call("audit"));
		expect(audit.edges.map(({ node }) => node.action)).toEqual(["clear", "cleanup", "deleteEntries"]);
		expect(document<{ valid: boolean }>(await call("audit", "verify")).valid).toBe(true);
		const late = await call("cancel", cleared.id);
		expect({ code: late.code, job: document(late) }).toMatchObject({ code: 1, job: { id: cleared.id, status: "SUCCEEDED" } });
	});

	it("ends quietly when nobody reads its output any more, with the exit code of what it did", async () => {
		const piped = (line: string) =>
			spawnSync("bash", ["--norc", "-c", `${line}; echo "codes \${PIPESTATUS[*]}"`], {
				encoding: "utf8",
				stdio: ["ignore", "pipe", "pipe"],
				env: { PATH: process.env.PATH ?? "", RUN: `${process.execPath} ${CLI_MAIN}`, AT: at.join(" ") },
			});
		for (const command of ["details --first 200", "details --first 200 --json", "cleanup --help"]) {
			const { stdout, stderr } = piped(`$RUN ${command} ${command.endsWith("--help") ? "" : "$AT"} | head -1`);
			expect(stderr).toBe("");
			expect(stdout).toMatch(/^.+\ncodes 0 0\n$/);
		}
		expect(piped("$RUN details $AT 2>&1 | true").stdout).toBe("codes 0 0\n");
		expect(piped("$RUN job jnone $AT 2>&1 | true").stdout).toBe("codes 1 0\n");
		const full = piped("$RUN details $AT > /dev/full");
		expect(full.stderr).toContain("standard output cannot be written: ENOSPC");
		expect(full.stdout).toBe("codes 1\n");
	});

	it("follows the audit log until its reader goes", async () => {
		const command = [process.execPath, CLI_MAIN, "audit", "--follow", "--json", "--first", "1", ...at];
		const reader = spawn("bash", ["--norc", "-c", '"$@" | head -3', "bash", ...command], { stdio: ["ignore", "pipe", "inherit"] });
		let out = "";
		reader.stdout.setEncoding("utf8").on("data", (text: string) => {
			out += text;
		});
		await eventually(
			async () => {
				await call("cleanup", "--days", "3650");
				expect(reader.exitCode).toBe(0);
			},
			{ withinMs: 30_000 },
		);
		const sequences = out
			.trimEnd()
			.split("\n")
			.map((line) => (JSON.parse(line) as { node: { sequence: number } }).node.sequence);
		expect(sequences).toEqual([0, 1, 2].map((i) => (sequences[0] ?? 0) + i));
	});
});

describe("Ctrl-C", () => {
	it("cancels through a server as well, and reports what was deleted by then", async () => {
		const { cache, env } = fill(8_000);
		const { server, at } = await serve(env);
		await server.query("{ cacheStats(fresh: true) { totalEntries } }");
		const command = startCommand(["clear", "--yes", "--type", "file", "--json", ...at]);
		const left = (): number => readdirSync(join(cache, "metadata")).length;
		await eventually(() => expect(left()).toBeLessThan(8_000), { withinMs: 30_000, everyMs: 2 });
		command.process.kill("SIGINT");
		const { code, out, err } = await command.ended;
		expect({ code, err }).toEqual({ code: 130, err: "cancelling…\n" });
		const job = JSON.parse(out) as JobAnswer;
		expect(job.status).toBe("CANCELLED");
		expect(left()).toBeGreaterThan(0);
		expect(job.progress.deletedEntries).toBe(8_000 - left());
	});

	it("ends a deletion of single entries cleanly, and reports it", async () => {
		const { cache, env } = fill(1_000);
		const left = (): number => readdirSync(join(cache, "metadata")).length;
		const ids: string[] = [];
		for (let after: string[] = [], more = true; more; ) {
			const { out } = await callCommand(["details", "--type", "file", "--first", "200", "--json", ...after], { env });
			const page = JSON.parse(out) as { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
			ids.push(...page.nodes.map((node) => node.id));
			after = ["--after", page.pageInfo.endCursor];
			more = page.pageInfo.hasNextPage;
		}
		const command = startCommand(["delete", "--json", ...ids], { env });
		await eventually(() => expect(left()).toBeLessThan(1_000), { withinMs: 30_000, everyMs: 1 });
		command.process.kill("SIGINT");
		const { code, out, err } = await command.ended;
		expect({ code, err }).toEqual({ code: 130, err: "cancelling…\n" });
		const answer = JSON.parse(out) as { deletedIds: string[] };
		expect(answer.deletedIds).toHaveLength(1_000 - left());
	});
});
