/** The audit log on MongoDB beside documents of another program, with more entries than one segment of its keyword index, and without replica set. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import mongoose, { type mongo } from "mongoose";
import type { AuditEntry, AuditFilter, AuditLog } from "../../src/audit/port.js";
import { forward, intentOf, outcomeOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type OpenedAudit, openTestAudit } from "../testkit/mongodb-audit.js";
import { temporaryFolder } from "../testkit/temporary.js";

const SEGMENT = 4_096;

const opened: OpenedAudit[] = [];

/** Called in a suite: what its tests open is closed before their folders go. */
function closeAfterEach(): void {
	afterEach(async () => {
		for (const one of opened.splice(0)) await one.close();
	});
}

async function open(uri: string): Promise<OpenedAudit> {
	const one = await openTestAudit({ uri, dataDir: temporaryFolder() });
	opened.push(one);
	await eventually(() => one.audit.head(), { withinMs: 20_000 });
	return one;
}

async function record(audit: AuditLog, details: Record<string, unknown>): Promise<string> {
	const ticket = await audit.begin(intentOf("alice", { details }));
	await audit.end(ticket, outcomeOf());
	return ticket;
}

/** As the original system writes it. */
function foreign(action: string, at: number, change: mongo.Document = {}): mongo.Document {
	return {
		user_id: "admin",
		username: "管理员",
		action_type: "data_import",
		action,
		details: { source: "tushare" },
		success: true,
		error_message: null,
		duration_ms: 12.6,
		ip_address: "192.0.2.9",
		user_agent: "Mozilla",
		session_id: "s1",
		timestamp: new Date(at),
		created_at: new Date(at),
		...change,
	};
}

describe("the audit log in MongoDB", () => {
	let mongodb: TestMongodb;
	beforeAll(async () => {
		mongodb = await startMongodb();
	});
	afterAll(() => mongodb.stop());
	closeAfterEach();

	it("shows documents of the original system in their place, and takes them neither for its own nor for tampering", async () => {
		const { uri, db } = mongodb.newDatabase();
		const { audit } = await open(uri);
		const logs = db.collection("operation_logs");
		const own: string[] = [];
		for (let i = 0; i < 4; i++) {
			own.push(await record(audit, { i }));
			const at = Date.now() + 1;
			await logs.insertMany([foreign(`import ${i}a`, at), foreign(`import ${i}b`, at)]);
			// The next of ours is sealed after them.
			await eventually(() => expect(Date.now()).toBeGreaterThan(at), { withinMs: 5_000 });
		}
		const whole = await audit.page({}, forward(50));
		expect(whole.items.map(({ node }) => (node.sequence === null ? node.action : node.sequence))).toEqual(
			[3, 2, 1, 0].flatMap((i) => [`import ${i}b`, `import ${i}a`, i + 1]),
		);
		expect(whole.totalCount).toBe(12);
		const [imported] = whole.items.filter(({ node }) => node.sequence === null);
		expect(imported?.node).toMatchObject({
			origin: null,
			hash: null,
			sequence: null,
			requestId: null,
			userId: "admin",
			username: "管理员",
			actionType: "data_import",
			durationMs: 13,
			details: { source: "tushare" },
		});
		expect(imported?.node.id).toMatch(/^ao[0-9a-f]{24}$/);
		expect(await audit.get(imported?.node.id as string)).toEqual(imported?.node);

		for (let limit = 1; limit <= 5; limit++)
			for (const direction of ["forward", "backward"] as const) {
				const read: AuditEntry[] = [];
				for (let cursor: string | null = null; ; ) {
					const page = await audit.page({}, { direction, limit, cursor });
					const nodes = page.items.map(({ node }) => node);
					if (direction === "forward") read.push(...nodes);
					else read.unshift(...nodes);
					if (!(direction === "forward" ? page.hasNextPage : page.hasPreviousPage)) break;
					cursor = (direction === "forward" ? page.items.at(-1) : page.items[0])?.cursor as string;
				}
				expect([direction, limit, read]).toEqual([direction, limit, whole.items.map(({ node }) => node)]);
			}
		// A foreign document's cursor goes on live, too.
		const after = await audit.readAfter(whole.items[4]?.cursor as string, 10);
		expect(after.map(({ entry }) => entry.sequence)).toEqual([4]);

		const count = async (filter: AuditFilter): Promise<number> => (await audit.page(filter, forward(50))).totalCount;
		expect(await count({ foreign: true })).toBe(8);
		expect(await count({ foreign: false })).toBe(4);
		expect(await count({ actionTypes: ["data_import"] })).toBe(8);
		expect(await count({ userId: "admin" })).toBe(8);
		expect(await count({ keyword: "IMPORT 2" })).toBe(2);
		expect(await count({ keyword: "管理" })).toBe(8);
		expect((await audit.stats({}, "UTC")).total).toBe(12);
		expect(await audit.verify({ since: null, until: null })).toEqual({ checked: 4, problems: [] });
	});

	it("shows whatever another program wrote, however little of the form it has", async () => {
		const { uri, db } = mongodb.newDatabase();
		const { audit } = await open(uri);
		const odd: mongo.Document[] = [
			{ timestamp: new Date(1000) },
			{ ...foreign("numbers", 2000), user_id: 7, details: "text", success: false, error_message: "失败" },
			{ ...foreign("object id", 3000), user_id: new mongoose.mongo.ObjectId("0123456789abcdef01234567"), details: [1] },
			{ ...foreign("text id", 4000), _id: "own:1" },
		];
		await db.collection("operation_logs").insertMany(odd);
		const page = await audit.page({}, forward(10));
		expect(page.items.map(({ node }) => node.action)).toEqual(["text id", "object id", "numbers", ""]);
		expect((await audit.page({ userId: "7" }, forward(10))).items[0]?.node).toMatchObject({ success: false, errorMessage: "失败" });
		expect((await audit.page({ userId: "0123456789abcdef01234567" }, forward(10))).totalCount).toBe(1);
		for (const { node } of page.items) expect(await audit.get(node.id)).toEqual(node);
	});

	it("is not led astray by ids that somebody else gave to what looks like an entry", async () => {
		const { uri, db } = mongodb.newDatabase();
		const { audit, feed } = await open(uri);
		const heard: (number | null)[] = [];
		audit.onAppended(({ entry }) => heard.push(entry.sequence));
		const first = await record(audit, {});
		const odd = [
			new mongoose.mongo.ObjectId(),
			5,
			"短",
			null,
			{ a: 1 },
			`${first.slice(0, 16)}0000000`,
			`${first.slice(0, 10)}短`.repeat(2),
		];
		await db.collection("operation_logs").insertMany(odd.map((_id) => ({ _id: _id as never, signature: "x" })));
		await record(audit, {});
		await eventually(() => expect(heard).toEqual([1, 2]), { withinMs: 5_000 });
		expect(feed.state()).toMatchObject({ kind: "stream", restarts: 0 });
	});

	it("keeps details as they were given, whatever is in them", async () => {
		const { uri } = mongodb.newDatabase();
		const { audit } = await open(uri);
		let deep: Record<string, unknown> = {};
		for (let i = 0; i < 150; i++) deep = { deep };
		const id = await record(audit, {
			$ref: "x",
			"a.b": 1,
			_bsontype: "ObjectId",
			half: "\ud800!",
			big: 2 ** 53 - 1,
			small: 0.1,
			nan: Number.NaN,
			deep,
		});
		expect((await audit.get(id))?.details).toMatchObject({ "a.b": 1, half: "\ufffd!", big: 2 ** 53 - 1, small: 0.1, nan: null });
		expect((await audit.verify({ since: null, until: null })).problems).toEqual([]);
	});

	it(`finds keywords through its index among more than ${SEGMENT} entries, in order and from any page on`, async () => {
		const { uri, db } = mongodb.newDatabase();
		const { audit, close } = await open(uri);
		const rare = [5, 700, 701, SEGMENT - 1, SEGMENT + 30];
		let next = 0;
		await Promise.all(
			Array.from({ length: 256 }, async () => {
				while (next < SEGMENT + 60) {
					const i = next++;
					await record(audit, { number: i, note: rare.includes(i) ? "Zebra 旧缓存" : "horse" });
				}
			}),
		);
		await eventually(async () => expect(await db.collection("operation_log_search").countDocuments()).toBeGreaterThan(100), {
			withinMs: 30_000,
		});
		for (const keyword of ["zebra", "旧缓存", "旧", "EBRA 旧"]) {
			const page = await audit.page({ keyword }, forward(10));
			expect([keyword, page.totalCount, page.items.map(({ node }) => node.details.number as number).sort((a, b) => a - b)]).toEqual([
				keyword,
				rare.length,
				rare,
			]);
			const sequences = page.items.map(({ node }) => node.sequence as number);
			expect(sequences).toEqual([...sequences].sort((a, b) => b - a));
			const rest = await audit.page({ keyword }, forward(10, page.items[1]?.cursor as string));
			expect(rest.items.map(({ node }) => node.sequence)).toEqual(sequences.slice(2));
			const oldest = await audit.page({ keyword }, { direction: "backward", limit: 2, cursor: null });
			expect(oldest.items.map(({ node }) => node.sequence)).toEqual(sequences.slice(-2));
		}
		expect((await audit.page({ keyword: "zebra 1" }, forward(10))).totalCount).toBe(0);
		const exported: AuditEntry[] = [];
		for (let cursor: string | null = null; ; ) {
			const some = await audit.slice({}, cursor, 500);
			exported.push(...some.map(({ entry }) => entry));
			if (some.length < 500) break;
			cursor = some.at(-1)?.cursor as string;
		}
		expect(exported.map(({ sequence }) => sequence)).toEqual(Array.from({ length: SEGMENT + 60 }, (_, i) => SEGMENT + 60 - i));

		// A process that did not seal the entries reads them, and makes the same of them.
		const slices = db.collection<{ _id: string; bits: mongo.Binary }>("operation_log_search");
		const index = async (): Promise<string[]> =>
			(await slices.find().sort({ _id: 1 }).toArray()).map(({ _id, bits }) => `${_id} ${bits.toString("base64")}`);
		const made = await index();
		await close();
		opened.length = 0;
		await slices.deleteMany({});
		await db.collection<{ _id: string }>("operation_log_state").deleteOne({ _id: "search" });
		await open(uri);
		await eventually(async () => expect((await index()).length).toBe(made.length), { withinMs: 30_000 });
		expect(await index()).toEqual(made);
	}, 120_000);
});

describe("the audit log in a MongoDB without replica set", () => {
	let mongodb: TestMongodb;
	beforeAll(async () => {
		mongodb = await startMongodb({ members: 0 });
	});
	afterAll(() => mongodb.stop());
	closeAfterEach();

	it("C11: says so at the start, works all the same, and is live by polling, for other processes too", async () => {
		const { uri } = mongodb.newDatabase();
		const [first, second] = [await open(uri), await open(uri)];
		expect(first.feed.state().kind).toBe("polling");
		expect(first.logged.join()).toContain("without a replica set");
		const heard: (number | null)[] = [];
		second.audit.onAppended(({ entry }) => heard.push(entry.sequence));
		for (let i = 0; i < 3; i++) await record(first.audit, { i });
		await record(second.audit, { last: true });
		await eventually(() => expect(heard).toEqual([1, 2, 3, 4]), { withinMs: 10_000 });
		expect((await first.audit.page({}, forward(10))).items.map(({ node }) => node.sequence)).toEqual([4, 3, 2, 1]);
		expect(await second.audit.verify({ since: null, until: null })).toEqual({ checked: 4, problems: [] });
	});
});
