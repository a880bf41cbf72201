import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { WebSocket } from "ws";
import { generateTree } from "../../bench/generate-tree.js";
import {
	AuditLogAddedDocument,
	AuditLogDocument,
	CleanupDocument,
	ClearDocument,
	type CachewardenClient as Client,
	type ClientOptions,
	createClient,
	JobDocument,
	JobProgressDocument,
	type SessionError,
	StatsDocument,
	ViewerDocument,
} from "../../src/client/index.js";
import { eventually } from "../testkit/eventually.js";
import { startServer, type TestServer, testToken } from "../testkit/server.js";

const folder = mkdtempSync(join(tmpdir(), "cachewarden-client-"));
const root = join(folder, "cache");
const env = { CACHE_DIR: root, DATA_DIR: join(folder, "state"), LOG_LEVEL: "warn" };
let server: TestServer;
const clients: Client[] = [];

beforeAll(async () => {
	mkdirSync(root);
	server = await startServer(env);
});
afterEach(async () => {
	for (const client of clients.splice(0)) await client.close();
});
afterAll(async () => {
	server.process.kill("SIGCONT");
	await server.stop();
	rmSync(folder, { recursive: true, force: true });
});

function connect(options: Partial<ClientOptions> = {}): Client {
	const client = createClient({ url: server.url, token: () => testToken("ADMIN"), webSocket: WebSocket, ...options });
	clients.push(client);
	return client;
}

/** Kills it and starts it again at the same address. */
async function restart(): Promise<void> {
	await server.stop("SIGKILL");
	await startAgain();
}

async function startAgain(): Promise<void> {
	server = await startServer({ ...env, PORT: new URL(server.url).port });
}

interface Following {
	/** Sequences as they come. */
	readonly seen: number[];
	readonly breaks: SessionError[];
	/** Ends it, and checks that nothing was missed or came twice. */
	stop(): Promise<void>;
}

/** Follows the audit log; resolves when the first entry has come. */
async function follow(client: Client, writer = client): Promise<Following> {
	const seen: number[] = [];
	const breaks: SessionError[] = [];
	const entries = client.subscribe(AuditLogAddedDocument, {}, { onBreak: (error) => breaks.push(error) });
	const reading = (async () => {
		for await (const { auditLogAdded } of entries) seen.push(auditLogAdded.node.sequence ?? 0);
	})();
	await eventually(
		async () => {
			await write(writer);
			expect(seen.length).toBeGreaterThan(0);
		},
		{ withinMs: 20_000 },
	);
	return {
		seen,
		breaks,
		async stop() {
			const { auditLog } = await writer.execute(AuditLogDocument, { first: 1 });
			await eventually(() => expect(seen.at(-1)).toBe(auditLog?.edges[0]?.node.sequence), { withinMs: 10_000 });
			expect(seen).toEqual(seen.map((_, i) => (seen[0] ?? 0) + i));
			await entries.return?.();
			await reading;
		},
	};
}

/** One entry of the audit log. */
async function write(client: Client): Promise<void> {
	await client.execute(CleanupDocument, { input: { wait: true } });
}

/** To the audit log, as the server counts them. */
async function subscribers(): Promise<number> {
	const metrics = await (await fetch(new URL("/metrics", server.url))).text();
	return Number(/^\w*subscribers\{operation="auditLogAdded"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

describe("the client", () => {
	it("follows the audit log across restarts, without gap or repeat", async () => {
		const client = connect();
		const following = await follow(client);
		for (let i = 0; i < 2; i++) {
			await restart();
			await write(client);
			await write(client);
		}
		await following.stop();
		expect(following.breaks.length).toBeGreaterThanOrEqual(2);
		expect(new Set(following.breaks.map((error) => error.code))).toEqual(new Set(["UNREACHABLE"]));
	});

	it("misses nothing from its first call on, also when the connection breaks before anything has come", async () => {
		const client = connect();
		const breaks: SessionError[] = [];
		const entries = client.subscribe(AuditLogAddedDocument, {}, { onBreak: (error) => breaks.push(error) });
		const first = entries.next();
		const { auditLog } = await client.execute(AuditLogDocument, { first: 1 });
		await eventually(async () => expect(await subscribers()).toBe(1), { withinMs: 5_000 });
		await restart();
		await write(client);
		expect((await first).value?.auditLogAdded.node.sequence).toBe((auditLog?.edges[0]?.node.sequence ?? 0) + 1);
		await entries.return?.();
	});

	it("follows a job whose server is killed to its end, and never steps back", async () => {
		generateTree({ root, entries: 3_000 });
		const client = connect();
		await client.execute(StatsDocument, { fresh: true });
		const { clear } = await client.execute(ClearDocument, { input: { confirm: true } });
		const sequences: number[] = [];
		let restarted: Promise<void> | null = null;
		let last = "";
		for await (const { jobProgress } of client.subscribe(JobProgressDocument, { jobId: clear.job.id })) {
			sequences.push(jobProgress.sequence);
			last = jobProgress.status;
			if (jobProgress.deletedEntries > 0) restarted ??= restart();
		}
		await restarted;
		expect(restarted).not.toBeNull();
		expect(last).toBe("SUCCEEDED");
		expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
		const { job } = await client.execute(JobDocument, { id: clear.job.id });
		expect(job).toMatchObject({ status: "SUCCEEDED", progress: { deletedEntries: 3_000, sequence: sequences.at(-1) } });
	});

	it("comes back with a new token when the old one ends, and misses nothing", async () => {
		const admin = connect();
		let tokens = 0;
		const reader = connect({
			token: () => {
				tokens++;
				return testToken("ADMIN", "admin", "2s");
			},
		});
		const following = await follow(reader, admin);
		await eventually(
			async () => {
				await write(admin);
				expect(tokens).toBeGreaterThan(2);
			},
			{ withinMs: 20_000, everyMs: 100 },
		);
		await following.stop();
		expect(following.breaks.map((error) => error.code)).toContain("TOKEN_EXPIRED");
	});

	it("asks for another token when the server refuses the one it had, and once only", async () => {
		let asked = 0;
		const renewed = connect({ token: async () => (asked++ === 0 ? "ended" : testToken("VIEWER", "alice")) });
		const [first, second] = await Promise.all([renewed.execute(ViewerDocument), renewed.execute(ViewerDocument)]);
		expect([first.viewer.id, second.viewer.id, asked]).toEqual(["alice", "alice", 2]);

		let given = 0;
		const refused = connect({
			token: () => {
				given++;
				return "nonsense";
			},
		});
		await expect(refused.execute(ViewerDocument)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
		expect(given).toBe(2);
		await expect(refused.subscribe(AuditLogAddedDocument, { after: "any" }).next()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
		expect(given).toBe(3);
		const fixed = connect({ token: "nonsense" });
		await expect(fixed.subscribe(JobProgressDocument).next()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
	});

	it("waits for a token that cannot be had at the moment", async () => {
		let asked = 0;
		const client = connect({
			token: async () => {
				if (asked++ < 2) throw new Error("the sign-in service is away");
				return testToken("ADMIN");
			},
		});
		const breaks: string[] = [];
		const entries = client.subscribe(AuditLogAddedDocument, {}, { onBreak: (error) => breaks.push(error.message) });
		const next = entries.next();
		await eventually(() => expect(breaks).toHaveLength(2), { withinMs: 5_000 });
		expect(breaks[0]).toBe("no token: the sign-in service is away");
		await eventually(async () => expect(await subscribers()).toBe(1), { withinMs: 5_000 });
		await write(client);
		expect(await next).toMatchObject({ done: false });
	});

	it("notices that a server has frozen, and goes on when it wakes", async () => {
		const client = connect({ pingMs: 200 });
		const following = await follow(client);
		server.process.kill("SIGSTOP");
		// Once from the silence, once from an attempt to connect that nobody answers.
		await eventually(() => expect(following.breaks.length).toBeGreaterThan(1), { withinMs: 10_000 });
		server.process.kill("SIGCONT");
		await write(client);
		await following.stop();
	});

	it("can be closed while a server that has frozen does not answer", async () => {
		const client = connect();
		server.process.kill("SIGSTOP");
		const next = client.subscribe(JobProgressDocument).next();
		await client.close();
		server.process.kill("SIGCONT");
		expect(await next).toEqual({ done: true, value: undefined });
	});

	it("ends at once: by its signal, by return, by close; a call that is given up is not waited for", async () => {
		const client = connect();
		const watching = new AbortController();
		const bySignal = client.subscribe(JobProgressDocument, {}, { signal: watching.signal }).next();
		watching.abort();
		expect(await bySignal).toEqual({ done: true, value: undefined });
		const returned = client.subscribe(JobProgressDocument);
		const byReturn = returned.next();
		await returned.return?.();
		expect(await byReturn).toEqual({ done: true, value: undefined });
		const call = new AbortController();
		const given = client.execute(StatsDocument, { fresh: true }, { signal: call.signal });
		call.abort(new Error("not needed any more"));
		await expect(given).rejects.toThrow("not needed any more");
		const byClose = client.subscribe(AuditLogAddedDocument).next();
		await client.close();
		expect(await byClose).toEqual({ done: true, value: undefined });
	});

	it("does not come back for what would leave a gap: an audit log without its cursor", async () => {
		const client = connect();
		const entries = client.subscribe<{ auditLogAdded: { node: { id: string } } }, Record<string, never>>(
			"subscription { auditLogAdded { node { id } } }",
		);
		const first = entries.next();
		await eventually(async () => expect(await subscribers()).toBe(1), { withinMs: 5_000 });
		await write(client);
		expect(await first).toMatchObject({ done: false });
		await server.stop("SIGKILL");
		await expect(
			(async () => {
				for await (const _ of entries);
			})(),
		).rejects.toMatchObject({ code: "UNREACHABLE" });
		await startAgain();
	});

	it("says what is wrong when nobody answers, or the address is none", async () => {
		await server.stop();
		const alone = connect({ patienceMs: 300 });
		await expect(alone.execute(StatsDocument)).rejects.toMatchObject({ code: "UNREACHABLE" });
		await expect(alone.subscribe(AuditLogAddedDocument).next()).rejects.toMatchObject({ code: "UNREACHABLE" });
		expect(() => createClient({ url: "127.0.0.1:4000", token: null })).toThrow("url must be an http or https address");
	});
});
