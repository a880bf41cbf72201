/** A3 and A4 on MongoDB: documents are changed by another program; verification names what it did. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { mongo } from "mongoose";
import type { AuditLog } from "../../src/audit/port.js";
import { intentOf, outcomeOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { killAll, linesOf } from "../testkit/lines-of.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type OpenedAudit, openTestAudit } from "../testkit/mongodb-audit.js";
import { codeOf } from "../testkit/promises.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ENTRIES = 12;
type Stored = mongo.Document & { readonly _id: string };

describe("an audit log in MongoDB that somebody changes from outside", () => {
	let mongodb: TestMongodb;
	let uri: string;
	let dataDir: string;
	let logs: mongo.Collection<Stored>;
	let seals: mongo.Collection<mongo.Document & { readonly _id: number }>;
	let intents: mongo.Collection<Stored>;
	let opened: OpenedAudit[] = [];
	let audit: AuditLog;
	beforeAll(async () => {
		mongodb = await startMongodb();
	});
	afterAll(() => mongodb.stop());

	async function open(folder = dataDir, secret?: string): Promise<OpenedAudit> {
		const one = await openTestAudit({ uri, dataDir: folder, ...(secret === undefined ? {} : { secret }) });
		opened.push(one);
		await eventually(() => one.audit.head(), { withinMs: 20_000 });
		return one;
	}
	async function close(): Promise<void> {
		for (const one of opened) await one.close();
		opened = [];
	}
	async function reopen(): Promise<OpenedAudit> {
		await close();
		const one = await open();
		audit = one.audit;
		return one;
	}
	async function record(count: number, into = audit): Promise<void> {
		await Promise.all(
			Array.from({ length: count }, async (_, i) => into.end(await into.begin(intentOf("alice", { details: { i } })), outcomeOf())),
		);
	}
	async function idOf(sequence: number): Promise<string> {
		return (await seals.findOne({ _id: sequence }))?.entry as string;
	}
	async function problems(of = audit) {
		const { problems: found } = await of.verify({ since: null, until: null });
		return found.map(({ kind, sequence, entryId }) => ({ kind, sequence, entryId }));
	}

	beforeEach(async () => {
		const database = mongodb.newDatabase();
		({ uri } = database);
		logs = database.db.collection("operation_logs");
		seals = database.db.collection("operation_log_seals");
		intents = database.db.collection("operation_log_intents");
		dataDir = temporaryFolder();
		({ audit } = await open());
		await record(ENTRIES);
		expect(await problems()).toEqual([]);
	});
	afterEach(async () => {
		await killAll();
		await close();
	});

	it.each([
		["the user's name", { username: "mallory" }],
		["the outcome", { success: false }],
		["the details", { "details.i": 99 }],
		["the time", { timestamp: new Date(0) }],
		["the error", { error_said: { key: "error.forbidden", facts: {} } }],
		["the origin", { origin: "CLI" }],
		["the time to something that is none", { timestamp: "yesterday" }],
	])("names an entry of which %s was edited, also after a restart", async (_what, change) => {
		const edited = { kind: "EDITED", sequence: 7, entryId: await idOf(7) };
		await logs.updateOne({ _id: await idOf(7) }, { $set: change });
		expect(await problems()).toEqual([edited]);
		await reopen();
		await record(2);
		expect(await problems()).toEqual([edited]);
	});

	it("names a seal that was edited, in its hash and in what lists are filtered by", async () => {
		await seals.updateOne({ _id: 3 }, { $set: { hash: "0".repeat(64) } });
		await seals.updateOne({ _id: 9 }, { $set: { user_id: "bob" } });
		expect(await problems()).toEqual([
			{ kind: "EDITED", sequence: 3, entryId: await idOf(3) },
			{ kind: "EDITED", sequence: 9, entryId: await idOf(9) },
		]);
	});

	it("names an entry without a seal, and a seal without an entry", async () => {
		const [lost, bare] = [await idOf(4), await idOf(8)];
		await logs.deleteOne({ _id: lost });
		await seals.deleteOne({ _id: 8 });
		expect(await problems()).toEqual([
			{ kind: "MISSING", sequence: 4, entryId: lost },
			{ kind: "MISSING", sequence: 8, entryId: null },
			{ kind: "INSERTED", sequence: null, entryId: bare },
		]);
	});

	it("gives no seal to an entry that nobody who knows the secret wrote, and names it", async () => {
		const copy = (await logs.findOne({ _id: await idOf(5) })) as Stored;
		const inserted = { kind: "INSERTED", sequence: null, entryId: "aforged" };
		await intents.insertOne({ _id: "aforged", intent: null, signature: "x" } as Stored);
		await logs.insertOne({ ...copy, _id: "aforged" });
		await record(2);
		expect(await problems()).toEqual([inserted]);
		await reopen();
		await record(1);
		expect(await problems()).toEqual([inserted]);
	});

	it("goes on behind a seal that somebody put at the end, and names it", async () => {
		const copy = (await logs.findOne({ _id: await idOf(5) })) as Stored;
		const last = (await seals.findOne({ _id: ENTRIES })) as mongo.Document;
		await logs.insertOne({ ...copy, _id: "aforged" });
		await seals.insertOne({ ...last, _id: ENTRIES + 1, entry: "aforged", previous_hash: last.hash, hash: last.hash });
		const forged = { kind: "INSERTED", sequence: ENTRIES + 1, entryId: "aforged" };
		expect(await problems()).toEqual([forged]);
		await record(3);
		expect(await problems()).toEqual([forged]);
		await reopen();
		await record(1);
		expect(await problems()).toEqual([forged]);
	});

	it("sees a cut tail although what is left is whole, also after the log went on", async () => {
		const cut = await Promise.all([10, 11, 12].map(idOf));
		await logs.deleteMany({ _id: { $in: cut } });
		await seals.deleteMany({ _id: { $gte: 10 } });
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: 10, entryId: null }]);
		const { logged } = await reopen();
		expect(logged.join()).toContain("missing from the end");
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: 10, entryId: null }]);
		await record(2);
		expect(await problems()).toEqual([{ kind: "MISSING", sequence: 10, entryId: null }]);
	});

	it("sees that everything was removed", async () => {
		await logs.deleteMany({});
		await seals.deleteMany({});
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: 1, entryId: null }]);
	});

	it("says that the checkpoints of a data folder were removed or changed, and takes a new folder for what it is", async () => {
		const file = join(dataDir, "audit-mongodb.checkpoints");
		await close();
		const kept = readFileSync(file, "utf8");
		rmSync(file);
		await reopen();
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: ENTRIES, entryId: null }]);
		await close();
		writeFileSync(file, kept.replaceAll(`"sequence":${ENTRIES}`, `"sequence":${ENTRIES - 1}`));
		await reopen();
		expect(readdirSync(dataDir).filter((name) => name.startsWith("audit-mongodb.checkpoints.rejected"))).toHaveLength(1);
		const other = await open(temporaryFolder());
		expect(await problems(other.audit)).toEqual([]);
	});

	it("refuses a process with another secret, and says which setting is wrong", async () => {
		expect(await codeOf(open(temporaryFolder(), "another secret"))).toBe("AUDIT_UNAVAILABLE");
		await expect(open(temporaryFolder(), "another secret")).rejects.toThrow(/AUDIT_SECRET/);
	});

	it("A4: has one chain while two processes write, also when the one that seals is killed; the other takes over within 5 s", async () => {
		await close();
		const child = linesOf<{ readonly recorded?: string }>("audit-child.ts", [uri, temporaryFolder()]);
		await child.line(({ recorded }) => recorded !== undefined);
		({ audit } = await open());
		await record(64);
		child.process.kill("SIGKILL");
		const killedAt = Date.now();
		const ticket = await audit.begin(intentOf("after"));
		await audit.end(ticket, outcomeOf());
		await eventually(async () => expect(await audit.get(ticket)).not.toBeNull(), { withinMs: 5_000 - (Date.now() - killedAt) });
		await record(64);
		expect(await problems()).toEqual([]);
		const order = await seals.find().sort({ _id: 1 }).toArray();
		expect(order.map(({ _id }) => _id)).toEqual(order.map((_, i) => i + 1));
		expect(new Set(order.map(({ sealer }) => sealer)).size).toBeGreaterThanOrEqual(2);
	});
});
