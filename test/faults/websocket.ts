/** Faults W1, W2, W10, W12 and W13, over a real server and real sockets, whatever the live streams come from. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { WebSocket } from "ws";
import { aliasBomb, costBomb, deepQuery, tokenBomb } from "../testkit/bombs.js";
import { eventually } from "../testkit/eventually.js";
import { type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import type { InMemoryOperations } from "../testkit/in-memory-operations.js";
import { RawSocket } from "../testkit/raw-socket.js";

export interface LiveSource {
	readonly operations: Pick<InMemoryOperations, "calls"> & Parameters<typeof startServer>[0];
	/** The next entry comes into the log. */
	append(): Promise<void>;
	/** Streams that listen to the log. */
	listeners(): number;
	close(): Promise<void>;
}

const AUDIT = "subscription { auditLogAdded { node { sequence } } }";
/** Equal to it for nobody: it is executed for itself. */
const OWN_AUDIT = "subscription Own { auditLogAdded { node { sequence action } } }";
const ALLOWED = "https://console.example";
const SOAK = process.env.SOAK === "1";

export function webSocketFaults(name: string, open: () => Promise<LiveSource>): void {
	describe(`sockets, ${name}`, () => {
		let source: LiveSource;
		let server: ServerUnderTest;
		let admin: string;
		/** Follows the log through everything. */
		let follower: RawSocket;
		let appended = 0;
		const opened: RawSocket[] = [];

		beforeAll(async () => {
			source = await open();
			server = await startServer(source.operations, { corsOrigins: [ALLOWED] });
			admin = await tokenFor("ADMIN");
			follower = await RawSocket.connect(server.url, admin);
			follower.subscribe("1", AUDIT);
			await subscribed(0);
		});
		beforeEach(() => {
			source.operations.calls.length = 0;
		});
		afterEach(async () => {
			for (const socket of opened.splice(0)) socket.end();
			await subscribed(0);
			expect(source.listeners()).toBe(1);
			await source.append();
			appended++;
			// Nothing that was done to the server costs the others an entry.
			await eventually(() => expect(follower.messages.flatMap(sequenceIn)).toEqual(Array.from({ length: appended }, (_, i) => i + 1)), {
				withinMs: 5_000,
				everyMs: 5,
			});
		});
		afterAll(async () => {
			follower.end();
			await server.close();
			await source.close();
		});

		async function connect(headers: Record<string, string> = {}): Promise<RawSocket> {
			const socket = await RawSocket.connect(server.url, admin, headers);
			opened.push(socket);
			return socket;
		}

		/** Resolves when that many subscriptions to the audit log run besides the follower's. */
		async function subscribed(count: number): Promise<void> {
			await eventually(
				async () => {
					const metrics = await (await fetch(`${server.url}/metrics`)).text();
					expect(metrics).toMatch(new RegExp(`^cachewarden_subscribers\\{operation="auditLogAdded"\\} ${count + 1}$`, "m"));
				},
				{ withinMs: 5_000, everyMs: 5 },
			);
		}

		it("W1: closes one that says nothing with 4408 in 3 s", async () => {
			const socket = await RawSocket.open(server.url);
			const before = performance.now();
			expect(await socket.untilClosed()).toMatchObject({ code: 4408 });
			expect(performance.now() - before).toBeLessThan(3_500);
		});

		it.each([
			["a bad token", { type: "connection_init", payload: { Authorization: "Bearer nonsense" } }],
			["a token that is no bearer's", { type: "connection_init", payload: { Authorization: "Basic YTpi" } }],
			["no token", { type: "connection_init" }],
			["a token that is no text", { type: "connection_init", payload: { Authorization: { length: 3 } } }],
		])("W2: closes one with %s with 4403, and leaves no listener", async (_what, message) => {
			const socket = await RawSocket.open(server.url);
			socket.send(message);
			socket.subscribe("1", OWN_AUDIT);
			expect(await socket.untilClosed()).toMatchObject({ code: 4403 });
			expect(source.listeners()).toBe(1);
			expect(source.operations.calls).toEqual([]);
		});

		it.each([
			["depth 50", deepQuery(50)],
			["600 aliases", aliasBomb(600)],
			["a document of 100,000 tokens", tokenBomb(100_000)],
			["pages within pages", costBomb()],
		])("W10: %s is refused before anything runs", async (_name, query) => {
			const socket = await connect();
			socket.subscribe("1", query);
			expect(await socket.until(({ id }) => id === "1")).toMatchObject({
				type: "error",
				payload: [{ extensions: { code: "TOO_COMPLEX" } }],
			});
			expect(source.operations.calls).toEqual([]);
		});

		it("W12: closes with 1009 for a frame of 20 MB", async () => {
			const socket = await connect();
			socket.subscribe("1", `{ viewer { id } } #${"x".repeat(20 << 20)}`);
			expect(await socket.untilClosed()).toMatchObject({ code: 1009 });
		});

		it("W12: lets one connection run a hundred of thousands of subscriptions", async () => {
			const socket = await connect();
			const asked = SOAK ? 10_000 : 2_000;
			for (let n = 0; n < asked; n++) socket.subscribe(String(n), AUDIT);
			await eventually(() => expect(socket.messages.filter(({ type }) => type === "error")).toHaveLength(asked - 100), {
				withinMs: 20_000,
			});
			await subscribed(100);
			expect(socket.messages.at(-1)).toMatchObject({ type: "error", payload: [{ extensions: { code: "RATE_LIMITED" } }] });
		});

		it("W12: closes with 4409 for an id that is in use", async () => {
			const socket = await connect();
			socket.subscribe("1", OWN_AUDIT);
			socket.subscribe("1", OWN_AUDIT);
			expect(await socket.untilClosed()).toMatchObject({ code: 4409 });
			await eventually(() => expect(source.listeners()).toBe(1), { withinMs: 2_000 });
		});

		it.each([
			["https://evil.example", 403],
			["null", 403],
			["", 403],
		])("W13: refuses the upgrade for a page of %j with %d", async (origin, status) => {
			const socket = new WebSocket(`${server.url.replace("http", "ws")}/graphql`, "graphql-transport-ws", { headers: { origin } });
			const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
			expect(response.statusCode).toBe(status);
			socket.on("error", () => undefined).terminate();
		});

		it("W13: lets pages of its own and of configured origins in", async () => {
			await connect({ origin: server.url });
			await connect({ origin: ALLOWED });
		});
	});
}

function sequenceIn({ type, payload }: RawSocket["messages"][number]): number[] {
	if (type !== "next") return [];
	const { data } = payload as { readonly data: { readonly auditLogAdded: { readonly node: { readonly sequence: number } } } };
	return [data.auditLogAdded.node.sequence];
}
