/** Fault S7, and what the server is besides GraphQL: probes, metrics, headers, shutting down. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ask, type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { inMemoryOperations, makeJob } from "../testkit/in-memory-operations.js";

/** Sends bytes as they are; resolves with everything that came back when the server ends the connection. */
async function exchange(server: ServerUnderTest, ...chunks: readonly string[]): Promise<string> {
	const socket = connect(server.port, server.host);
	await once(socket, "connect");
	for (const chunk of chunks) socket.write(chunk);
	return await untilEnd(socket);
}

async function untilEnd(socket: Socket): Promise<string> {
	let received = "";
	socket.setEncoding("utf8").on("data", (chunk) => {
		received += chunk;
	});
	socket.on("error", () => socket.destroy());
	await once(socket, "close");
	return received;
}

function statusOf(answer: string): number {
	return Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
}

const READY = { ready: true, layers: [{ id: "b1", kind: "FILE", available: true }] } as const;

describe("an HTTP server", () => {
	let server: ServerUnderTest;
	let ready: { readonly ready: boolean; readonly layers: typeof READY.layers } = READY;
	const allowed = "https://console.example";

	beforeAll(async () => {
		server = await startServer(inMemoryOperations(), {
			timing: { requestMs: 400, headersMs: 300, checkMs: 50 },
			corsOrigins: [allowed],
			readiness: async () => ready,
		});
	});
	afterAll(() => server.close());

	it("S7: ends a request whose body does not come with 408", async () => {
		const head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
		expect(statusOf(await exchange(server, head, '{"query"'))).toBe(408);
	});

	it("S7: ends a request whose headers do not come with 408", async () => {
		expect(statusOf(await exchange(server, "POST /graphql HTTP/1.1\r\nHost: loc"))).toBe(408);
	});

	it("S7: refuses 20 KB of headers with 431", async () => {
		const head = `GET /graphql HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(20_480)}\r\n\r\n`;
		expect(statusOf(await exchange(server, head))).toBe(431);
	});

	it("S7: refuses a body of 2 MB with 413", async () => {
		const { status, body } = await ask(server.url, `{ viewer { id } } #${"x".repeat(2 << 20)}`);
		expect([status, body.errors?.[0]?.extensions.code]).toEqual([413, "BAD_USER_INPUT"]);
	});

	it.each([
		'{"query":"{ __typename }","__proto__":{"admin":true}}',
		'{"query":"{ __typename }","constructor":{"prototype":{"admin":true}}}',
		"{",
	])("S7: refuses %s with 400", async (body) => {
		const response = await fetch(`${server.url}/graphql`, { method: "POST", headers: { "content-type": "application/json" }, body });
		expect(response.status).toBe(400);
		expect(Object.hasOwn(Object.prototype, "admin")).toBe(false);
	});

	it("survives a request line and a host that are no address", async () => {
		await exchange(server, "GET http:// HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n");
		await exchange(server, "GET // HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
		expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
	});

	it("refuses a bad token before it reads the body", async () => {
		const { status, headers, body } = await ask(server.url, "{ viewer { id } }", { token: "nonsense" });
		expect([status, headers.get("www-authenticate")]).toEqual([401, 'Bearer error="invalid_token"']);
		expect(body.errors?.[0]?.extensions.code).toBe("UNAUTHENTICATED");
	});

	it("tells probes whether it lives and which layers are ready, and nothing else", async () => {
		const health = await fetch(`${server.url}/healthz`);
		expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
		ready = { ready: false, layers: [{ id: "b1", kind: "FILE", available: true }] };
		const readiness = await fetch(`${server.url}/readyz`);
		expect([readiness.status, await readiness.json()]).toEqual([
			503,
			{ ready: false, backends: [{ id: "b1", kind: "FILE", available: true }] },
		]);
		ready = READY;
	});

	it("counts requests by operation, and what jobs removed by layer, for Prometheus", async () => {
		const token = await tokenFor("VIEWER");
		await ask(server.url, "query Mine { cacheStats { totalEntries } }", { token });
		const layer = {
			backend: "FILE",
			status: "RUNNING",
			total: 10,
			freedBytes: 0,
			failedEntries: 0,
			skippedEntries: 0,
			error: null,
		} as const;
		const job = makeJob("j9");
		const states = [0, 4, 10].map((deletedEntries) => ({ ...job, progress: { ...job.progress, layers: [{ ...layer, deletedEntries }] } }));
		for (const state of states) server.jobChanged(state);
		const metrics = await (await fetch(`${server.url}/metrics`)).text();
		expect(metrics).toMatch(/cachewarden_request_duration_seconds_count\{operation="cacheStats",status="200"\} 1\n/);
		expect(metrics).toContain('cachewarden_deleted_entries_total{kind="CLEANUP",backend="FILE"} 10\n');
		expect(metrics).toMatch(/nodejs_eventloop_lag_p99_seconds [\d.]+\n/);
		expect(metrics).not.toContain("Mine");
	});

	it("lets pages of configured origins read its answers, and no others", async () => {
		const preflight = (origin: string) =>
			fetch(`${server.url}/graphql`, {
				method: "OPTIONS",
				headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type" },
			});
		expect((await preflight(allowed)).headers.get("access-control-allow-origin")).toBe(allowed);
		expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
	});

	it("answers what is not there in one form, with a policy that lets nothing run", async () => {
		const response = await fetch(`${server.url}/nothing?token=secret`, { headers: { "accept-language": "zh" } });
		expect(response.status).toBe(404);
		expect(await response.json()).toMatchObject({ code: "NOT_FOUND", message: "/nothing 不存在" });
		expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
		expect(JSON.stringify(server.log().at(-1))).not.toContain("secret");
	});
});

describe("shutting down", () => {
	it("lets a request that runs end, refuses new ones, and does not wait for idle connections", async () => {
		const operations = inMemoryOperations();
		let release: () => void = () => undefined;
		const released = new Promise<void>((resolve) => {
			release = resolve;
		});
		let entered: () => void = () => undefined;
		const running = new Promise<void>((resolve) => {
			entered = resolve;
		});
		const { viewer } = operations;
		operations.viewer = async (call) => {
			entered();
			await released;
			return await viewer(call);
		};
		const server = await startServer(operations);
		const idle = connect(server.port, server.host);
		await once(idle, "connect");
		const answer = ask(server.url, "{ viewer { id } }", { token: await tokenFor("VIEWER") });
		await running;
		const closed = server.close(5_000);
		release();
		expect((await answer).body.data).toEqual({ viewer: { id: "viewer" } });
		await closed;
		await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
		idle.destroy();
	});

	it("cuts off who has not ended after the grace", async () => {
		const server = await startServer(inMemoryOperations());
		const slow = connect(server.port, server.host);
		await once(slow, "connect");
		slow.write("POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
		const ended = untilEnd(slow);
		const before = performance.now();
		await server.close(300);
		expect(performance.now() - before).toBeLessThan(2_000);
		await ended;
	});
});
