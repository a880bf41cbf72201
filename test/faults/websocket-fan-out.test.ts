/** Equal subscriptions are executed once for all of them; nobody notices, and nobody sees what is not his. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import type { AuditEntry } from "../../src/audit/port.js";
import { CachewardenError } from "../../src/core/errors.js";
import type { Job } from "../../src/core/job.js";
import { openLive } from "../../src/live/live.js";
import type { AuditItem } from "../../src/operations/operations.js";
import { eventually } from "../testkit/eventually.js";
import { type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { type InMemoryOperations, inMemoryOperations, makeAuditItem, makeJob } from "../testkit/in-memory-operations.js";
import { type Message, RawSocket } from "../testkit/raw-socket.js";

const AUDIT =
	"subscription ($after: String, $filter: AuditLogFilter) { auditLogAdded(after: $after, filter: $filter) { node { sequence } } }";
const JOB = 'subscription { jobProgress(jobId: "j1") { sequence status } }';

/** A log and a job in memory behind the real live streams. */
class World {
	readonly log: AuditItem[] = [];
	readonly appended = new Set<(item: AuditItem) => void>();
	readonly changed = new Set<(job: Job) => void>();
	job: Job = makeJob("j1");
	/** Where reading the job's state takes its time. */
	reading: Promise<void> = Promise.resolve();
	readonly operations: InMemoryOperations;

	constructor() {
		const listen = <T>(set: Set<T>, listener: T) => {
			set.add(listener);
			return () => void set.delete(listener);
		};
		const live = openLive({
			jobs: { get: () => this.found, onChange: (listener) => listen(this.changed, listener) },
			audit: {
				readAfter: async (cursor, limit) => this.log.filter(({ entry }) => (entry.sequence ?? 0) > Number(cursor.slice(1))).slice(0, limit),
				onAppended: (listener) => listen(this.appended, listener),
			},
			backends: () => () => undefined,
			onStatsChanged: () => () => undefined,
		});
		const base = inMemoryOperations();
		this.operations = {
			...base,
			async auditLogAdded(call, after, filter) {
				await base.auditLogAdded(call, after, filter).then((iterator) => iterator.return?.());
				const isAdmin = call.actor?.roles.includes("ADMIN");
				const sees = ({ userId, success }: AuditEntry) =>
					(isAdmin || userId === call.actor?.id) && (filter?.success === undefined || filter.success === success);
				return live.audit(after, sees);
			},
			async jobProgress(call, jobId) {
				await base.jobProgress(call, jobId, null).then((iterator) => iterator.return?.());
				return live.job(jobId ?? "");
			},
		};
	}

	get found(): Promise<Job> {
		return this.reading.then(() => this.job);
	}

	append(sequence: number, change: Partial<AuditEntry> = {}): void {
		const item = makeAuditItem(sequence);
		const appended = { ...item, entry: { ...item.entry, ...change } };
		this.log.push(appended);
		for (const listener of this.appended) listener(appended);
	}

	advance(sequence: number, status: Job["status"] = "RUNNING"): void {
		this.job = { ...this.job, status, progress: { ...this.job.progress, sequence } };
		for (const listener of this.changed) listener(this.job);
	}
}

let world: World;
let server: ServerUnderTest;
const opened: RawSocket[] = [];

beforeAll(async () => {
	world = new World();
	server = await startServer(world.operations);
});
afterEach(async () => {
	for (const socket of opened.splice(0)) socket.end();
	await eventually(() => expect([world.appended.size, world.changed.size]).toEqual([0, 0]), { withinMs: 2_000 });
	world.log.length = 0;
	world.job = makeJob("j1");
});
afterAll(() => server.close());

async function connect(
	user = "root",
	role: Parameters<typeof tokenFor>[0] = "ADMIN",
	headers: Record<string, string> = {},
): Promise<RawSocket> {
	const socket = await RawSocket.connect(server.url, await tokenFor(role, user), headers);
	opened.push(socket);
	return socket;
}

/** Resolves when the server has begun that many operations in all. */
function begun(count: number): Promise<void> {
	return eventually(() => expect(world.operations.calls.length).toBe(count), { withinMs: 5_000, everyMs: 2 });
}

async function subscribe(socket: RawSocket, id: string, query: string, variables: object = {}): Promise<void> {
	const before = world.operations.calls.length;
	socket.subscribe(id, query, variables);
	await begun(before + 1);
	// An operation that has been called is in its place when the promises of that turn are through.
	await new Promise((turn) => setImmediate(turn));
}

type Value = Readonly<
	Record<string, { readonly sequence?: number; readonly status?: string; readonly node?: { readonly sequence: number } }>
>;

function sequences({ messages }: RawSocket, operation = "1"): (number | undefined)[] {
	return messages.flatMap(({ id, type, payload }: Message) => {
		if (id !== operation || type !== "next") return [];
		const { auditLogAdded, jobProgress } = (payload as { readonly data?: Value }).data ?? {};
		return [auditLogAdded?.node?.sequence ?? jobProgress?.sequence];
	});
}

describe("equal subscriptions", () => {
	it("read one source, and each is told everything in order", async () => {
		const sockets = await Promise.all(Array.from({ length: 40 }, () => connect()));
		for (const [index, socket] of sockets.entries()) await subscribe(socket, String(index), AUDIT);
		expect(world.appended.size).toBe(1);
		for (let sequence = 1; sequence <= 50; sequence++) world.append(sequence);
		const expected = Array.from({ length: 50 }, (_, n) => n + 1);
		await eventually(() => expect(sockets.map((socket, index) => sequences(socket, String(index)))).toEqual(sockets.map(() => expected)), {
			withinMs: 5_000,
		});
	});

	it("show nobody what his role or his filter excludes", async () => {
		const admins = [await connect("root"), await connect("toor")];
		const [alice, alice2, bob] = [await connect("alice", "VIEWER"), await connect("alice", "OPERATOR"), await connect("bob", "VIEWER")];
		for (const socket of [...admins, alice, alice2, bob]) {
			await subscribe(socket, "1", AUDIT);
			await subscribe(socket, "2", AUDIT, { filter: { success: false } });
		}
		expect(world.appended.size).toBe(6);
		world.append(1, { userId: "alice" });
		world.append(2, { userId: "bob", success: false });
		world.append(3, { userId: "alice", success: false });
		world.append(4, { userId: "root" });
		await eventually(
			() =>
				expect([...admins, alice, alice2, bob].map((socket) => [sequences(socket, "1"), sequences(socket, "2")])).toEqual([
					[
						[1, 2, 3, 4],
						[2, 3],
					],
					[
						[1, 2, 3, 4],
						[2, 3],
					],
					[[1, 3], [3]],
					[[1, 3], [3]],
					[[2], [2]],
				]),
			{ withinMs: 2_000 },
		);
	});

	it("are refused one by one: a subscriber without the right does not come in by another's", async () => {
		const admin = await connect();
		await subscribe(admin, "1", AUDIT);
		const { auditLogAdded } = world.operations;
		const refused = new CachewardenError("FORBIDDEN");
		Object.assign(world.operations, { auditLogAdded: async () => Promise.reject(refused) });
		const other = await connect("toor");
		other.subscribe("1", AUDIT, {});
		expect(await other.until(({ id }) => id === "1")).toMatchObject({ payload: { errors: [{ extensions: { code: "FORBIDDEN" } }] } });
		Object.assign(world.operations, { auditLogAdded });
		world.append(1);
		await admin.until(({ type }) => type === "next");
		expect(sequences(other)).toEqual([undefined]);
	});

	it("go on when the first subscriber leaves, and end with the last", async () => {
		const [first, second] = [await connect(), await connect()];
		await subscribe(first, "1", AUDIT);
		await subscribe(second, "1", AUDIT);
		first.complete("1");
		first.end();
		await eventually(() => expect(world.operations.calls.length).toBeGreaterThan(0), { withinMs: 1_000 });
		world.append(1);
		await eventually(() => expect(sequences(second)).toEqual([1]), { withinMs: 2_000 });
		second.complete("1");
		await eventually(() => expect(world.appended.size).toBe(0), { withinMs: 2_000 });
		await subscribe(second, "1", AUDIT);
		world.append(2);
		await eventually(() => expect(sequences(second)).toEqual([1, 2]), { withinMs: 2_000 });
	});

	it("begin each at its own cursor, without gap or repeat", async () => {
		for (let sequence = 1; sequence <= 300; sequence++) world.append(sequence);
		const [early, late, now] = [await connect(), await connect(), await connect()];
		await subscribe(early, "1", AUDIT, { after: "c10" });
		await subscribe(late, "1", AUDIT, { after: "c290" });
		await subscribe(now, "1", AUDIT);
		world.append(301);
		const from = (first: number) => Array.from({ length: 301 - first + 1 }, (_, n) => first + n);
		await eventually(() => expect([early, late, now].map((socket) => sequences(socket))).toEqual([from(11), from(291), [301]]), {
			withinMs: 5_000,
		});
	});

	it("end for all when their source breaks, and say no more than that it did", async () => {
		const sockets = [await connect(), await connect()];
		const { auditLogAdded } = world.operations;
		let breakIt: (error: Error) => void = () => undefined;
		Object.assign(world.operations, {
			auditLogAdded: async (...given: Parameters<typeof auditLogAdded>) => {
				const iterator = await auditLogAdded(...given);
				const broken = new Promise<never>((_, reject) => {
					breakIt = reject;
				});
				return {
					...iterator,
					next: () => broken,
					return: async () => (await iterator.return?.()) ?? { done: true as const, value: undefined },
					[Symbol.asyncIterator]() {
						return this;
					},
				};
			},
		});
		await subscribe(sockets[0] as RawSocket, "1", AUDIT);
		const breakFirst = breakIt;
		await subscribe(sockets[1] as RawSocket, "1", AUDIT);
		Object.assign(world.operations, { auditLogAdded });
		breakFirst(new Error("disk on fire"));
		for (const socket of sockets)
			expect(await socket.until(({ type }) => type === "error")).toMatchObject({
				payload: [{ message: "Internal error", extensions: { code: "INTERNAL" } }],
			});
		expect(JSON.stringify(server.log())).toContain("disk on fire");
	});
});

describe("subscriptions to one job", () => {
	it("tell each the state now when he comes, then only newer ones, and the last to all", async () => {
		const sockets: RawSocket[] = [];
		for (let sequence = 1; sequence <= 6; sequence++) {
			world.advance(sequence);
			const socket = await connect();
			sockets.push(socket);
			await subscribe(socket, "1", JOB);
			await socket.until(({ type }) => type === "next");
		}
		expect(world.changed.size).toBe(1);
		world.advance(7);
		world.advance(8, "SUCCEEDED");
		for (const [index, socket] of sockets.entries()) {
			await socket.until(({ id, type }) => id === "1" && type === "complete");
			const told = sequences(socket).map(Number);
			expect(told[0]).toBe(index + 1);
			expect(told.at(-1)).toBe(8);
			expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
		}
	});

	it("tell no state twice that comes while the one of now is being read", async () => {
		const [first, second] = [await connect(), await connect()];
		await subscribe(first, "1", JOB);
		await first.until(({ type }) => type === "next");
		let read: () => void = () => undefined;
		world.reading = new Promise((resolve) => {
			read = resolve;
		});
		await subscribe(second, "1", JOB);
		world.advance(2);
		await second.until(({ type }) => type === "next");
		world.advance(3);
		read();
		world.reading = Promise.resolve();
		world.advance(4, "SUCCEEDED");
		await second.until(({ type }) => type === "complete");
		const told = sequences(second);
		expect(told).toEqual([...new Set(told)]);
		expect([told[0], told.at(-1)]).toEqual([2, 4]);
	});

	it("of a job that has ended are told its end and completed", async () => {
		world.advance(9, "FAILED");
		const sockets = [await connect(), await connect()];
		for (const socket of sockets) {
			await subscribe(socket, "1", JOB);
			await socket.until(({ type }) => type === "complete");
			expect(sequences(socket)).toEqual([9]);
		}
	});
});

describe("a token that ends", () => {
	it("W3: costs the client that comes back with its last cursor nothing", async () => {
		const tokens = [await tokenFor("ADMIN", "root", 2), await tokenFor("ADMIN", "root", 60)];
		const [closes, told]: [number[], number[]] = [[], []];
		let cursor = "c0";
		const appending = setInterval(() => world.append(world.log.length + 1), 5);
		for (const token of tokens) {
			const client = createClient({
				url: `${server.url.replace("http", "ws")}/graphql`,
				webSocketImpl: WebSocket,
				connectionParams: { Authorization: `Bearer ${token}` },
				retryAttempts: 0,
				on: { closed: (event) => closes.push((event as CloseEvent).code) },
			});
			const query = "subscription ($after: String) { auditLogAdded(after: $after) { cursor node { sequence } } }";
			const values = client.iterate<{ auditLogAdded: { cursor: string; node: { sequence: number } } }>({
				query,
				variables: { after: cursor },
			});
			try {
				for await (const { data } of values) {
					cursor = data?.auditLogAdded.cursor ?? cursor;
					told.push(data?.auditLogAdded.node.sequence ?? -1);
					if (closes.length > 0 && told.length >= world.log.length) break;
				}
			} catch (closed) {
				expect(closed).toMatchObject({ code: 4403 });
			}
			await client.dispose();
		}
		clearInterval(appending);
		expect(closes[0]).toBe(4403);
		expect(told.length).toBeGreaterThan(100);
		expect(told).toEqual(told.map((_, n) => n + 1));
	});
});

describe("one connection", () => {
	it("may end an operation and begin another of the same id in one packet", async () => {
		const socket = await connect();
		await subscribe(socket, "1", AUDIT);
		for (let round = 0; round < 20; round++) {
			socket.complete("1");
			socket.subscribe("1", AUDIT, {});
		}
		await eventually(() => expect(world.appended.size).toBe(1), { withinMs: 1_000 });
		await eventually(
			() => {
				world.append(world.log.length + 1);
				expect(sequences(socket).length).toBeGreaterThan(2);
			},
			{ withinMs: 3_000 },
		);
		expect(socket.messages.filter(({ type }) => type === "complete")).toEqual([]);
		const told = sequences(socket);
		expect(told).toEqual([...new Set(told)]);
	});

	it("may hold the same subscription twice under two ids", async () => {
		const socket = await connect();
		await subscribe(socket, "a", AUDIT);
		await subscribe(socket, 'b"\\', AUDIT);
		world.append(1);
		await eventually(() => expect([sequences(socket, "a"), sequences(socket, 'b"\\')]).toEqual([[1], [1]]), { withinMs: 2_000 });
	});
});
