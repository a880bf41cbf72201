/** Faults of the transports on the built program, as a process of its own over a real cache. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { UnsecuredJWT } from "jose";
import { aliasBomb, costBomb, deepQuery } from "../testkit/bombs.js";
import { eventually } from "../testkit/eventually.js";
import { RawSocket } from "../testkit/raw-socket.js";
import { startServer, type TestServer, testToken } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

const SOAK = process.env.SOAK === "1";
const SUBSCRIPTIONS = [
	"subscription { auditLogAdded { cursor } }",
	"subscription { cacheStatsChanged { totalEntries } }",
	"subscription { cleanupProgress { jobId sequence } }",
	"subscription { jobProgress(kinds: [DELETE]) { jobId sequence } }",
];

describe("the program, served", () => {
	let server: TestServer;
	let admin: string;

	beforeEach(async () => {
		const root = temporaryFolder();
		mkdirSync(join(root, "notes"));
		for (let n = 0; n < 10; n++) writeFileSync(join(root, "notes", `n${n}.txt`), `note ${n}`);
		server = await startServer({ CACHE_DIR: root, CACHE_LAYOUT: "plain", DATA_DIR: temporaryFolder() });
		admin = await testToken("ADMIN");
	});
	afterEach(() => server.stop());

	const post = (body: unknown, headers: Record<string, string> = {}) =>
		fetch(`${server.url}/graphql`, {
			method: "POST",
			headers: { "content-type": "application/json", ...headers },
			body: typeof body === "string" ? body : JSON.stringify(body),
		});

	async function metric(name: string): Promise<number> {
		const text = await (await fetch(`${server.url}/metrics`)).text();
		const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))];
		return values.reduce((sum, [, value]) => sum + Number(value), 0);
	}

	it("S2 to S5: refuses bombs, forged requests, strangers' introspection and unsigned tokens", async () => {
		for (const query of [deepQuery(50), aliasBomb(1_000), costBomb()]) {
			const answer = await post({ query }, { authorization: `Bearer ${admin}` });
			expect([answer.status, await answer.json()]).toEqual([
				400,
				{ errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: "TOO_COMPLEX" }) })] },
			]);
		}
		expect((await post("{}", { "content-type": "text/plain" })).status).toBe(400);
		const introspection = { query: "{ __schema { queryType { name } } }" };
		expect((await post(introspection, { "x-forwarded-for": "203.0.113.9" })).status).toBe(401);
		expect((await post(introspection)).status).toBe(200);
		const unsigned = new UnsecuredJWT({ roles: ["ADMIN"] }).setSubject("eve").setExpirationTime("1h").encode();
		expect((await post({ query: "{ viewer { id } }" }, { authorization: `Bearer ${unsigned}` })).status).toBe(401);
	});

	it("W6: thousands of subscriptions that come and go leave nothing behind", async () => {
		const socket = await RawSocket.connect(server.url, admin);
		const rounds = SOAK ? 2_500 : 250;
		const heap: number[] = [];
		for (let round = 0; round < rounds; round++) {
			for (const [index, query] of SUBSCRIPTIONS.entries()) socket.subscribe(`${round}-${index}`, query);
			for (const index of SUBSCRIPTIONS.keys()) socket.complete(`${round}-${index}`);
			if (round % 25 !== 24) continue;
			socket.subscribe(`q${round}`, "{ viewer { id } }");
			await socket.until(({ id, type }) => id === `q${round}` && type === "complete");
			heap.push(await metric("nodejs_heap_size_used_bytes"));
		}
		await eventually(async () => expect(await metric("cachewarden_subscribers")).toBe(0), { withinMs: 5_000 });
		expect(Math.min(...heap.slice(-3)) - Math.min(...heap.slice(0, 3))).toBeLessThan(20e6);
		expect(socket.closed).toBeNull();
		socket.end();
	});

	it("W9: ends within 10 s of SIGTERM although one client is dead, and tells the others with 1001", async () => {
		const [alive, dead] = [await RawSocket.connect(server.url, admin), await RawSocket.connect(server.url, admin)];
		for (const socket of [alive, dead]) for (const [index, query] of SUBSCRIPTIONS.entries()) socket.subscribe(String(index), query);
		await eventually(async () => expect(await metric("cachewarden_subscribers")).toBe(2 * SUBSCRIPTIONS.length), { withinMs: 5_000 });
		dead.socket.pause();
		const before = performance.now();
		const exit = await server.stop("SIGTERM");
		expect(performance.now() - before).toBeLessThan(10_000);
		expect(exit).toBe(0);
		expect(await alive.untilClosed()).toMatchObject({ code: 1001 });
		dead.end();
	});
});
