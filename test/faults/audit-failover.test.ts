/** C1, C2, C3, C8, W3, A1, A4: two servers on a three-node set that loses its primary three times, while one of the servers is killed too; and a primary that sleeps. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { mongo } from "mongoose";
import { forward, intentOf, outcomeOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { followLog, type LogFollower } from "../testkit/log-follower.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { openTestAudit } from "../testkit/mongodb-audit.js";
import { startServer, type TestServer, testToken } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

const LONG = process.env.SOAK === "1";
const OPERATIONS = LONG ? 5_000 : 300;
const SUBSCRIBERS = LONG ? 200 : 12;
const CALLERS = 8;
const RECONNECT_MS = 20;
const FROZEN_MS = LONG ? 60_000 : 4_000;

describe("two servers on one audit log", () => {
	let mongodb: TestMongodb;
	const running: TestServer[] = [];
	const followers: LogFollower[] = [];
	beforeAll(async () => {
		mongodb = await startMongodb({ members: 3 });
	}, 120_000);
	afterAll(async () => {
		for (const follower of followers) follower.stop();
		for (const server of running) await server.stop("SIGKILL");
		await Promise.all(followers.map(({ ended }) => ended));
		await mongodb.stop();
	});

	async function started(uri: string, folder: string): Promise<TestServer> {
		mkdirSync(join(folder, "cache"), { recursive: true });
		const server = await startServer({
			CACHE_DIR: join(folder, "cache"),
			DATA_DIR: join(folder, "data"),
			AUDIT_MONGODB_URI: uri,
			AUDIT_SECRET: "the secret of both servers",
			LOG_LEVEL: "error",
		});
		running.push(server);
		return server;
	}

	// Subscribers' tokens end every few seconds, so that each of them also comes back with new ones.
	it(
		`lose and repeat nothing for ${SUBSCRIBERS} subscribers through ${OPERATIONS} operations, two elections, a killed primary and a killed server`,
		async () => {
			const { uri, db } = mongodb.newDatabase();
			const folders = [temporaryFolder(), temporaryFolder()] as const;
			const servers = [await started(uri, folders[0]), await started(uri, folders[1])];
			const token = await testToken("ADMIN");
			const empty = await servers[0]?.query<{ auditLog: { liveCursor: string } }>("{ auditLog(first: 1) { liveCursor } }");
			const start = empty?.data.auditLog.liveCursor as string;
			followers.push(
				...Array.from({ length: SUBSCRIBERS }, (_, i) => followLog(servers, i, start, () => testToken("ADMIN", "follower", "8s"))),
			);

			const acknowledged: string[] = [];
			let asked = 0;
			let operating: Promise<unknown> = Promise.resolve();
			/** Resolves when so many operations were answered. */
			const reached = (count: number): Promise<unknown> =>
				Promise.race([operating, eventually(() => expect(acknowledged.length).toBeGreaterThanOrEqual(count), { withinMs: 600_000 })]);
			async function operate(_: unknown, caller: number): Promise<void> {
				for (let at = caller; asked < OPERATIONS; at++) {
					const server = servers[at % servers.length] as TestServer;
					asked++;
					try {
						// Refused, because there is no such job, or nobody can say so during an election; and recorded as such.
						const { errors } = await server.query('mutation { cancelJob(id: "j0") { job { id } } }', {}, token);
						const { code, requestId } = errors?.[0]?.extensions ?? {};
						expect(["NOT_FOUND", "QUEUE_UNAVAILABLE"]).toContain(code);
						acknowledged.push(requestId as string);
					} catch (error) {
						// The killed server answers nobody; the next one is asked.
						if ((error as Error).name !== "TypeError") throw error;
						asked--;
						await new Promise((turn) => setTimeout(turn, RECONNECT_MS));
					}
				}
			}
			operating = Promise.all(Array.from({ length: CALLERS }, operate));
			await reached(OPERATIONS * 0.15);
			await mongodb.stepDown();
			await reached(OPERATIONS * 0.35);
			await servers[0]?.stop("SIGKILL");
			servers[0] = await started(uri, folders[0]);
			await reached(OPERATIONS * 0.55);
			const killed = await mongodb.primary();
			await mongodb.nodes[killed]?.kill();
			await reached(OPERATIONS * 0.8);
			await mongodb.nodes[killed]?.restart();
			await mongodb.stepDown();
			await operating;

			const ids = await sealedIds(db, acknowledged);
			await eventually(() => expect(followers.map(({ seen }) => seen.length)).toEqual(followers.map(() => ids.length)), {
				withinMs: 30_000,
			});
			for (const { seen } of followers) expect(seen).toEqual(ids);
			expect(followers.filter(({ reconnects }) => reconnects > 0).length).toBeGreaterThanOrEqual(SUBSCRIBERS / 2);

			const survivor = servers[1] as TestServer;
			expect(await verified(survivor)).toEqual({ valid: true, checked: ids.length, problems: [] });
			const victims = { edited: ids[20] as string, removed: ids[40] as string };
			const tail = ids.slice(-3);
			await db.collection<{ _id: string }>("operation_logs").updateOne({ _id: victims.edited }, { $set: { username: "mallory" } });
			await db.collection<{ _id: string }>("operation_logs").deleteOne({ _id: victims.removed });
			await db.collection("operation_log_seals").deleteMany({ entry: { $in: tail } });
			await db.collection<{ _id: string }>("operation_logs").deleteMany({ _id: { $in: tail } });
			const { valid, problems } = await verified(survivor);
			expect(valid).toBe(false);
			expect(problems).toEqual([
				{ kind: "EDITED", sequence: 21, entryId: victims.edited },
				{ kind: "MISSING", sequence: 41, entryId: victims.removed },
				{ kind: "TAIL_CUT", sequence: ids.length - 2, entryId: null },
			]);
		},
		LONG ? 3_600_000 : 180_000,
	);

	it(`C3: goes on while the primary is frozen for ${FROZEN_MS / 1000} s, and is one log when that one wakes`, async () => {
		const { uri } = mongodb.newDatabase();
		const logs = [await openTestAudit({ uri, dataDir: temporaryFolder() }), await openTestAudit({ uri, dataDir: temporaryFolder() })];
		const heard = logs.map(({ audit }) => {
			const ids: string[] = [];
			audit.onAppended(({ entry }) => ids.push(entry.id));
			return ids;
		});
		const recorded: string[] = [];
		let longestMs = 0;
		let going = true;
		const writing = Promise.all(
			logs.map(async ({ audit }) => {
				while (going) {
					const began = performance.now();
					const ticket = await audit.begin(intentOf("alice"));
					await audit.end(ticket, outcomeOf());
					recorded.push(ticket);
					longestMs = Math.max(longestMs, performance.now() - began);
				}
			}),
		);
		async function more(count: number): Promise<void> {
			const wanted = recorded.length + count;
			await Promise.race([writing, eventually(() => expect(recorded.length).toBeGreaterThan(wanted), { withinMs: 30_000 })]);
		}
		try {
			await more(20);
			const primary = mongodb.nodes[await mongodb.primary()];
			const thawed = new Promise((thaw) => setTimeout(thaw, FROZEN_MS));
			primary?.freeze();
			await more(20);
			// The others have elected one of themselves by then.
			for (const { audit } of logs) await eventually(() => audit.page({}, forward(1)), { withinMs: 20_000 });
			await thawed;
			primary?.thaw();
			await more(20);
		} finally {
			going = false;
			await writing;
		}
		await eventually(() => expect(heard.map(({ length }) => length)).toEqual([recorded.length, recorded.length]), { withinMs: 30_000 });
		expect(heard[0]).toEqual(heard[1]);
		expect([...(heard[0] ?? [])].sort()).toEqual([...recorded].sort());
		for (const { audit } of logs)
			expect(await audit.verify({ since: null, until: null })).toEqual({ checked: recorded.length, problems: [] });
		// Intent and entry wait for an answer for four seconds each, then for the disk.
		expect(longestMs).toBeLessThan(12_000);
		for (const { close } of logs) await close();
	});
});

/** Of the whole log, in order, when every operation that was answered is in it, once. */
async function sealedIds(db: mongo.Db, acknowledged: readonly string[]): Promise<string[]> {
	return eventually(
		async () => {
			const entries = await db.collection("operation_logs").find().toArray();
			const seals = await db.collection("operation_log_seals").find().sort({ _id: 1 }).toArray();
			const recorded = entries.map(({ request_id }) => request_id as string);
			expect(new Set(recorded).size).toBe(recorded.length);
			expect(recorded).toEqual(expect.arrayContaining([...acknowledged]));
			expect(seals.map(({ _id }) => _id)).toEqual(seals.map((_, i) => i + 1));
			expect(seals.map(({ entry }) => entry).sort()).toEqual(entries.map(({ _id }) => String(_id)).sort());
			return seals.map(({ entry }) => entry as string);
		},
		{ withinMs: 30_000 },
	);
}

async function verified(server: TestServer) {
	const { data, errors } = await server.query<{
		auditVerify: { valid: boolean; checked: number; problems: { kind: string; sequence: number; entryId: string | null }[] };
	}>("{ auditVerify { valid checked problems { kind sequence entryId } } }");
	expect(errors).toBeUndefined();
	return data.auditVerify;
}
