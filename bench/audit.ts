/**
 * The audit log on MongoDB (one node, a replica set): whole operations a second, intent, entry, seal and chain, every step
 * durable on the majority, by 256 callers at once, side by side with plain inserts of the same documents, w: majority, 16 at
 * once; and the CPU time of an operation in this program and in the server. Then the time from an operation's end to its entry at the subscribers of a whole server, over WebSocket.
 *
 * Usage: audit.ts [SECONDS=5] [ROUNDS=5] [SUBSCRIBERS=1000] [EVENTS_PER_SECOND=50] [LATENCY_SECONDS=20]; wants a build.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { intentOf, outcomeOf } from "../test/testkit/calls.js";
import { startMongodb, type TestMongodb } from "../test/testkit/mongodb.js";
import { openTestAudit } from "../test/testkit/mongodb-audit.js";
import { startServer, testToken } from "../test/testkit/server.js";

const CALLERS = 256;
const PLAIN_CALLERS = 16;
/** Sockets whose frames are looked into; the others are counted. */
const SAMPLED = 50;

const QUERY = "subscription { auditLogAdded { cursor node { id sequence timestamp durationMs username action success } } }";

async function repeatedly(callers: number, seconds: number, once: () => Promise<void>): Promise<number> {
	let done = 0;
	const began = performance.now();
	const end = began + seconds * 1000;
	await Promise.all(
		Array.from({ length: callers }, async () => {
			while (performance.now() < end) {
				await once();
				done++;
			}
		}),
	);
	return (1000 * done) / (performance.now() - began);
}

/** CPU time in µs: of this process, and of the server. */
async function cpu({ client }: TestMongodb): Promise<readonly [number, number]> {
	const { user, system } = process.cpuUsage();
	const { extra_info: server } = await client.db("admin").command({ serverStatus: 1 });
	return [user + system, server.user_time_us + server.system_time_us];
}

async function throughput(mongodb: TestMongodb, folder: string, seconds: number, rounds: number): Promise<void> {
	const { uri, db } = mongodb.newDatabase();
	const { audit, close } = await openTestAudit({ uri, dataDir: folder });
	const plain = db.collection("plain");
	const ours: number[] = [];
	const theirs: number[] = [];
	const costs: (readonly [number, number])[] = [];
	try {
		for (let round = -1; round < rounds; round++) {
			const [program, server] = await cpu(mongodb);
			let done = 0;
			const recorded = await repeatedly(CALLERS, seconds, async () => {
				await audit.end(await audit.begin(intentOf("alice")), outcomeOf());
				done++;
			});
			const after = await cpu(mongodb);
			const inserted = await repeatedly(PLAIN_CALLERS, seconds, async () => {
				const { actor, startedAt, ...rest } = intentOf("alice");
				await plain.insertOne({ ...actor, ...rest, timestamp: new Date(startedAt) }, { writeConcern: { w: "majority" } });
			});
			if (round < 0) continue;
			ours.push(recorded);
			costs.push([(after[0] - program) / done, (after[1] - server) / done]);
			theirs.push(inserted);
		}
		const { checked, problems } = await audit.verify({ since: null, until: null });
		console.log(
			`operations recorded, ${CALLERS} at once: ${median(ours).toFixed(0)}/s; plain inserts, ${PLAIN_CALLERS} at once: ${median(theirs).toFixed(0)}/s`,
		);
		console.log(
			`CPU an operation: ${median(costs.map(([own]) => own)).toFixed(0)} µs in the program, ${median(costs.map(([, server]) => server)).toFixed(0)} µs in the server`,
		);
		console.log(
			`${median(ours.map((rate, i) => rate / (theirs[i] ?? Number.NaN))).toFixed(2)} x plain inserts; ${checked} entries verified, ${problems.length} problems`,
		);
	} finally {
		await close();
	}
}

/** All subscribers; tells the delays that the sampled ones saw. */
async function listen(url: string, subscribers: number): Promise<void> {
	const delays: number[] = [];
	let received = 0;
	for (let from = 0; from < subscribers; from += 100)
		await Promise.all(
			Array.from({ length: Math.min(100, subscribers - from) }, async (_, n) => {
				const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws", { skipUTF8Validation: true });
				await once(socket, "open");
				socket.send(JSON.stringify({ type: "connection_init", payload: { Authorization: `Bearer ${await testToken("ADMIN")}` } }));
				await once(socket, "message");
				socket.send(JSON.stringify({ id: `s${from + n}`, type: "subscribe", payload: { query: QUERY } }));
				const sampled = (from + n) % Math.max(1, Math.floor(subscribers / SAMPLED)) === 0;
				socket.on("message", (data) => {
					received++;
					if (!sampled) return;
					const { payload } = JSON.parse(String(data)) as {
						payload?: { data?: { auditLogAdded: { node: { timestamp: string; durationMs: number } } } };
					};
					const node = payload?.data?.auditLogAdded.node;
					if (node !== undefined) delays.push(Date.now() - Date.parse(node.timestamp) - node.durationMs);
				});
			}),
		);
	process.send?.({ ready: true });
	process.on("message", () => process.send?.({ delays, received }));
}

async function latency(mongodb: TestMongodb, folder: string, subscribers: number, perSecond: number, seconds: number): Promise<void> {
	const server = await startServer({
		CACHE_DIR: join(folder, "cache"),
		DATA_DIR: join(folder, "server"),
		AUDIT_MONGODB_URI: mongodb.newDatabase().uri,
		AUDIT_SECRET: "the secret of a bench",
		LOG_LEVEL: "error",
	});
	let clients: ChildProcess | null = null;
	try {
		clients = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), "listen", server.url, String(subscribers)], {
			stdio: ["ignore", "inherit", "inherit", "ipc"],
		});
		await once(clients, "message");
		const pending: Promise<unknown>[] = [];
		const began = performance.now();
		for (let event = 0; event < perSecond * seconds; event++) {
			const due = began + (1000 * event) / perSecond;
			await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
			// An operation that is refused is recorded like any other.
			pending.push(server.query('mutation { cancelJob(id: "j0") { job { id } } }'));
		}
		await Promise.all(pending);
		let result = { delays: [] as number[], received: 0 };
		for (let before = -1; result.received !== before; ) {
			before = result.received;
			await new Promise((resolve) => setTimeout(resolve, 500));
			clients.send("count");
			[result] = (await once(clients, "message")) as [typeof result];
		}
		const sorted = result.delays.sort((a, b) => a - b);
		const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
		console.log(`${subscribers} subscribers, ${perSecond} events/s: ${result.received} of ${subscribers * perSecond * seconds} deliveries`);
		console.log(`operation's end to subscriber: median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`);
	} finally {
		clients?.kill();
		await server.stop();
	}
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const [first, second, third, fourth, fifth] = process.argv.slice(2);
if (first === "listen") await listen(second ?? "", Number(third));
else {
	const folder = mkdtempSync(join(tmpdir(), "cachewarden-bench-"));
	const mongodb = await startMongodb({ own: true });
	try {
		await throughput(mongodb, folder, Number(first ?? 5), Number(second ?? 5));
		await latency(mongodb, folder, Number(third ?? 1000), Number(fourth ?? 50), Number(fifth ?? 20));
	} finally {
		await mongodb.stop();
		rmSync(folder, { recursive: true, force: true });
	}
	process.exit();
}
