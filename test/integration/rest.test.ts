/** The REST facade as a transport: what it makes of operations' answers and failures, in which words, and with which headers. */
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { CachewardenError } from "../../src/core/errors.js";
import type { Job, LayerProgress } from "../../src/core/job.js";
import { REST_ROUTES } from "../../src/http/rest/routes.js";
import { type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { type InMemoryOperations, inMemoryOperations, makeJob } from "../testkit/in-memory-operations.js";
import { callRest, type RestAnswer } from "../testkit/rest.js";

const ALLOWED = "https://console.example";
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const LAYER: LayerProgress = {
	backend: "FILE",
	status: "SUCCEEDED",
	total: 5,
	deletedEntries: 4,
	freedBytes: 400,
	failedEntries: 0,
	skippedEntries: 1,
	error: null,
};

let operations: InMemoryOperations;
let server: ServerUnderTest;
let admin: string;
/** What a cleanup and a clear come to. */
let outcome: Partial<Job>;

beforeAll(async () => {
	operations = inMemoryOperations(45);
	const { cleanup, clear } = operations;
	operations.cleanup = async (call, input) => ({ ...(await cleanup(call, input)), ...outcome });
	operations.clear = async (call, input) => ({ ...(await clear(call, input)), ...outcome });
	server = await startServer(operations, { corsOrigins: [ALLOWED] });
	admin = await tokenFor("ADMIN");
});
afterAll(() => server.close());

const call = (path: string, options: Parameters<typeof callRest>[2] = {}): Promise<RestAnswer> =>
	callRest(server.url, path, { token: admin, ...options });
const remove = (path: string, headers?: Record<string, string>): Promise<RestAnswer> =>
	call(path, { method: "DELETE", ...(headers ? { headers } : {}) });
const progressOf = (...layers: LayerProgress[]): Pick<Job, "progress"> => ({ progress: { ...makeJob("j1").progress, layers } });

describe("what the facade answers", () => {
	it("tells statistics in the original's names and words", async () => {
		const { status, body } = await call("/api/cache/stats");
		expect(status).toBe(200);
		expect(body).toEqual({
			success: true,
			data: { totalFiles: 45, totalSize: 5490, maxSize: 1_073_741_824, stockDataCount: 45, newsDataCount: 0, analysisDataCount: 0 },
			message: "获取缓存统计成功",
			timestamp: expect.stringMatching(ISO),
		});
	});

	it.each([
		[undefined, "获取缓存统计成功"],
		["*", "获取缓存统计成功"],
		["fr", "获取缓存统计成功"],
		["zh-CN,zh;q=0.9,en;q=0.8", "获取缓存统计成功"],
		["zh-CN, en", "获取缓存统计成功"],
		["en-GB", "Cache statistics read"],
		["fr, en;q=0.9, zh;q=0.3", "Cache statistics read"],
		["zh;q=0.3, en;q=0.9", "Cache statistics read"],
		["en;q=0, zh", "获取缓存统计成功"],
	])("speaks to Accept-Language %s", async (language, message) => {
		const { body } = await call("/api/cache/stats", language === undefined ? {} : { headers: { "accept-language": language } });
		expect(body.message).toBe(message);
	});

	it("gives pages by number", async () => {
		const { body } = await call("/api/cache/details?page=3&page_size=20&_=1732");
		const data = body.data as { items: Record<string, unknown>[]; total: number; page: number; page_size: number };
		expect([data.items.length, data.total, data.page, data.page_size]).toEqual([5, 45, 3, 20]);
		expect(Object.keys(data.items[0] ?? {}).sort()).toEqual(
			["backend", "created_at", "hit_count", "id", "key", "last_accessed", "size", "symbol", "type"].sort(),
		);
		expect((await call("/api/cache/details")).body.data).toMatchObject({ page: 1, page_size: 20 });
		expect((await call("/api/cache/details?page=9999999999999999")).status).toBe(422);
		expect((await call("/api/cache/details?page=9007199254740991")).body.data).toMatchObject({ items: [], total: 45 });
	});

	it("answers a removal that has ended with what it came to", async () => {
		outcome = { status: "SUCCEEDED", ...progressOf(LAYER, { ...LAYER, backend: "PYTHON" }) };
		const cleanup = await remove("/api/cache/cleanup?days=3");
		expect([cleanup.status, cleanup.body.message, cleanup.body.data]).toEqual([
			200,
			"已清理 3 天前的缓存",
			{ days: 3, jobId: "j1", deleted: 8, freedBytes: 800 },
		]);
		const clear = await remove("/api/cache/clear");
		expect([clear.status, clear.body.message, clear.body.data]).toEqual([
			200,
			"所有缓存已清空",
			{ jobId: "j2", deleted: 8, freedBytes: 800 },
		]);
		expect((await remove("/api/cache/cleanup")).body.data).toMatchObject({ days: 7 });
	});

	it("answers 202 with the job when it still runs after the time that is waited", async () => {
		outcome = { status: "RUNNING" };
		const cleanup = await remove("/api/cache/cleanup");
		expect([cleanup.status, cleanup.body.success, cleanup.body.message, cleanup.body.data]).toEqual([
			202,
			true,
			"任务仍在执行",
			{ days: 7, jobId: "j1" },
		]);
		outcome = { status: "QUEUED" };
		expect(await remove("/api/cache/clear")).toMatchObject({ status: 202, body: { message: "任务仍在执行", data: { jobId: "j2" } } });
	});

	it("names what failed in part, by layer", async () => {
		const error = { code: "BACKEND_UNAVAILABLE", said: { key: "error.backendUnavailable", facts: {} } } as const;
		const broken: LayerProgress = {
			...LAYER,
			backend: "REDIS",
			status: "FAILED",
			deletedEntries: 0,
			freedBytes: 0,
			failedEntries: 2,
			error,
		};
		outcome = { status: "PARTIALLY_FAILED", ...progressOf(LAYER, broken) };
		const { status, body } = await remove("/api/cache/clear");
		expect([status, body.success]).toEqual([200, true]);
		expect(body.data).toMatchObject({
			deleted: 4,
			failed: 2,
			byBackend: [
				{ backend: "FILE", status: "SUCCEEDED", deleted: 4, failed: 0, error: null },
				{ backend: "REDIS", status: "FAILED", deleted: 0, failed: 2, error: { code: "BACKEND_UNAVAILABLE", message: "缓存层不可用" } },
			],
		});
	});

	it("answers the failure of the table when a removal failed, and keeps its reason in the log", async () => {
		const error = { code: "INTERNAL", said: { key: "error.ioFailed", facts: { path: "/secret/place", code: "EIO" } } } as const;
		outcome = { status: "FAILED", error };
		const cleanup = await remove("/api/cache/cleanup", { "x-request-id": "the-failed-one" });
		expect([cleanup.status, cleanup.body]).toEqual([
			500,
			{
				success: false,
				data: null,
				message: "清理缓存失败",
				detail: "清理缓存失败",
				code: "CACHE_CLEANUP_FAILED",
				timestamp: expect.stringMatching(ISO),
			},
		]);
		const line = server.log().find(({ requestId, code }) => requestId === "the-failed-one" && code === "CACHE_CLEANUP_FAILED");
		expect(JSON.stringify(line)).toContain("/secret/place");
		const clear = await remove("/api/cache/clear", { "accept-language": "en" });
		expect([clear.status, clear.body.code, clear.body.detail]).toEqual([500, "CACHE_CLEAR_FAILED", "Clearing the cache failed"]);
	});

	it("answers that a cancelled removal was cancelled", async () => {
		outcome = { status: "CANCELLED" };
		expect(await remove("/api/cache/cleanup")).toMatchObject({ status: 409, body: { code: "CANCELLED", message: "已取消" } });
	});

	it("shows a job with its progress", async () => {
		const { status, body } = await call("/api/cache/jobs/j7");
		expect(status).toBe(200);
		expect(body.data).toMatchObject({
			id: "j7",
			kind: "CLEANUP",
			status: "RUNNING",
			progress: { phase: "delete", byBackend: [] },
			error: null,
		});
		expect(body.data?.createdAt).toMatch(ISO);
		const { job } = operations;
		operations.job = async () => null;
		expect(await call("/api/cache/jobs/j8")).toMatchObject({ status: 404, body: { code: "NOT_FOUND", message: "任务不存在，或不属于您" } });
		operations.job = job;
	});

	it("tells which layers there are", async () => {
		const { body } = await call("/api/cache/backend-info");
		expect(body).toMatchObject({
			message: "获取缓存后端信息成功",
			data: { system: "file", primary_backend: "file", fallback_enabled: false, mongodb_available: false, redis_available: false },
		});
	});
});

describe("what the facade refuses", () => {
	it.each([
		["GET", "/api/cache/details?page=0", "page", ">= 1"],
		["GET", "/api/cache/details?page=-1", "page", ">= 1"],
		["GET", "/api/cache/details?page=1.5", "page", ">= 1"],
		["GET", "/api/cache/details?page=x", "page", ">= 1"],
		["GET", "/api/cache/details?page=", "page", ">= 1"],
		["GET", "/api/cache/details?page=1e1", "page", ">= 1"],
		["GET", "/api/cache/details?page=1&page=2", "page", ">= 1"],
		["GET", "/api/cache/details?page_size=0", "page_size", "1–100"],
		["GET", "/api/cache/details?page_size=101", "page_size", "1–100"],
		["DELETE", "/api/cache/cleanup?days=0", "days", "1–30"],
		["DELETE", "/api/cache/cleanup?days=31", "days", "1–30"],
		["DELETE", "/api/cache/cleanup?days=-1", "days", "1–30"],
		["DELETE", "/api/cache/cleanup?days=NaN", "days", "1–30"],
	])("%s %s with 422, naming %s and its range", async (method, path, name, range) => {
		const { status, body } = await call(path, { method });
		expect([status, body.code, body.data, body.success]).toEqual([422, "BAD_USER_INPUT", null, false]);
		expect(body.detail).toContain(name);
		expect(body.detail).toContain(range);
		expect(body.message).toBe(body.detail);
	});

	it("asks for a token before it looks at anything else, then for the role, then at the parameters", async () => {
		const viewer = await tokenFor("VIEWER");
		const path = "/api/cache/cleanup?days=99";
		const nobody = await callRest(server.url, path, { method: "DELETE" });
		expect([nobody.status, nobody.body.message, nobody.headers.get("www-authenticate")]).toEqual([401, "未授权", "Bearer"]);
		expect(await callRest(server.url, path, { method: "DELETE", token: viewer })).toMatchObject({
			status: 403,
			body: { message: "权限不足" },
		});
		const stranger = await callRest(server.url, "/api/cache/stats", { token: "not.a.token" });
		expect([stranger.status, stranger.body.detail, stranger.headers.get("www-authenticate")]).toEqual([
			401,
			"未授权",
			'Bearer error="invalid_token"',
		]);
	});

	it.each(["/api/cache", "/api", "/api/other", "/api/docs/nothing"])("%s, where there is nothing, with 404", async (path) => {
		expect(await call(path)).toMatchObject({ status: 404, body: { success: false, code: "NOT_FOUND", message: `${path} 不存在` } });
	});

	it("a wrong method with 405, naming the right ones", async () => {
		const { status, headers, body } = await call("/api/cache/clear", { method: "POST" });
		expect([status, headers.get("allow"), body.code]).toEqual([405, "DELETE", "BAD_USER_INPUT"]);
		expect(body.detail).toBe("/api/cache/clear 只支持 DELETE，不支持 POST");
		for (const { path, method } of REST_ROUTES)
			for (const other of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((one) => one !== method))
				expect((await call(`/api/cache${path}`, { method: other })).status).toBe(405);
	});

	it("an address that is none with 400 in the same envelope", async () => {
		const { status, headers, body } = await call("/api/cache/jobs/%E0%A4%A", { headers: { "x-request-id": "odd" } });
		expect([status, headers.get("x-request-id"), body.success, body.code]).toEqual([400, "odd", false, "BAD_USER_INPUT"]);
	});

	it("nothing of a body that says to be JSON and is empty, or is none of its business", async () => {
		outcome = { status: "SUCCEEDED", ...progressOf(LAYER) };
		expect((await remove("/api/cache/cleanup", { "content-type": "application/json" })).status).toBe(200);
		const response = await fetch(`${server.url}/api/cache/cleanup`, {
			method: "DELETE",
			headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
			body: '{"days":',
		});
		expect(response.status).toBe(200);
	});

	it("to tell why something failed unexpectedly", async () => {
		operations.failNext(new Error("the password is hunter2"));
		const { status, body } = await call("/api/cache/stats", { headers: { "x-request-id": "unexpected" } });
		expect([status, body.message, body.code]).toEqual([500, "内部错误", "INTERNAL"]);
		expect(JSON.stringify(body)).not.toContain("hunter2");
		expect(JSON.stringify(server.log().filter(({ requestId }) => requestId === "unexpected"))).toContain("hunter2");
		operations.failNext(new CachewardenError("CACHE_STATS_FAILED"));
		expect(await call("/api/cache/stats")).toMatchObject({
			status: 500,
			body: { message: "获取缓存统计失败", detail: "获取缓存统计失败" },
		});
	});
});

describe("every answer", () => {
	const paths = [
		"/api/cache/stats",
		"/api/cache/nothing",
		"/api/docs",
		"/api/openapi.json",
		"/graphql",
		"/healthz",
		"/readyz",
		"/playground",
		"/x",
	];

	it.each(paths)("of %s carries a request id: the caller's when it is harmless, else a new one", async (path) => {
		const idOf = async (given?: string): Promise<string | null> =>
			(await fetch(`${server.url}${path}`, { headers: given === undefined ? {} : { "x-request-id": given } })).headers.get("x-request-id");
		expect(await idOf("order-66.a_b")).toBe("order-66.a_b");
		const made = await idOf();
		expect(made).toMatch(/^[0-9a-f-]{36}$/);
		expect(await idOf()).not.toBe(made);
		for (const harmful of ["x".repeat(65), "a b", "<script>", "a;b"]) expect(await idOf(harmful)).toMatch(/^[0-9a-f-]{36}$/);
	});

	it("tells operations where it came from: REST, its request id, and the language", async () => {
		await call("/api/cache/stats", { headers: { "x-request-id": "traced", "user-agent": "axios/1" } });
		const last = operations.calls.at(-1);
		expect(last).toMatchObject({ name: "cacheStats", call: { origin: "REST", requestId: "traced", userAgent: "axios/1", locale: "zh" } });
	});

	it("may be read by pages of configured origins, and no others", async () => {
		const preflight = (origin: string): Promise<Response> =>
			fetch(`${server.url}/api/cache/clear`, {
				method: "OPTIONS",
				headers: { origin, "access-control-request-method": "DELETE", "access-control-request-headers": "authorization" },
			});
		const allowed = await preflight(ALLOWED);
		expect(allowed.status).toBe(204);
		expect(allowed.headers.get("access-control-allow-origin")).toBe(ALLOWED);
		expect(allowed.headers.get("access-control-allow-methods")).toContain("DELETE");
		expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
		const { headers } = await call("/api/cache/nothing", { headers: { origin: ALLOWED } });
		expect(headers.get("access-control-allow-origin")).toBe(ALLOWED);
		expect(headers.get("access-control-expose-headers")).toContain("x-request-id");
	});

	it("comes also to a client that sends its request in pieces", async () => {
		const socket = connect(server.port, server.host);
		for (const piece of ["GET /api/cache/st", `ats HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${admin}\r\n`, "Connection: close\r\n\r\n"])
			await new Promise((sent) => socket.write(piece, sent));
		expect(await text(socket)).toContain("获取缓存统计成功");
	});
});
