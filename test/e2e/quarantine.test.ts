/** A cleanup that can be undone, as its users see it: over GraphQL, on the command line, in the statistics and in the audit log. */
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { runCommand } from "../testkit/cli.js";
import { writeEntry } from "../testkit/disk-refs.js";
import { eventually } from "../testkit/eventually.js";
import { startServer, TEST_SECRET, type TestServer, testToken } from "../testkit/server.js";
import { heldFolder, removeHeldFolders } from "../testkit/temporary.js";

interface JobAnswer {
	readonly id: string;
	readonly status: string;
	readonly progress: {
		readonly deletedEntries: number;
		readonly freedBytes: number;
		readonly loadedEntries: number;
		readonly loadedBytes: number;
	};
	readonly failures: { readonly nodes: readonly { readonly code: string; readonly message: string }[] };
}
const JOB = "job { id status progress { deletedEntries freedBytes loadedEntries loadedBytes } failures { nodes { code message } } }";
const MAX_BYTES = 1_000;

describe("a cleanup with quarantine", () => {
	let server: TestServer;
	let root: string;
	let python: string;
	let environment: Record<string, string>;

	beforeAll(async () => {
		[root, python] = [heldFolder(), heldFolder()];
		const file = join(heldFolder(), "cachewarden.yaml");
		writeFileSync(file, JSON.stringify({ quarantine: { maxBytes: MAX_BYTES, keepHours: 24 } }));
		environment = { CACHE_DIR: root, PYTHON_ROOTS: python, DATA_DIR: heldFolder(), CONFIG_FILE: file, LOG_LEVEL: "warn" };
		server = await startServer(environment);
	});
	afterAll(async () => {
		await server.stop();
		removeHeldFolders();
	});
	beforeEach(() => {
		for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
	});

	/** Entries of that many bytes each, old enough for any cleanup. */
	function fill(symbol: string, count: number, bytes: number): void {
		for (let i = 0; i < count; i++) writeEntry(root, symbol, i, "x".repeat(bytes));
	}

	async function mutate(field: string, document: string, variables: Record<string, unknown> = {}, token?: string): Promise<JobAnswer> {
		const answer = await server.query<Record<string, { job: JobAnswer }>>(document, variables, token);
		expect(answer.errors).toBeUndefined();
		return answer.data[field]?.job as JobAnswer;
	}

	async function fresh(): Promise<void> {
		await server.query("{ cacheStats(fresh: true) { totalEntries } }");
	}

	async function cleanup(token?: string): Promise<JobAnswer> {
		await fresh();
		return mutate("cleanup", `mutation { cleanup(input: { olderThanDays: 1, quarantine: true, wait: true }) { ${JOB} } }`, {}, token);
	}

	function restore(id: string, token?: string): Promise<JobAnswer> {
		return mutate("restoreJob", `mutation ($id: ID!) { restoreJob(id: $id, wait: true) { ${JOB} } }`, { id }, token);
	}

	async function stats(): Promise<unknown> {
		const { data } = await server.query<{ cacheStats: unknown }>(
			"{ cacheStats(fresh: true) { totalEntries totalBytes quarantine { entries bytes } } }",
		);
		return data.cacheStats;
	}

	async function purges(): Promise<readonly { readonly details: Record<string, unknown> }[]> {
		const { data } = await server.query<{ auditLog: { nodes: { details: Record<string, unknown> }[] } }>(
			'{ auditLog(filter: { keyword: "purgeQuarantine" }) { nodes { origin username success details jobId } } }',
		);
		return data.auditLog.nodes;
	}

	it("says before what could not be brought back, and why", async () => {
		fill("AAPL", 3, 400);
		mkdirSync(join(python, "__pycache__"), { recursive: true });
		writeFileSync(join(python, "__pycache__", "a.pyc"), "12345");
		await fresh();
		const preview = async (quarantine: boolean): Promise<unknown> => {
			const { data } = await server.query<{ cleanupPreview: { unrestorable: unknown } }>(
				"query ($q: Boolean) { cleanupPreview(input: { olderThanDays: 1, quarantine: $q }) { unrestorable { backend entries bytes kept reason } } }",
				{ q: quarantine },
			);
			return data.cleanupPreview.unrestorable;
		};
		expect(await preview(true)).toEqual([
			{ backend: "FILE", entries: 1, bytes: 400, kept: true, reason: expect.stringContaining(`${MAX_BYTES} bytes`) },
			{ backend: "PYTHON", entries: 1, bytes: 5, kept: false, reason: expect.stringContaining("for good") },
		]);
		expect(await preview(false)).toMatchObject([
			{ backend: "FILE", entries: 3, bytes: 1200, kept: false },
			{ backend: "PYTHON", entries: 1, bytes: 5, kept: false },
		]);
		const job = await cleanup();
		expect(job).toMatchObject({ status: "PARTIALLY_FAILED", progress: { deletedEntries: 3, freedBytes: 805 } });
		expect(job.failures.nodes).toEqual([{ code: "CONFLICT", message: expect.stringContaining(`${MAX_BYTES} bytes`) }]);
		expect(await stats()).toEqual({ totalEntries: 1, totalBytes: 400, quarantine: { entries: 2, bytes: 800 } });
		await restore(job.id);
	});

	it("comes back for who ran it, except where something newer stands", async () => {
		const [mine, other] = [await testToken("OPERATOR", "mine"), await testToken("OPERATOR", "other")];
		fill("AAPL", 3, 10);
		const { id } = await cleanup(mine);
		const list = "{ quarantine { jobId entries bytes until } }";
		expect((await server.query<{ quarantine: unknown }>(list, {}, mine)).data.quarantine).toEqual([
			{ jobId: id, entries: 3, bytes: 30, until: expect.any(String) },
		]);
		expect((await server.query<{ quarantine: unknown }>(list, {}, other)).data.quarantine).toEqual([]);
		const stranger = await server.query("mutation ($id: ID!) { restoreJob(id: $id) { job { id } } }", { id }, other);
		expect(stranger.errors?.[0]?.extensions.code).toBe("NOT_FOUND");

		writeEntry(root, "AAPL", 0, "newer");
		const job = await restore(id, mine);
		expect(job).toMatchObject({ status: "PARTIALLY_FAILED", progress: { loadedEntries: 2, loadedBytes: 20 } });
		expect(job.failures.nodes).toEqual([{ code: "CHANGED", message: expect.stringContaining("newer") }]);
		expect(await stats()).toEqual({ totalEntries: 3, totalBytes: 25, quarantine: { entries: 1, bytes: 10 } });
		const log = await server.query<{ auditLog: { nodes: unknown[] } }>(
			"query ($id: ID) { auditLog(filter: { jobId: $id }) { nodes { action username success details } } }",
			{ id: job.id },
		);
		expect(log.data.auditLog.nodes).toMatchObject([
			{ action: "restoreJob", username: "mine", success: false, details: { id, loadedEntries: 2 } },
		]);
	});

	it("refuses what cannot be restored", async () => {
		fill("MSFT", 1, 10);
		await fresh();
		const job = await mutate("cleanup", `mutation { cleanup(input: { olderThanDays: 1, wait: true }) { ${JOB} } }`);
		expect(job.progress.deletedEntries).toBe(1);
		const answer = await server.query("mutation ($id: ID!) { restoreJob(id: $id) { job { id } } }", { id: job.id });
		expect(answer.errors?.[0]?.extensions.code).toBe("CONFLICT");
	});

	it("keeps within its size by letting go of the oldest, and within its time, and the audit log says so", async () => {
		fill("AAPL", 2, 400);
		const first = await cleanup();
		fill("MSFT", 1, 600);
		const second = await cleanup();
		expect(await stats()).toMatchObject({ totalEntries: 0, quarantine: { entries: 1, bytes: 600 } });
		const about = { origin: "SCHEDULE", username: "cachewarden", success: true };
		expect(await purges()).toMatchObject([{ ...about, jobId: first.id, details: { reason: "size", entries: 2, bytes: 800 } }]);

		const long = Date.now() / 1000 - 25 * 3600;
		utimesSync(join(root, ".cachewarden-quarantine", second.id, "lists"), long, long);
		await server.stop();
		server = await startServer(environment);
		await eventually(
			async () =>
				expect((await purges())[0]).toMatchObject({ ...about, jobId: second.id, details: { reason: "time", entries: 1, bytes: 600 } }),
			{ withinMs: 20_000 },
		);
		expect(existsSync(join(root, ".cachewarden-quarantine"))).toBe(false);
		expect(await stats()).toMatchObject({ quarantine: { entries: 0, bytes: 0 } });
	});

	it("is undone on the command line", async () => {
		fill("AAPL", 2, 10);
		const env = { ...environment, TZ: "UTC", JWT_SECRET: TEST_SECRET };
		const cleaned = await runCommand(["cleanup", "--days", "1", "--type", "file", "--quarantine"], { env });
		expect(cleaned).toMatchObject({ code: 0 });
		const [, id = ""] = /cachewarden restore (j\w+)/.exec(cleaned.out) ?? [];
		const listed = await runCommand(["restore", "--json"], { env });
		expect(JSON.parse(listed.out)).toMatchObject([{ jobId: id, entries: 2, bytes: 20 }]);
		const restored = await runCommand(["restore", id, "--json"], { env });
		expect(restored.code).toBe(0);
		expect(JSON.parse(restored.out)).toMatchObject({ kind: "RESTORE", status: "SUCCEEDED", progress: { loadedEntries: 2 } });
		expect(await runCommand(["restore", id], { env })).toMatchObject({ code: 1, err: expect.stringContaining(id) });
		expect(await stats()).toEqual({ totalEntries: 2, totalBytes: 20, quarantine: { entries: 0, bytes: 0 } });
	});
});
