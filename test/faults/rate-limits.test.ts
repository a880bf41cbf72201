/** Fault S8: how often somebody may call, whichever way in he takes and whatever he writes into his headers. */
import { once } from "node:events";
import { afterEach, describe, expect, it } from "@jest/globals";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { ask, type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { inMemoryOperations } from "../testkit/in-memory-operations.js";
import { callRest } from "../testkit/rest.js";

const NO_LIMIT = 1_000_000;

let server: ServerUnderTest | undefined;
afterEach(async () => {
	await server?.close();
	server = undefined;
});

async function limited(limits: {
	perUser?: number;
	perAddress?: number;
	local?: boolean;
	trustProxy?: string[];
}): Promise<ServerUnderTest> {
	const { perUser = NO_LIMIT, perAddress = NO_LIMIT, local = true, trustProxy = [] } = limits;
	server = await startServer(inMemoryOperations(), { rateLimits: { perUser, perAddress, local }, trustProxy });
	return server;
}

/** Statuses of so many calls over REST, one after the other. */
async function statuses(url: string, count: number, headersOf: (n: number) => Record<string, string>, token?: string): Promise<number[]> {
	const seen: number[] = [];
	for (let n = 0; n < count; n++)
		seen.push((await callRest(url, "/api/cache/stats", { headers: headersOf(n), ...(token ? { token } : {}) })).status);
	return seen;
}

/** The code of one query's outcome over a socket. */
async function overSocket(url: string, token: string): Promise<string> {
	const client = createClient({
		url: `${url.replace("http", "ws")}/graphql`,
		webSocketImpl: WebSocket,
		retryAttempts: 0,
		connectionParams: { Authorization: `Bearer ${token}` },
	});
	try {
		for await (const result of client.iterate({ query: "{ cacheStats { totalEntries } }" }))
			return String((result.errors?.[0]?.extensions as { code?: string } | undefined)?.code ?? "OK");
		return "nothing";
	} catch (error) {
		const [first] = error as { extensions: { code: string; retryAfterSeconds: number } }[];
		expect(first?.extensions.retryAfterSeconds).toBeGreaterThan(0);
		return String(first?.extensions.code);
	} finally {
		await client.dispose();
	}
}

describe("S8: a limit of calls", () => {
	it("counts one user's calls over GraphQL, REST and WebSocket together, and nobody else's", async () => {
		const { url } = await limited({ perUser: 6 });
		const alice = await tokenFor("ADMIN", "alice");
		const second = await tokenFor("VIEWER", "alice");
		const bob = await tokenFor("VIEWER", "bob");
		for (let round = 0; round < 2; round++) {
			expect((await ask(url, "{ cacheStats { totalEntries } }", { token: alice })).status).toBe(200);
			expect((await callRest(url, "/api/cache/stats", { token: second })).status).toBe(200);
			expect(await overSocket(url, alice)).toBe("OK");
		}
		const rest = await callRest(url, "/api/cache/stats", { token: alice });
		expect([rest.status, rest.body.code, rest.body.success]).toEqual([429, "RATE_LIMITED", false]);
		const wait = Number(rest.headers.get("retry-after"));
		expect(wait).toBeGreaterThan(0);
		expect(wait).toBeLessThanOrEqual(60);
		expect(rest.body.detail).toBe(`请求过于频繁，请在 ${wait} 秒后重试`);
		const graphql = await ask(url, "{ cacheStats { totalEntries } }", { token: second });
		expect([graphql.status, graphql.body.errors?.[0]?.extensions.code]).toEqual([429, "RATE_LIMITED"]);
		expect(Number(graphql.headers.get("retry-after"))).toBeGreaterThan(0);
		expect(graphql.body.errors?.[0]?.extensions).toMatchObject({ http: { status: 429 }, retryAfterSeconds: expect.any(Number) });
		expect(await overSocket(url, alice)).toBe("RATE_LIMITED");
		expect((await callRest(url, "/api/cache/stats", { token: bob })).status).toBe(200);
		expect(await overSocket(url, bob)).toBe("OK");
	});

	it("counts an address also without a valid token, so that tokens cannot be guessed", async () => {
		const { url } = await limited({ perAddress: 4 });
		expect(await statuses(url, 3, () => ({ authorization: "Bearer a.b.c" }))).toEqual([401, 401, 401]);
		expect(await statuses(url, 3, () => ({}))).toEqual([401, 429, 429]);
		expect((await callRest(url, "/api/cache/stats", { token: await tokenFor("ADMIN") })).status).toBe(429);
		const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
		const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number; headers: Record<string, string> }];
		expect(response.statusCode).toBe(429);
		expect(Number(response.headers["retry-after"])).toBeGreaterThan(0);
	});

	it("is not escaped by a forged X-Forwarded-For, whatever form it has", async () => {
		const { url } = await limited({ perAddress: 3 });
		const forged = (n: number): Record<string, string> => ({
			"x-forwarded-for": `203.0.113.${n}, 10.0.0.1`,
			forwarded: `for=203.0.113.${n}`,
			"x-real-ip": `203.0.113.${n}`,
			"x-client-ip": `203.0.113.${n}`,
		});
		expect(await statuses(url, 6, forged)).toEqual([401, 401, 401, 429, 429, 429]);
	});

	it("is each caller's own behind a proxy that is trusted, which is believed in what it adds and in nothing before it", async () => {
		const { url, log } = await limited({ perAddress: 2, trustProxy: ["loopback"] });
		const through = (client: string) => (): Record<string, string> => ({ "x-forwarded-for": client });
		expect(await statuses(url, 3, through("203.0.113.1"))).toEqual([401, 401, 429]);
		expect(await statuses(url, 1, through("203.0.113.2"))).toEqual([401]);
		// What the client itself wrote stands before what the proxy adds.
		expect(await statuses(url, 1, through("203.0.113.77, 203.0.113.1"))).toEqual([429]);
		expect(log().at(-1)).toMatchObject({ ip: "203.0.113.1", status: 429 });
		// A network of IPv6 is one caller.
		expect(await statuses(url, 3, (n) => ({ "x-forwarded-for": `2001:db8:0:7::${n}` }))).toEqual([401, 401, 429]);
		expect(await statuses(url, 1, through("2001:db8:0:8::1"))).toEqual([401]);
		// What is no address is nobody's.
		expect(await statuses(url, 3, (n) => ({ "x-forwarded-for": `nonsense-${n}` }))).toEqual([401, 401, 429]);
	});

	it("leaves those on the server's own machine alone unless told otherwise, but nobody who only says so", async () => {
		const { url } = await limited({ perUser: 1, perAddress: 2, local: false });
		const token = await tokenFor("VIEWER");
		expect(await statuses(url, 4, () => ({}), token)).toEqual([200, 200, 200, 200]);
		expect(await statuses(url, 3, () => ({ "x-forwarded-for": "127.0.0.1" }), token)).toEqual([200, 429, 429]);
	});

	it("does not count probes", async () => {
		const { url } = await limited({ perAddress: 1 });
		for (let n = 0; n < 5; n++) for (const path of ["/healthz", "/readyz", "/metrics"]) expect((await fetch(url + path)).status).toBe(200);
	});
});
