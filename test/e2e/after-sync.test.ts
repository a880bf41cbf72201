/** A small HTTP data source is synced, changed and broken; a reader of the format says what the cache holds after each step. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { failing, type HttpSource, sending, startHttpSource } from "../testkit/http-source.js";
import { readFieldTree } from "../testkit/metadata-reader.js";
import { startServer, type TestServer, testToken } from "../testkit/server.js";
import { heldFolder, removeHeldFolders } from "../testkit/temporary.js";

interface JobAnswer {
	readonly id: string;
	readonly status: string;
	readonly progress: {
		readonly deletedEntries: number;
		readonly steps: readonly {
			readonly name: string;
			readonly status: string;
			readonly durationMs: number | null;
			readonly error: string | null;
		}[];
	};
	readonly error: { readonly code: string; readonly message: string } | null;
}
interface AuditNode {
	readonly action: string;
	readonly actionType: string;
	readonly success: boolean;
	readonly errorCode: string | null;
	readonly errorMessage: string | null;
	readonly jobId: string | null;
	readonly details: Record<string, unknown>;
}

const JOB = "job { id status progress { deletedEntries steps { name status durationMs error } } error { code message } }";
const STEPS = (...statuses: string[]) =>
	["sync", "clear", "statistics"].map((name, i) => expect.objectContaining({ name, status: statuses[i] }));

describe("a data source's sync", () => {
	let source: HttpSource;
	let server: TestServer;
	let root: string;
	let version = 1;

	beforeAll(async () => {
		source = await startHttpSource(failing(404));
		root = heldFolder();
		const file = join(heldFolder(), "cachewarden.yaml");
		const fast = { retries: 0, requestsPerSecond: 1000, allowPrivateAddresses: true };
		const config = {
			sync: { coalesceMs: 300 },
			loaders: {
				quotes: { kind: "http", url: `${source.url}/value?symbol={symbol}&type={type}`, types: ["stock_data", "fundamentals"], ...fast },
				headlines: { kind: "http", url: `${source.url}/value?symbol={symbol}&type={type}`, types: ["news"], ...fast },
			},
			sources: {
				exchange: {
					sync: { url: `${source.url}/sync`, allowPrivateAddresses: true, success: { member: "result.status", equals: "ok" } },
					types: ["stock_data", "fundamentals"],
				},
				wire: { sync: "external", types: ["news"], symbols: ["AAPL", "MSFT"] },
			},
		};
		writeFileSync(file, JSON.stringify(config));
		server = await startServer({ CACHE_DIR: root, DATA_DIR: heldFolder(), CONFIG_FILE: file });
	});

	afterAll(async () => {
		await server.stop();
		await source.close();
		removeHeldFolders();
	});

	beforeEach(() => {
		source.forget();
		source.answer(works);
	});

	function works(...[request, response]: Parameters<Parameters<HttpSource["answer"]>[0]>): void {
		if (request.path !== "/sync") return void sending("text/plain", (symbol) => `${symbol} v${version}\n`)(request, response);
		response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ result: { status: "ok" } }));
	}

	async function mutate(field: string, input: Record<string, unknown>, user = "operator"): Promise<JobAnswer> {
		const type = `${field === "syncDataSource" ? "SyncDataSource" : field === "reportDataSourceSync" ? "ReportSync" : "WarmUp"}Input!`;
		const token = await testToken("OPERATOR", user);
		const document = `mutation ($input: ${type}) { ${field}(input: $input) { ${JOB} } }`;
		const answer = await server.query<Record<string, { job: JobAnswer }>>(document, { input: { wait: true, ...input } }, token);
		expect(answer.errors).toBeUndefined();
		return (answer.data[field] as { job: JobAnswer }).job;
	}

	async function fill(): Promise<void> {
		await mutate("warmUp", { loader: "quotes", symbols: ["AAPL", "MSFT", "600519"] });
		await mutate("warmUp", { loader: "headlines", symbols: ["AAPL", "MSFT", "600519"] });
	}

	/** `stock_data AAPL v1`, sorted. */
	function held(): string[] {
		return [...readFieldTree(root).values()].map(({ data_type, data }) => `${data_type} ${data.trim()}`).sort();
	}

	async function totals(): Promise<number> {
		const answer = await server.query<{ cacheStats: { totalEntries: number } }>("{ cacheStats { totalEntries } }");
		return answer.data.cacheStats.totalEntries;
	}

	async function audit(jobId: string): Promise<readonly AuditNode[]> {
		const answer = await server.query<{ auditLog: { nodes: AuditNode[] } }>(
			"query ($id: ID) { auditLog(filter: { jobId: $id }) { nodes { action actionType success errorCode errorMessage jobId details } } }",
			{ id: jobId },
		);
		return answer.data.auditLog.nodes;
	}

	const ALL = (v: number) =>
		["fundamentals", "news", "stock_data"].flatMap((type) => ["600519", "AAPL", "MSFT"].map((symbol) => `${type} ${symbol} v${v}`)).sort();

	it("clears exactly what it made stale, and says so step by step and in the audit log", async () => {
		await fill();
		expect(held()).toEqual(ALL(1));
		const job = await mutate("syncDataSource", { source: "exchange", symbols: ["AAPL"] });
		expect(job).toMatchObject({
			status: "SUCCEEDED",
			progress: { deletedEntries: 2, steps: STEPS("SUCCEEDED", "SUCCEEDED", "SUCCEEDED") },
		});
		expect(held()).toEqual(ALL(1).filter((entry) => !/^(stock_data|fundamentals) AAPL/.test(entry)));
		expect(await totals()).toBe(7);
		const syncs = source.requests.filter(({ path }) => path === "/sync");
		expect(syncs.map(({ method, body }) => [method, JSON.parse(body)])).toEqual([["POST", { source: "exchange", symbols: ["AAPL"] }]]);
		const [entry] = await audit(job.id);
		expect(entry).toMatchObject({ action: "syncDataSource", actionType: "data_import", success: true });
		expect(entry?.details).toMatchObject({ deletedEntries: 2, causes: [{ jobId: job.id, source: "exchange", symbols: ["AAPL"] }] });
		const steps = entry?.details.steps as { name: string; status: string }[];
		expect(steps.map(({ name, status }) => [name, status])).toEqual(["sync", "clear", "statistics"].map((name) => [name, "SUCCEEDED"]));
	});

	it("brings the changed values in with the next load, and clears all of its types when it names no symbols", async () => {
		version = 2;
		expect((await mutate("syncDataSource", { source: "exchange" })).progress.deletedEntries).toBe(4);
		expect(held()).toEqual(ALL(1).filter((entry) => entry.startsWith("news")));
		await mutate("warmUp", { loader: "quotes", symbols: ["AAPL", "MSFT", "600519"] });
		expect(held()).toEqual(
			[...ALL(1).filter((entry) => entry.startsWith("news")), ...ALL(2).filter((entry) => !entry.startsWith("news"))].sort(),
		);
	});

	it.each<[string, Parameters<HttpSource["answer"]>[0], string]>([
		["is broken", failing(500), "answered with 500"],
		["says that it failed", (_, response) => void response.end('{"result":{"status":"partial"}}'), 'result.status = "partial"'],
	])("clears nothing when the source %s, and logs why", async (_what, broken, why) => {
		const before = held();
		source.answer(broken);
		const job = await mutate("syncDataSource", { source: "exchange" });
		expect(job).toMatchObject({
			status: "FAILED",
			error: { code: "SYNC_FAILED" },
			progress: { steps: STEPS("FAILED", "CANCELLED", "CANCELLED") },
		});
		expect(job.error?.message).toContain(why);
		expect(held()).toEqual(before);
		expect(await audit(job.id)).toMatchObject([{ action: "syncDataSource", success: false, errorCode: "SYNC_FAILED" }]);
	});

	it("takes reports of syncs that ran elsewhere: a failed one clears nothing, one of an unknown source must name its types", async () => {
		const before = held();
		const failed = await mutate("reportDataSourceSync", { source: "wire", success: false, error: "connection lost" });
		expect(failed).toMatchObject({ status: "FAILED", error: { code: "SYNC_FAILED", message: expect.stringContaining("connection lost") } });
		expect(held()).toEqual(before);
		const wire = await mutate("reportDataSourceSync", { source: "wire", success: true, symbols: ["AAPL", "600519"], records: 12 });
		// 600519 does not depend on it.
		expect(wire.progress.deletedEntries).toBe(1);
		expect(held()).toEqual(before.filter((entry) => !entry.startsWith("news AAPL")));
		const unnamed = await server.query('mutation { reportDataSourceSync(input: { source: "other", success: true }) { job { id } } }');
		expect(unnamed.errors?.[0]?.extensions.code).toBe("BAD_USER_INPUT");
		const named = await mutate("reportDataSourceSync", { source: "other", success: true, types: ["news"], symbols: ["600519"] });
		expect(named.progress.deletedEntries).toBe(1);
		const wrong = await server.query(
			'mutation { reportDataSourceSync(input: { source: "wire", success: true, types: ["stock_data"] }) { job { id } } }',
		);
		expect(wrong.errors?.[0]).toMatchObject({ extensions: { code: "BAD_USER_INPUT" }, message: expect.stringContaining("stock_data") });
	});

	it("answers several reports within a short time by one clearing that names all causes, and clears no more than each of them asked for", async () => {
		await fill();
		const before = held();
		const reports = [
			{ source: "wire", symbols: ["AAPL"], records: 1 },
			{ source: "wire", symbols: ["MSFT"] },
			{ source: "exchange", symbols: ["600519"] },
			{ source: "other", types: ["fundamentals"], symbols: ["AAPL"] },
		];
		const jobs = await Promise.all(
			reports.map((report, i) => mutate("reportDataSourceSync", { success: true, ...report }, `reporter${i}`)),
		);
		expect(jobs.map(({ status }) => status)).toEqual(Array(4).fill("SUCCEEDED"));
		const gone = ["news AAPL", "news MSFT", "stock_data 600519", "fundamentals 600519", "fundamentals AAPL"];
		expect(held()).toEqual(before.filter((entry) => !gone.some((one) => entry.startsWith(one))));
		expect(jobs.map(({ progress }) => progress.deletedEntries).sort()).toEqual([0, 0, 0, 5]);
		const clearing = jobs.find(({ progress }) => progress.deletedEntries > 0) as JobAnswer;
		const [entry] = await audit(clearing.id);
		const causes = entry?.details.causes as { jobId: string; source: string; requestedBy: string }[];
		expect(causes.map(({ jobId }) => jobId).sort()).toEqual(jobs.map(({ id }) => id).sort());
		expect(causes.map(({ requestedBy }) => requestedBy).sort()).toEqual(["reporter0", "reporter1", "reporter2", "reporter3"]);
		for (const { id } of jobs.filter((job) => job !== clearing))
			expect(await audit(id)).toMatchObject([{ action: "reportDataSourceSync", success: true, details: { clearedBy: clearing.id } }]);
	});

	it("refuses a caller who only reads, and records that", async () => {
		const token = await testToken("VIEWER");
		const refused = await server.query('mutation { syncDataSource(input: { source: "exchange" }) { job { id } } }', {}, token);
		expect(refused.errors?.[0]?.extensions.code).toBe("FORBIDDEN");
		const log = await server.query<{ auditLog: { nodes: AuditNode[] } }>(
			'{ auditLog(first: 1, filter: { userId: "viewer" }) { nodes { action success errorCode } } }',
		);
		expect(log.data.auditLog.nodes).toEqual([{ action: "syncDataSource", success: false, errorCode: "FORBIDDEN" }]);
	});
});
