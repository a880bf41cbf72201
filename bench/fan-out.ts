/**
 * Deliveries a second to the subscribers of the audit log, side by side: the server (a token each, four filters, limits and policy
 * on), graphql-ws as it comes over the same schema and streams, and raw ws with one string for all. Each is a process of its own,
 * and so are the clients, which count frames and look into none.
 *
 * Usage: fan-out.ts [SUBSCRIBERS=1000] [ROUNDS=5] [DELIVERIES=100000]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { on, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { useServer } from "graphql-ws/use/ws";
import { pino } from "pino";
import { WebSocket, WebSocketServer } from "ws";
import type { AuditEntry } from "../src/audit/port.js";
import { openAuthenticator } from "../src/auth/authenticator.js";
import { systemClock } from "../src/core/clock.js";
import { createHttpServer } from "../src/http/server.js";
import { openLive } from "../src/live/live.js";
import type { AuditItem, Operations } from "../src/operations/operations.js";
import { buildApiSchema } from "../src/schema/build.js";
import { AUTH, LIMITS, SECRET, tokenFor, UNLIMITED } from "../test/testkit/http-server.js";
import { inMemoryOperations, makeAuditItem } from "../test/testkit/in-memory-operations.js";

const QUERY = `subscription Follow($filter: AuditLogFilter) { auditLogAdded(filter: $filter) {
	cursor node { id sequence timestamp username action success errorMessage jobId details } } }`;
/** All let every entry of the bench through, and each is another subscription. */
const FILTERS = [{}, { success: true }, { actionTypes: ["cache_operation"] }, { userId: "alice" }];
const SERVERS = ["graphql-ws", "ours", "raw ws"] as const;
type ServerName = (typeof SERVERS)[number];

const listeners = new Set<(item: AuditItem) => void>();

/** The real live streams over entries that the bench appends. */
function operationsOf(): Operations {
	const live = openLive({
		jobs: { get: async () => null, onChange: () => () => undefined },
		audit: {
			readAfter: async () => [],
			onAppended(listener) {
				listeners.add(listener);
				return () => listeners.delete(listener);
			},
		},
		backends: () => () => undefined,
		onStatsChanged: () => () => undefined,
		maxWaiting: 100_000,
	});
	const matches =
		({ success, userId, actionTypes }: Readonly<Record<string, unknown>>) =>
		(entry: AuditEntry) =>
			(success === undefined || entry.success === success) &&
			(userId === undefined || entry.userId === userId) &&
			(actionTypes === undefined || (actionTypes as string[]).includes(entry.actionType));
	return { ...inMemoryOperations(), auditLogAdded: async (_call, after, filter) => live.audit(after, matches({ ...filter })) };
}

async function serveOurs(): Promise<string> {
	const logger = pino({ level: "warn" });
	const server = await createHttpServer({
		config: { host: "127.0.0.1", port: 0, corsOrigins: [], trustProxy: [], rateLimits: UNLIMITED, limits: LIMITS },
		operations: operationsOf(),
		authenticator: openAuthenticator(AUTH, { secret: SECRET, clock: systemClock, log: logger }),
		logger,
		clock: systemClock,
		readiness: async () => ({ ready: true, layers: [] }),
		catalog: { stats: () => ({ expiredEntries: 0, byType: [], byAge: [], layers: [], asOf: 0 }) },
		jobs: { onChange: () => () => undefined },
	});
	return (await server.listen()).url;
}

async function serveGraphqlWs(): Promise<string> {
	const actor = { id: "admin", username: "admin", roles: ["ADMIN"], tokenExpiresAt: null, sessionId: null } as const;
	const call = { actor, origin: "GRAPHQL", requestId: "r", ipAddress: null, userAgent: null, locale: "en" } as const;
	const http = createServer();
	useServer(
		{ schema: buildApiSchema(), context: { call, operations: operationsOf() } },
		new WebSocketServer({ server: http, path: "/graphql" }),
	);
	return listening(http);
}

async function serveRaw(): Promise<string> {
	const http = createServer();
	const sockets = new WebSocketServer({ server: http, path: "/graphql" });
	sockets.on("connection", (socket) => socket.once("message", () => socket.send('{"type":"connection_ack"}')));
	listeners.add(({ cursor, entry }) => {
		const frame = JSON.stringify({ id: "1", type: "next", payload: { data: { auditLogAdded: { cursor, node: entry } } } });
		for (const socket of sockets.clients) socket.send(frame);
	});
	return listening(http);
}

async function listening(http: ReturnType<typeof createServer>): Promise<string> {
	http.listen(0, "127.0.0.1");
	await once(http, "listening");
	return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

/** Appends entries as fast as they leave, a few in flight; told how many by the parent. */
async function serve(name: ServerName): Promise<void> {
	const url = await { ours: serveOurs, "graphql-ws": serveGraphqlWs, "raw ws": serveRaw }[name]();
	process.send?.({ url });
	let sequence = 0;
	for await (const [count] of on(process, "message") as AsyncIterable<[number]>)
		for (let n = 0; n < count; n++) {
			const item = makeAuditItem(++sequence, "x".repeat(60));
			for (const listener of listeners) listener(item);
			await setImmediate();
		}
}

/** All clients; says how many frames have come. */
async function listen(url: string, subscribers: number): Promise<void> {
	let received = 0;
	let subscribed = 0;
	const address = `${url.replace("http", "ws")}/graphql`;
	for (let from = 0; from < subscribers; from += 100)
		await Promise.all(
			Array.from({ length: Math.min(100, subscribers - from) }, async (_, n) => {
				const index = from + n;
				const socket = new WebSocket(address, "graphql-transport-ws", { skipUTF8Validation: true });
				await once(socket, "open");
				socket.send(
					JSON.stringify({ type: "connection_init", payload: { Authorization: `Bearer ${await tokenFor("ADMIN", `user${index}`)}` } }),
				);
				await once(socket, "message");
				const id = `subscription-${index}`;
				socket.send(
					JSON.stringify({ id, type: "subscribe", payload: { query: QUERY, variables: { filter: FILTERS[index % FILTERS.length] } } }),
				);
				subscribed += 1;
				socket.on("message", () => {
					received += 1;
				});
			}),
		);
	process.send?.({ subscribed });
	process.on("message", () => process.send?.({ received }));
}

async function child(...args: string[]): Promise<ChildProcess> {
	return spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), ...args], {
		env: { ...process.env, NODE_ENV: "production" },
		stdio: ["ignore", "inherit", "inherit", "ipc"],
	});
}

async function answerOf<T>(from: ChildProcess): Promise<T> {
	const [answer] = (await once(from, "message")) as [T];
	return answer;
}

interface Running {
	readonly server: ChildProcess;
	readonly clients: ChildProcess;
}

async function start(name: ServerName, subscribers: number): Promise<Running> {
	const server = await child("serve", name);
	const { url } = await answerOf<{ url: string }>(server);
	const clients = await child("listen", url, String(subscribers));
	await answerOf(clients);
	return { server, clients };
}

async function received({ clients }: Running): Promise<number> {
	clients.send("count");
	return (await answerOf<{ received: number }>(clients)).received;
}

/** Deliveries a second from the first append to the last frame. */
async function measure(running: Running, subscribers: number, events: number): Promise<number> {
	const before = await received(running);
	const began = performance.now();
	running.server.send(events);
	let now = before;
	while (now < before + events * subscribers) {
		await new Promise((resolve) => setTimeout(resolve, 5));
		now = await received(running);
	}
	return (1000 * events * subscribers) / (performance.now() - began);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function compare(subscribers: number, rounds: number, deliveries: number): Promise<void> {
	const events = Math.ceil(deliveries / subscribers);
	const running = new Map<ServerName, Running>();
	const measured = new Map<ServerName, number[]>();
	try {
		for (const name of SERVERS) {
			running.set(name, await start(name, subscribers));
			measured.set(name, []);
		}
		for (let round = -1; round < rounds; round++)
			for (const [name, one] of running) {
				const rate = await measure(one, subscribers, events);
				if (round >= 0) measured.get(name)?.push(rate);
			}
	} finally {
		for (const { server, clients } of running.values()) for (const process of [server, clients]) process.kill();
	}
	for (const [name, rates] of measured) console.log(`${subscribers} subscribers, ${name}: ${median(rates).toFixed(0)} deliveries/s`);
	const ratio = (to: ServerName) =>
		median((measured.get("ours") ?? []).map((rate, round) => rate / (measured.get(to)?.[round] ?? Number.NaN)));
	console.log(
		`${subscribers} subscribers: ${ratio("graphql-ws").toFixed(2)} x graphql-ws as it comes, ${ratio("raw ws").toFixed(2)} x raw ws`,
	);
}

const [first, second, third] = process.argv.slice(2);
if (first === "serve") await serve(second as ServerName);
else if (first === "listen") await listen(second ?? "", Number(third));
else await compare(Number(first ?? 1000), Number(second ?? 5), Number(third ?? 100_000));
