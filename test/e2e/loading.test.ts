/** Refresh and warm-up through the built server, read by a reader of the format that shares no code with it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../testkit/eventually.js";
import { failing, type HttpSource, sending, startHttpSource } from "../testkit/http-source.js";
import { readFieldEntry, readFieldTree } from "../testkit/metadata-reader.js";
import { startServer, type TestServer, testToken } from "../testkit/server.js";
import { heldFolder, removeHeldFolders } from "../testkit/temporary.js";

interface JobAnswer {
	readonly id: string;
	readonly status: string;
	readonly progress: {
		readonly loadedEntries: number;
		readonly failedEntries: number;
		readonly skippedEntries: number;
		readonly percent: number | null;
	};
	readonly failures: { readonly nodes: readonly { readonly id: string; readonly code: string; readonly message: string }[] };
	readonly error: { readonly code: string; readonly message: string } | null;
}

const JOB =
	"job { id status progress { loadedEntries failedEntries skippedEntries percent } failures { nodes { id code message } } error { code message } }";
const WARM_UP = `mutation ($input: WarmUpInput!) { warmUp(input: $input) { ${JOB} } }`;
const REFRESH = `mutation ($input: RefreshInput!) { refresh(input: $input) { ${JOB} } }`;

// biome-ignore lint/suspicious/noTemplateCurlyInString: the variable is the program's to fill in.
const HEADER = "Bearer ${QUOTES_TOKEN}";

/** A job that a call has left running, waited for, so that no later call of the suite runs beside it. */
const jobEnded = (server: TestServer, id: string) =>
	eventually(
		async () => {
			const { data } = await server.query<{ job: { status: string } | null }>("query ($id: ID!) { job(id: $id) { status } }", { id });
			expect(data.job?.status).toBe("SUCCEEDED");
		},
		{ withinMs: 5000 },
	);

describe("loading into a file cache", () => {
	let source: HttpSource;
	let server: TestServer;
	let root: string;

	beforeAll(async () => {
		source = await startHttpSource(sending("text/csv", (symbol) => `date,close\n2026-11-24,${symbol}\n`));
		root = heldFolder();
		const folder = heldFolder();
		const file = join(folder, "cachewarden.yaml");
		const fast = { retries: 1, backoffMs: 1, requestsPerSecond: 1000, allowPrivateAddresses: true };
		writeFileSync(
			file,
			JSON.stringify({
				loaders: {
					quotes: {
						kind: "http",
						url: `${source.url}/quotes?symbol={symbol}&from={startDate}&to={endDate}`,
						headers: { authorization: HEADER },
						types: ["stock_data"],
						daysBack: 30,
						...fast,
					},
					headlines: { kind: "http", url: `${source.url}/news?symbol={symbol}`, types: ["news"], format: "txt", ...fast },
				},
			}),
		);
		server = await startServer({ CACHE_DIR: root, DATA_DIR: heldFolder(), CONFIG_FILE: file, QUOTES_TOKEN: "of-the-source" });
	});

	afterAll(async () => {
		await server.stop();
		await source.close();
		removeHeldFolders();
	});

	beforeEach(() => {
		source.forget();
		source.answer(sending("text/csv", (symbol) => `date,close\n2026-11-24,${symbol}\n`));
	});

	async function warmUp(input: Record<string, unknown>): Promise<JobAnswer> {
		const answer = await server.query<{ warmUp: { job: JobAnswer } }>(WARM_UP, { input: { wait: true, ...input } });
		expect(answer.errors).toBeUndefined();
		return answer.data.warmUp.job;
	}

	async function refresh(input: Record<string, unknown>): Promise<JobAnswer> {
		const answer = await server.query<{ refresh: { job: JobAnswer } }>(REFRESH, { input: { wait: true, ...input } });
		expect(answer.errors).toBeUndefined();
		return answer.data.refresh.job;
	}

	async function entries(filter: Record<string, unknown> = {}) {
		const answer = await server.query<{
			cacheDetails: { nodes: { id: string; key: string; status: string; symbol: string; createdAt: string }[] };
		}>("query ($filter: CacheEntryFilter) { cacheDetails(first: 200, filter: $filter) { nodes { id key status symbol createdAt } } }", {
			filter,
		});
		return answer.data.cacheDetails.nodes;
	}

	it("warms up: what lies there is what the format's own programs would have written, under the keys that they look for", async () => {
		const job = await warmUp({ loader: "quotes", symbols: ["AAPL", "BRK.B", "600519"] });
		expect(job).toMatchObject({ status: "SUCCEEDED", progress: { loadedEntries: 3, failedEntries: 0, percent: 100 } });
		const tree = readFieldTree(root);
		expect([...tree.values()].map(({ symbol, data, data_source, market_type }) => [symbol, data, data_source, market_type]).sort()).toEqual(
			[
				["600519", "date,close\n2026-11-24,600519\n", "quotes", "china"],
				["AAPL", "date,close\n2026-11-24,AAPL\n", "quotes", "us"],
				["BRK.B", "date,close\n2026-11-24,BRK.B\n", "quotes", "us"],
			],
		);
		expect([...tree.values()].map(({ path }) => path.split("/")[0]).sort()).toEqual(["china_stocks", "us_stocks", "us_stocks"]);
		expect(source.requests.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill("Bearer of-the-source"));
		const listed = await entries();
		expect(listed.map(({ key }) => key).sort()).toEqual([...tree.keys()].sort());
		expect(listed.every(({ status }) => status === "FRESH")).toBe(true);
	});

	it("refreshes: entries are STALE and readable meanwhile, keep id and key, and are FRESH with the new value", async () => {
		const [entry] = await entries({ symbols: ["AAPL"] });
		const before = readFieldEntry(root, entry?.key as string);
		const release = source.hold();
		source.answer(sending("text/csv", () => "date,close\n2026-11-25,new\n"));
		const accepted = await server.query<{ refresh: { job: JobAnswer } }>(REFRESH, { input: { ids: [entry?.id] } });
		await eventually(() => expect(source.requests).toHaveLength(1), { withinMs: 5000 });
		expect(await entries({ symbols: ["AAPL"] })).toEqual([{ ...entry, status: "STALE" }]);
		expect(readFieldEntry(root, before.key)).toEqual(before);
		release();
		for await (const _ of server.subscribe("subscription ($id: ID) { jobProgress(jobId: $id) { status } }", {
			id: accepted.data.refresh.job.id,
		}));
		const [after] = await entries({ symbols: ["AAPL"] });
		expect(after).toMatchObject({ id: entry?.id, key: entry?.key, status: "FRESH" });
		const written = readFieldEntry(root, before.key);
		expect(written.data).toBe("date,close\n2026-11-25,new\n");
		expect([written.start_date, written.end_date]).toEqual([before.start_date, before.end_date]);
		expect(written.cached_at > before.cached_at).toBe(true);
	});

	it("keeps the old value when loading fails, or gives what is no value, and names each entry", async () => {
		const [entry] = await entries({ symbols: ["600519"] });
		const before = readFieldEntry(root, entry?.key as string);
		for (const broken of [failing(500), sending("text/csv", () => "<!DOCTYPE html><p>Sorry"), sending("text/csv", () => "")]) {
			source.answer(broken);
			const job = await refresh({ symbols: ["600519"] });
			expect(job).toMatchObject({ status: "FAILED", progress: { loadedEntries: 0, failedEntries: 1 } });
			expect(job.failures.nodes).toMatchObject([{ id: entry?.id, code: "LOADER_FAILED" }]);
			expect(readFieldEntry(root, before.key)).toEqual(before);
		}
	});

	it("asks the source once for a key, however many ask at the same time", async () => {
		const release = source.hold();
		const waiting = [1, 2].map(() => warmUp({ loader: "headlines", symbols: ["MSFT"] }));
		await eventually(() => expect(source.requests.length).toBeGreaterThan(0), { withinMs: 5000 });
		release();
		const jobs = await Promise.all(waiting);
		expect(source.requests).toHaveLength(1);
		expect(jobs.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
		expect(jobs.map(({ progress }) => progress.loadedEntries).sort()).toEqual([0, 1]);
		expect(jobs.map(({ progress }) => progress.skippedEntries).sort()).toEqual([0, 1]);
	});

	it("can be cancelled; what was loaded by then stays, the rest is as it was", async () => {
		const release = source.hold();
		const symbols = Array.from({ length: 20 }, (_, i) => `C${i}`);
		const accepted = await server.query<{ warmUp: { job: JobAnswer } }>(WARM_UP, { input: { loader: "quotes", symbols } });
		await eventually(() => expect(source.requests.length).toBeGreaterThan(0), { withinMs: 5000 });
		const { id } = accepted.data.warmUp.job;
		const cancelled = await server.query<{ cancelJob: { job: JobAnswer } }>(`mutation ($id: ID!) { cancelJob(id: $id) { ${JOB} } }`, {
			id,
		});
		release();
		expect(cancelled.data.cancelJob.job).toMatchObject({ status: "CANCELLED", progress: { loadedEntries: 0, failedEntries: 0 } });
		expect([...readFieldTree(root).values()].filter(({ symbol }) => symbol.startsWith("C"))).toEqual([]);
	});

	it("is accepted over REST too, with the job that it has become", async () => {
		const call = async (path: string, body: string) => {
			const headers = { authorization: `Bearer ${await testToken("OPERATOR")}`, "content-type": "application/json" };
			const response = await fetch(new URL(`/api/cache/${path}`, server.url), { method: "POST", headers, body });
			return {
				status: response.status,
				...((await response.json()) as { message: string; code?: string; data: { jobId: string } | null }),
			};
		};
		const accepted = await call("warm-up", JSON.stringify({ loader: "quotes", symbols: ["REST"] }));
		expect(accepted).toMatchObject({ status: 202, message: "预热任务已接受" });
		await eventually(() => expect([...readFieldTree(root).values()].map(({ symbol }) => symbol)).toContain("REST"), { withinMs: 5000 });
		const refreshed = await call("refresh", JSON.stringify({ symbols: ["REST"] }));
		expect(refreshed).toMatchObject({ status: 202, message: "刷新任务已接受" });
		for (const jobId of [accepted.data?.jobId, refreshed.data?.jobId]) await jobEnded(server, jobId ?? "");
		expect(await call("refresh", "[]")).toMatchObject({ status: 422, code: "BAD_USER_INPUT" });
		expect(await call("warm-up", "{}")).toMatchObject({ status: 422, code: "BAD_USER_INPUT", message: expect.stringContaining("loader") });
	});

	it("says at once what cannot be asked for, and writes who loaded what into the audit log", async () => {
		const unknown = await server.query(WARM_UP, { input: { loader: "nobody", symbols: ["A"] } });
		expect(unknown.errors?.[0]).toMatchObject({
			extensions: { code: "BAD_USER_INPUT" },
			message: expect.stringContaining("quotes, headlines"),
		});
		const log = await server.query<{
			auditLog: { nodes: { action: string; success: boolean; errorCode: string | null; details: Record<string, unknown> }[] };
		}>("{ auditLog(first: 50) { nodes { action success errorCode details } } }");
		const actions = log.data.auditLog.nodes.map(({ action, success, errorCode }) => [action, success, errorCode]);
		expect(actions[0]).toEqual(["warmUp", false, "BAD_USER_INPUT"]);
		expect(actions).toContainEqual(["refresh", true, null]);
		expect(actions).toContainEqual(["refresh", false, "LOADER_FAILED"]);
		expect(actions).toContainEqual(["warmUp", false, "CANCELLED"]);
		expect(log.data.auditLog.nodes.find(({ action, success }) => action === "warmUp" && success)?.details).toMatchObject({
			loader: "quotes",
		});
		expect(JSON.stringify(log)).not.toContain("of-the-source");
	});
});
