/** One audit log in MongoDB, two servers and command lines: each sees what any did; exported, followed and verified as people do it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { mongo } from "mongoose";
import { intentOf, outcomeOf } from "../testkit/calls.js";
import { callCommand, type RunningCommand, startCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { openTestAudit } from "../testkit/mongodb-audit.js";
import { RawSocket } from "../testkit/raw-socket.js";
import { startServer, TEST_SECRET, type TestServer, testToken } from "../testkit/server.js";
import { heldFolder, removeHeldFolders, temporaryFolder } from "../testkit/temporary.js";

const LONG = process.env.SOAK === "1";
const AUDIT_SECRET = "the secret of both servers";
const SOON = { withinMs: 20_000 };
const SUBSCRIPTION = "subscription ($after: String) { auditLogAdded(after: $after) { cursor node { sequence username details } } }";

interface Entry {
	readonly sequence: number;
	readonly username: string;
	readonly action: string;
	readonly origin: string;
	readonly success: boolean;
	readonly details: Record<string, unknown>;
}

describe("two servers and a command line on one audit log", () => {
	let mongodb: TestMongodb;
	let db: mongo.Db;
	let uri: string;
	const servers: TestServer[] = [];
	const running: RunningCommand[] = [];
	const sockets: RawSocket[] = [];

	function environment(): Record<string, string> {
		const folder = heldFolder();
		mkdirSync(join(folder, "cache"));
		for (let i = 0; i < 40; i++) writeFileSync(join(folder, "cache", `n${i}.txt`), "note");
		return {
			CACHE_DIR: join(folder, "cache"),
			CACHE_LAYOUT: "plain",
			CACHE_TIMEZONE: "UTC",
			DATA_DIR: join(folder, "data"),
			AUDIT_MONGODB_URI: uri,
			AUDIT_SECRET,
			JWT_SECRET: TEST_SECRET,
			LOG_LEVEL: "error",
		};
	}

	beforeAll(async () => {
		mongodb = await startMongodb();
		({ uri, db } = mongodb.newDatabase());
		servers.push(await startServer(environment()), await startServer(environment()));
	}, 60_000);
	afterEach(() => {
		for (const socket of sockets.splice(0)) socket.end();
		for (const command of running.splice(0)) command.process.kill("SIGKILL");
	});
	afterAll(async () => {
		for (const server of servers) await server.stop("SIGKILL");
		await mongodb.stop();
		removeHeldFolders();
	});

	const server = (at: number): TestServer => servers[at] as TestServer;

	async function record(username: string, count = 1, details: Record<string, unknown> = {}): Promise<void> {
		const one = await openTestAudit({ uri, dataDir: temporaryFolder(), secret: AUDIT_SECRET });
		let next = 0;
		await Promise.all(
			Array.from({ length: 32 }, async () => {
				while (next++ < count) await one.audit.end(await one.audit.begin(intentOf(username, { details })), outcomeOf());
			}),
		);
		await one.close();
	}

	async function exported(query: string, token?: string): Promise<Response> {
		return fetch(`${server(1).url}/audit/export${query}`, {
			headers: { authorization: `Bearer ${token ?? (await testToken("ADMIN"))}` },
		});
	}

	async function liveCursor(): Promise<string> {
		const { data } = await server(0).query<{ auditLog: { liveCursor: string } }>("{ auditLog(first: 1) { liveCursor } }");
		return data.auditLog.liveCursor;
	}

	it("sees jobs of one server at the other, live and to their end, and what a command line of its own did", async () => {
		const follower = startCommand(["audit", "--follow", "--json", "--url", server(1).url, "--token", await testToken("ADMIN")]);
		running.push(follower);
		const heard = (): Entry[] =>
			follower
				.out()
				.split("\n")
				.slice(0, -1)
				.map((line) => (JSON.parse(line) as { node: Entry }).node);
		await record("beforehand");
		await eventually(() => expect(heard().at(-1)?.username).toBe("beforehand"), SOON);

		const { data } = await server(0).query<{ clear: { job: { id: string } } }>(
			"mutation { clear(input: { confirm: true }) { job { id } } }",
		);
		const { id } = data.clear.job;
		const states: { status: string; deletedEntries: number }[] = [];
		const progress = server(1).subscribe<{ jobProgress: { status: string; deletedEntries: number } }>(
			"subscription ($id: ID!) { jobProgress(jobId: $id) { status deletedEntries } }",
			{ id },
		);
		for await (const { jobProgress } of progress) states.push(jobProgress);
		expect(states.at(-1)).toEqual({ status: "SUCCEEDED", deletedEntries: 40 });
		await eventually(() => expect(heard().at(-1)).toMatchObject({ action: "clear", origin: "GRAPHQL", success: true }), SOON);

		const own = environment();
		expect(await callCommand(["clear", "--yes", "--json"], { env: own })).toMatchObject({ code: 0 });
		await eventually(() => expect(heard().at(-1)).toMatchObject({ action: "clear", origin: "CLI", success: true }), SOON);
		const sequences = heard().map(({ sequence }) => sequence);
		expect(sequences).toEqual(sequences.map((_, i) => (sequences[0] as number) + i));
	});

	it("exports as CSV that spreadsheets in China open, with formulas that stay texts, and as JSON lines", async () => {
		await record('=HYPERLINK("http://evil")', 1, { note: "旧缓存, 已清理\n第二行", quote: 'say "hi"' });
		const csv = await exported("?userId=%3DHYPERLINK(%22http%3A%2F%2Fevil%22)");
		expect([csv.status, csv.headers.get("content-type"), csv.headers.get("content-disposition")]).toEqual([
			200,
			"text/csv; charset=utf-8",
			'attachment; filename="audit-log.csv"',
		]);
		const bytes = Buffer.from(await csv.arrayBuffer());
		expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
		const [head, row, rest] = bytes.toString("utf8").slice(1).split("\r\n");
		expect(head).toMatch(/^sequence,id,timestamp,userId,username,/);
		expect(row).toContain(`,"'=HYPERLINK(""http://evil"")",`);
		expect(row).toContain("旧缓存, 已清理\\\\n第二行".replace("\\\\", "\\"));
		expect(rest).toBe("");

		const jsonl = await exported("?format=jsonl&keyword=%E6%97%A7%E7%BC%93%E5%AD%98");
		expect(jsonl.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
		const lines = (await jsonl.text()).trimEnd().split("\n");
		expect(lines.map((line) => JSON.parse(line) as Entry)).toMatchObject([
			{ username: '=HYPERLINK("http://evil")', details: { note: "旧缓存, 已清理\n第二行", quote: 'say "hi"' } },
		]);
	});

	it("gives an export to nobody without a token, nobody else's entries to a viewer, and names a parameter that is none", async () => {
		expect((await fetch(`${server(0).url}/audit/export`)).status).toBe(401);
		await record("vera");
		const mine = await (await exported("?format=jsonl", await testToken("VIEWER", "vera"))).text();
		expect(
			mine
				.trimEnd()
				.split("\n")
				.map((line) => (JSON.parse(line) as Entry).username),
		).toEqual(["vera"]);
		for (const [query, named] of [
			["?format=xml", "format"],
			["?since=yesterday", "since"],
			["?nonsense=1", "nonsense"],
		] as const) {
			const refused = await exported(query);
			expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(named)]);
		}
	});

	it("exports by command line, from a server and from the database itself, and writes over no file", async () => {
		const file = join(temporaryFolder(), "log.csv");
		const remote = ["--url", server(0).url, "--token", await testToken("ADMIN")];
		const all = await callCommand(["audit", "export", "--format", "jsonl", ...remote]);
		expect([all.code, all.err]).toEqual([0, ""]);
		const entries = all.out
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line) as Entry);
		expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => entries.length - i));
		expect(await callCommand(["audit", "--user", "vera", "export", "--output", file, ...remote])).toMatchObject({ code: 0, out: "" });
		const written = readFileSync(file, "utf8");
		expect(written.startsWith("\uFEFFsequence,")).toBe(true);
		expect(written.split("\r\n")).toHaveLength(3);
		expect((await callCommand(["audit", "export", "--output", file, ...remote])).code).not.toBe(0);
		expect(readFileSync(file, "utf8")).toBe(written);
		const local = await callCommand(["audit", "--user", "vera", "export", "--format", "jsonl"], { env: environment() });
		expect(local.out).toBe(await (await exported("?format=jsonl&userId=vera")).text());
		const none = join(temporaryFolder(), "none.csv");
		expect((await callCommand(["audit", "export", "--output", none, "--url", server(0).url, "--token", "nonsense"])).code).toBe(1);
		expect(existsSync(none)).toBe(false);
	});

	it("reads on for an export only as fast as its reader, so that memory does not grow with the log", async () => {
		const count = LONG ? 10_000 : 1_000;
		await record("bulk", count, { filler: Array.from({ length: LONG ? 14 : 6 }, () => "文".repeat(4_000)) });
		// An entry is exported once it is sealed, which on a busy machine is later than its operation's end.
		const sealed = '{ auditLog(first: 1, filter: { userId: "bulk" }) { totalCount } }';
		await eventually(async () => expect(await server(1).query(sealed)).toMatchObject({ data: { auditLog: { totalCount: count } } }), SOON);
		writeFileSync(`/proc/${server(1).process.pid}/clear_refs`, "5");
		const peak = (): number =>
			Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server(1).process.pid}/status`, "utf8"))?.[1]) / 1024;
		const peakBefore = peak();
		const response = await exported("?userId=bulk");
		const reader = (response.body as ReadableStream<Uint8Array>).getReader();
		let bytes = (await reader.read()).value?.length ?? 0;
		const returned = async (): Promise<number> => Number((await db.command({ serverStatus: 1 })).metrics.document.returned);
		const before = await returned();
		for (let i = 0; i < 20; i++) await server(1).query("{ auditLog(first: 1) { totalCount } }");
		expect((await returned()) - before).toBeLessThan(count);
		for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) bytes += chunk.value.length;
		expect(bytes).toBeGreaterThan(count * 6 * 4_000 * 3);
		// The whole of it is 72 MB here, and 1.7 GB in the long form.
		if (LONG) expect(peak() - peakBefore).toBeLessThan(400);
	}, 120_000);

	it("W5: closes one who reads too slowly and nobody else; he comes back with his cursor and misses nothing", async () => {
		const after = await liveCursor();
		const token = await testToken("ADMIN");
		const [slow, brisk] = [await RawSocket.connect(server(1).url, token), await RawSocket.connect(server(1).url, token)];
		sockets.push(slow, brisk);
		// A reader who replays a long log is waited for; these two read what comes.
		for (const socket of [slow, brisk]) socket.subscribe("1", SUBSCRIPTION);
		const reading = (count: number): Promise<void> =>
			eventually(
				async () => {
					const metrics = await (await fetch(`${server(1).url}/metrics`)).text();
					expect(metrics).toMatch(new RegExp(`^cachewarden_subscribers\\{operation="auditLogAdded"\\} ${count}$`, "m"));
				},
				{ withinMs: 60_000, everyMs: 10 },
			);
		await reading(2);
		slow.socket.pause();
		const events = LONG ? 6_000 : 600;
		const recording = record("burst", events, { filler: Array.from({ length: 8 }, () => "x".repeat(4_096)) });
		// The server waits for a while until he has read why.
		await reading(1);
		slow.socket.resume();
		expect(await slow.untilClosed(10_000)).toMatchObject({ code: 1013 });
		await recording;
		await eventually(() => expect(brisk.messages.filter(({ type }) => type === "next")).toHaveLength(events), { withinMs: 60_000 });
		expect(brisk.closed).toBeNull();
		type Item = { readonly data: { readonly auditLogAdded: { readonly cursor: string; readonly node: Entry } } };
		const items = (socket: RawSocket) =>
			socket.messages.filter(({ type }) => type === "next").map(({ payload }) => (payload as Item).data.auditLogAdded);
		const back = await RawSocket.connect(server(0).url, token);
		sockets.push(back);
		back.subscribe("1", SUBSCRIPTION, { after: items(slow).at(-1)?.cursor ?? after });
		const sequences = (socket: RawSocket): number[] => items(socket).map(({ node }) => node.sequence);
		await eventually(() => expect([...sequences(slow), ...sequences(back)]).toEqual(sequences(brisk)), { withinMs: 60_000 });
	}, 180_000);

	it("W6: leaves no listener behind after subscriptions that came and went", async () => {
		const socket = await RawSocket.connect(server(1).url, await testToken("ADMIN"));
		for (let i = 0; i < (LONG ? 10_000 : 1_000); i++) {
			socket.subscribe(String(i), "subscription { auditLogAdded { cursor } }");
			socket.complete(String(i));
		}
		socket.subscribe("last", "{ viewer { id } }");
		await socket.until(({ id, type }) => id === "last" && type === "complete", 60_000);
		await eventually(async () => {
			const metrics = await (await fetch(`${server(1).url}/metrics`)).text();
			const waiting = [...metrics.matchAll(/^cachewarden_subscribers\{[^}]*\} (\d+)$/gm)].map(([, count]) => Number(count));
			expect(waiting.filter((count) => count > 0)).toEqual([]);
			expect(metrics).toMatch(/^cachewarden_change_stream_open 1/m);
		}, SOON);
		expect(socket.closed).toBeNull();
		socket.end();
	});

	it("W9: ends within 10 s of SIGTERM although one client is dead and tells the others; the other server goes on", async () => {
		const own = await startServer(environment());
		const token = await testToken("ADMIN");
		const [alive, dead] = [await RawSocket.connect(own.url, token), await RawSocket.connect(own.url, token)];
		for (const socket of [alive, dead]) socket.subscribe("1", SUBSCRIPTION);
		dead.socket.pause();
		const before = performance.now();
		expect(await own.stop("SIGTERM")).toBe(0);
		expect(performance.now() - before).toBeLessThan(10_000);
		expect(await alive.untilClosed()).toMatchObject({ code: 1001 });
		dead.end();
		const after = await liveCursor();
		await record("afterwards");
		const next = await server(0).subscribe<{ auditLogAdded: { node: Entry } }>(SUBSCRIPTION, { after }).next();
		expect(next.value?.auditLogAdded.node.username).toBe("afterwards");
	});

	it("A3: verifies by command line, and names what was edited, removed and cut off", async () => {
		const remote = ["--url", server(0).url, "--token", await testToken("ADMIN")];
		const whole = await callCommand(["audit", "verify", "--json", ...remote]);
		expect([whole.code, JSON.parse(whole.out)]).toEqual([0, expect.objectContaining({ valid: true, problems: [] })]);
		const logs = db.collection<{ _id: string }>("operation_logs");
		const seals = db.collection<{ _id: number; entry: string }>("operation_log_seals");
		const idOf = async (sequence: number): Promise<string> => (await seals.findOne({ _id: sequence }))?.entry as string;
		const last = (await seals.find().sort({ _id: -1 }).limit(1).toArray())[0]?._id as number;
		const [edited, removed] = [await idOf(2), await idOf(3)];
		await logs.updateOne({ _id: edited }, { $set: { username: "nobody" } });
		await logs.deleteOne({ _id: removed });
		await logs.deleteOne({ _id: await idOf(last) });
		await seals.deleteOne({ _id: last });
		const { code, out } = await callCommand(["audit", "verify", "--json", ...remote]);
		const { valid, problems } = JSON.parse(out) as {
			valid: boolean;
			problems: { kind: string; sequence: number; entryId: string | null }[];
		};
		expect([code, valid]).toEqual([1, false]);
		expect(problems.map(({ kind, sequence }) => [kind, sequence])).toEqual([
			["EDITED", 2],
			["MISSING", 3],
			["TAIL_CUT", last],
		]);
		expect(problems.slice(0, 2).map(({ entryId }) => entryId)).toEqual([edited, removed]);
	});
});
