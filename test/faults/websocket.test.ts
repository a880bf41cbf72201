/** Faults W3, W5, W6 and W9, over a real server and real sockets, and the others over a source in memory. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { getIntrospectionQuery } from "graphql";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { eventually } from "../testkit/eventually.js";
import { type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { type InMemoryOperations, inMemoryOperations, makeAuditItem, makeJob } from "../testkit/in-memory-operations.js";
import { RawSocket } from "../testkit/raw-socket.js";
import { webSocketFaults } from "./websocket.js";

const AUDIT = "subscription { auditLogAdded { cursor node { id sequence details } } }";
const SOAK = process.env.SOAK === "1";

interface Refusal {
	readonly message: string;
	readonly extensions: { readonly requestId: string };
}

let operations: InMemoryOperations;
let server: ServerUnderTest;
let admin: string;
const opened: RawSocket[] = [];

beforeAll(async () => {
	operations = inMemoryOperations();
	server = await startServer(operations);
	admin = await tokenFor("ADMIN");
});
beforeEach(() => {
	operations.calls.length = 0;
});
afterEach(async () => {
	for (const socket of opened.splice(0)) socket.end();
	await eventually(() => expect(operations.audit.subscribers).toBe(0), { withinMs: 2_000 });
});
afterAll(() => server.close());

async function connect(token = admin, headers: Record<string, string> = {}): Promise<RawSocket> {
	const socket = await RawSocket.connect(server.url, token, headers);
	opened.push(socket);
	return socket;
}

/** Resolves when that many subscriptions to the audit log run; without any, nothing listens to their source either. */
async function subscribed(count: number, { url }: ServerUnderTest = server, { audit }: InMemoryOperations = operations): Promise<void> {
	await eventually(
		async () => {
			const metrics = await (await fetch(`${url}/metrics`)).text();
			const found = /^cachewarden_subscribers\{operation="auditLogAdded"\} (\d+)$/m.exec(metrics);
			expect([Number(found?.[1] ?? 0), audit.subscribers > 0]).toEqual([count, count > 0]);
		},
		{ withinMs: 5_000, everyMs: 5 },
	);
}

webSocketFaults("over a source in memory", async () => {
	const own = inMemoryOperations();
	let sequence = 0;
	return {
		operations: own,
		append: async () => own.audit.publish(makeAuditItem(++sequence)),
		listeners: () => own.audit.subscribers,
		close: async () => undefined,
	};
});

describe("opening a socket", () => {
	it("closes one that subscribes before it has said who it is", async () => {
		const socket = await RawSocket.open(server.url);
		socket.subscribe("1", AUDIT);
		expect(await socket.untilClosed()).toMatchObject({ code: 4401 });
	});

	it("takes a token under either spelling, or from the upgrade's header", async () => {
		const lower = await RawSocket.open(server.url);
		lower.send({ type: "connection_init", payload: { authorization: `Bearer ${admin}` } });
		await lower.until(({ type }) => type === "connection_ack");
		const header = await RawSocket.open(server.url, { authorization: `Bearer ${admin}` });
		header.send({ type: "connection_init" });
		await header.until(({ type }) => type === "connection_ack");
		opened.push(lower, header);
	});

	it("answers an upgrade to anything else with 404", async () => {
		const socket = new WebSocket(`${server.url.replace("http", "ws")}/other`);
		const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
		expect(response.statusCode).toBe(404);
		socket.on("error", () => undefined).terminate();
	});
});

describe("a token that ends", () => {
	it("W3: closes the socket with 4403 mid-stream; the client comes back with a new one by itself", async () => {
		const tokens = [await tokenFor("ADMIN", "admin", 2), await tokenFor("ADMIN", "admin", 60)];
		const closes: number[] = [];
		const client = createClient({
			url: `${server.url.replace("http", "ws")}/graphql`,
			webSocketImpl: WebSocket,
			connectionParams: () => ({ Authorization: `Bearer ${tokens.shift()}` }),
			retryWait: async () => undefined,
			shouldRetry: () => true,
			on: { closed: (event) => closes.push((event as { code: number }).code) },
		});
		const sequences: unknown[] = [];
		const done = client.subscribe<{ auditLogAdded: { node: { sequence: number } } }>(
			{ query: AUDIT },
			{ next: ({ data }) => sequences.push(data?.auditLogAdded.node.sequence), error: () => undefined, complete: () => undefined },
		);
		await subscribed(1);
		operations.audit.publish(makeAuditItem(1));
		await eventually(() => expect(closes).toEqual([4403]), { withinMs: 4_000 });
		await subscribed(1);
		operations.audit.publish(makeAuditItem(2));
		await eventually(() => expect(sequences).toEqual([1, 2]), { withinMs: 2_000 });
		done();
		await client.dispose();
	});
});

describe("the same rules as over HTTP", () => {
	it("keeps the schema from strangers, in full and in suggestions", async () => {
		const stranger = await connect(await tokenFor("VIEWER"), { "x-forwarded-for": "203.0.113.9" });
		stranger.subscribe("1", getIntrospectionQuery());
		stranger.subscribe("2", "{ cacheStat { totalEntries } }");
		expect(await stranger.until(({ id }) => id === "1")).toMatchObject({ type: "error", payload: [{ extensions: { code: "FORBIDDEN" } }] });
		const typo = await stranger.until(({ id }) => id === "2");
		expect(typo).toMatchObject({ type: "error", payload: [{ extensions: { code: "BAD_USER_INPUT" } }] });
		expect(JSON.stringify(typo)).not.toContain("Did you mean");
	});

	it("does not give one caller what another may read of the same mistake", async () => {
		const stranger = await connect(await tokenFor("VIEWER"), { "x-forwarded-for": "203.0.113.9", "x-request-id": "stranger" });
		const known = await connect(admin, { "x-request-id": "known" });
		for (let n = 0; n < 50; n++) for (const socket of [stranger, known]) socket.subscribe(String(n), "{ viewr { id } }");
		const answers = async (socket: RawSocket) => {
			await socket.until(({ id }) => id === "49");
			return socket.messages.flatMap(({ payload }) => (Array.isArray(payload) ? payload : []) as Refusal[]);
		};
		for (const { message, extensions } of await answers(stranger)) {
			expect(message).not.toContain("Did you mean");
			expect(extensions.requestId).toMatch(/^stranger\./);
		}
		for (const { message, extensions } of await answers(known)) {
			expect(message).toContain("Did you mean");
			expect(extensions.requestId).toMatch(/^known\./);
		}
	});

	it("masks what fails unexpectedly, in a query and in a stream, and logs it under the id", async () => {
		const socket = await connect(admin, { "x-request-id": "socket-7" });
		operations.failNext(new Error("password hunter2"));
		socket.subscribe("1", "{ cacheStats { totalEntries } }");
		expect(await socket.until(({ id }) => id === "1")).toMatchObject({
			type: "next",
			payload: {
				errors: [{ message: "Internal error", extensions: { code: "INTERNAL", requestId: "socket-7.1" } }],
				data: { cacheStats: null },
			},
		});
		expect(JSON.stringify(socket.messages)).not.toContain("hunter2");
		expect(JSON.stringify(server.log().filter(({ requestId }) => requestId === "socket-7.1"))).toContain("hunter2");
	});

	it("refuses what the role does not allow, and answers queries with their cost", async () => {
		const socket = await connect(await tokenFor("VIEWER"));
		socket.subscribe("1", "mutation { clear(input: { confirm: true }) { job { id } } }");
		socket.subscribe("2", "{ viewer { id } }");
		expect(await socket.until(({ id }) => id === "1")).toMatchObject({ payload: { errors: [{ extensions: { code: "FORBIDDEN" } }] } });
		expect(await socket.until(({ id }) => id === "2")).toMatchObject({
			payload: { data: { viewer: { id: "viewer" } }, extensions: { cost: 2 } },
		});
	});

	it("logs one line an operation when it ends", async () => {
		const socket = await connect(admin, { "x-request-id": "socket-8" });
		socket.subscribe("1", `subscription Follow ${AUDIT.slice("subscription".length)}`);
		await subscribed(1);
		socket.complete("1");
		const lines = await eventually(
			() => {
				const found = server.log().filter(({ requestId }) => requestId === "socket-8.1");
				expect(found).toHaveLength(1);
				return found;
			},
			{ withinMs: 1_000 },
		);
		expect(lines).toEqual([expect.objectContaining({ msg: "request", user: "admin", operation: "Follow", status: "OK" })]);
	});
});

describe("subscriptions", () => {
	it("complete with their source, stop at complete, and leave nothing behind", async () => {
		const socket = await connect();
		socket.subscribe("1", AUDIT);
		socket.subscribe("2", 'subscription { jobProgress(jobId: "j1") { jobId sequence percent } }');
		await subscribed(1);
		operations.audit.publish(makeAuditItem(1));
		operations.jobStates.publish(makeJob("j1"));
		expect(await socket.until(({ id }) => id === "1")).toEqual({
			id: "1",
			type: "next",
			payload: { data: { auditLogAdded: { cursor: "c1", node: { id: "a1", sequence: 1, details: { text: "" } } } } },
		});
		await socket.until(({ id, type }) => id === "2" && type === "next");
		socket.complete("1");
		await subscribed(0);
		socket.end();
		await eventually(() => expect(operations.jobStates.subscribers).toBe(0), { withinMs: 1_000 });
	});

	it("W6: thousands of subscribe and complete cycles leave no listener and a flat heap", async () => {
		const socket = await connect();
		const cycles = SOAK ? 10_000 : 2_000;
		const run = async (from: number, to: number) => {
			for (let n = from; n < to; n++) {
				socket.subscribe(String(n), AUDIT);
				socket.complete(String(n));
				if (n % 50 === 49)
					await eventually(() => expect([operations.calls.length, operations.audit.subscribers]).toEqual([n + 1, 0]), {
						withinMs: 5_000,
						everyMs: 1,
					});
			}
			await subscribed(0);
			globalThis.gc?.();
			return process.memoryUsage().heapUsed;
		};
		const before = await run(0, cycles / 2);
		const after = await run(cycles / 2, cycles);
		expect(after - before).toBeLessThan(20e6);
	});

	it("a client that falls behind is not sent job states that a later one has superseded", async () => {
		const socket = await connect();
		socket.subscribe("1", 'subscription { jobProgress(jobId: "j1") { sequence steps { name } } }');
		await eventually(() => expect(operations.jobStates.subscribers).toBe(1), { withinMs: 2_000 });
		socket.socket.pause();
		const steps = [{ name: "x".repeat(65_536), status: "RUNNING", durationMs: null, error: null }] as const;
		const job = makeJob("j1");
		for (let sequence = 1; sequence <= 500; sequence++) {
			operations.jobStates.publish(makeJob("j1", { progress: { ...job.progress, sequence, steps } }));
			if (sequence % 10 === 0) await new Promise((turn) => setImmediate(turn));
		}
		expect(socket.closed).toBeNull();
		socket.socket.resume();
		await socket.until(({ payload }) => JSON.stringify(payload ?? null).includes('"sequence":500'), 10_000);
		expect(socket.messages.length).toBeLessThan(400);
		expect(socket.closed).toBeNull();
	});

	it("W5: a client that stops reading is closed, and only that one", async () => {
		const [slow, brisk] = [await connect(), await connect()];
		for (const socket of [slow, brisk]) socket.subscribe("1", AUDIT);
		await subscribed(2);
		slow.socket.pause();
		const text = "x".repeat(32_768);
		const events = SOAK ? 6_000 : 400;
		// It reads on as soon as it has been given up, so that the reason reaches it before the socket is cut.
		const tooSlow = (): void => expect(server.log().some(({ status }) => status === "TOO_SLOW")).toBe(true);
		const resumed = eventually(tooSlow, { withinMs: SOAK ? 600_000 : 50_000 }).then(() => slow.socket.resume());
		for (let sequence = 1; sequence <= events; sequence++) {
			operations.audit.publish(makeAuditItem(sequence, text));
			if (sequence % 10 === 0) await brisk.until(({ payload }) => JSON.stringify(payload ?? null).includes(`"sequence":${sequence},`));
		}
		await resumed;
		expect(await slow.untilClosed(10_000)).toMatchObject({ code: 1013 });
		expect(slow.messages.length).toBeLessThan(events);
		expect([brisk.closed, brisk.messages.length]).toEqual([null, events + 1]);
	});
});

describe("shutting down", () => {
	it("W9: tells readers with 1001, and a client that is dead does not hold it up", async () => {
		const own = inMemoryOperations();
		const ending = await startServer(own);
		const [alive, dead] = [await RawSocket.connect(ending.url, admin), await RawSocket.connect(ending.url, admin)];
		for (const socket of [alive, dead]) socket.subscribe("1", AUDIT);
		await subscribed(2, ending, own);
		dead.socket.pause();
		const before = performance.now();
		await ending.close(500);
		expect(performance.now() - before).toBeLessThan(2_000);
		expect(await alive.untilClosed()).toMatchObject({ code: 1001 });
		expect(own.audit.subscribers).toBe(0);
		dead.end();
	});
});
