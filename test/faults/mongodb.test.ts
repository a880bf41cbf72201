import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { mongo } from "mongoose";
import type { CacheBackend, RemovalOutcome } from "../../src/backends/backend.js";
import type { SourceListener } from "../../src/backends/entry-source.js";
import { openMongodbBackend } from "../../src/backends/mongodb/mongodb-backend.js";
import { openSource } from "../../src/backends/mongodb/mongodb-source.js";
import type { EntryRef } from "../../src/core/entry.js";
import { CachewardenError } from "../../src/core/errors.js";
import { COLLECTIONS, fillStocks, refsOfCollection, SETTINGS, stockDocument } from "../testkit/documents.js";
import { eventually } from "../testkit/eventually.js";
import { startMongodb, type TestMongodb, type TestNode } from "../testkit/mongodb.js";

const SOAK = process.env.SOAK === "1";
const FROZEN_MS = SOAK ? 60_000 : 5_000;
const MANY = SOAK ? 1_000_000 : 20_000;
const WITHIN = { withinMs: 30_000 };
const never = new AbortController().signal;
const ONCE = { signal: never, resumed: false };
const AWAY = /^BACKEND_(UNAVAILABLE|TIMEOUT)$/;

function tally(outcomes: readonly RemovalOutcome[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
	return counts;
}

describe("a MongoDB layer whose server fails", () => {
	let mongodb: TestMongodb;
	let node: TestNode;
	let db: mongo.Db;
	let stocks: mongo.Collection<mongo.Document & { _id: string }>;
	let backend: CacheBackend;
	beforeAll(async () => {
		mongodb = await startMongodb({ members: SOAK ? 3 : 1, own: true, testCommands: true });
	});
	afterAll(() => mongodb.stop());
	beforeEach(async () => {
		node = mongodb.nodes[await mongodb.primary()] as TestNode;
		const made = mongodb.newDatabase();
		db = made.db;
		stocks = db.collection("stock_data");
		backend = openMongodbBackend({ uri: mongodb.uri, database: made.name, collections: COLLECTIONS });
	});
	afterEach(async () => {
		await backend.close();
		await db.dropDatabase();
	});

	async function seeded(count: number): Promise<EntryRef[]> {
		await fillStocks(stocks as never, count, { dataBytes: 300 });
		return refsOfCollection(db, "stock_data");
	}

	it("C3: answers with named errors while it is frozen, and works again by itself", async () => {
		const refs = await seeded(1_200);
		await backend.close();
		backend = openMongodbBackend({ uri: mongodb.uri, database: db.databaseName, collections: COLLECTIONS, electionMs: 1_000 });
		expect(await backend.health()).toMatchObject([{ available: true }]);
		for (const each of SOAK ? mongodb.nodes : [node]) each.freeze();
		const frozenAt = performance.now();
		const [health] = await backend.health();
		expect(performance.now() - frozenAt).toBeLessThan(2_000);
		expect(health).toMatchObject({ available: false, error: { code: expect.stringMatching(AWAY) } });
		await expect(backend.preview(refs[0] as EntryRef, 10)).rejects.toMatchObject({ code: expect.stringMatching(AWAY) });
		const outcomes = await backend.remove(refs, ONCE);
		expect(tally(outcomes)).toEqual({ failed: refs.length });
		for (const outcome of outcomes) expect(outcome).toMatchObject({ failure: { code: expect.stringMatching(AWAY) } });
		await new Promise((turn) => setTimeout(turn, Math.max(0, FROZEN_MS - (performance.now() - frozenAt))));
		for (const each of mongodb.nodes) each.thaw();
		await eventually(async () => expect(await backend.health()).toMatchObject([{ available: true }]), WITHIN);
		// What had been sent before may have been done since: it counts as gone.
		const again = await backend.remove(refs, { signal: never, resumed: true });
		expect(tally(again)).toEqual({ deleted: refs.length });
		expect(await stocks.countDocuments()).toBe(0);
	});

	it("removes everything once although the primary steps down in the middle", async () => {
		const refs = await seeded(4_000);
		const removing = backend.remove(refs, ONCE);
		await eventually(async () => expect(await stocks.countDocuments()).toBeLessThan(refs.length), { ...WITHIN, everyMs: 1 });
		await mongodb.stepDown();
		const outcomes = await removing;
		expect(tally(outcomes)).toEqual({ deleted: refs.length });
		expect(outcomes.map(({ id }) => id)).toEqual(refs.map(({ id }) => id));
		expect(await stocks.countDocuments()).toBe(0);
	});

	it("keeps every document that another program rewrites before its turn comes", async () => {
		const refs = await seeded(3_000);
		const rewritten: string[] = [];
		let busy = true;
		const writer = (async () => {
			for (let i = refs.length - 1; i >= 0 && busy; i--) {
				const { key } = refs[i] as EntryRef;
				const { created_at, updated_at } = stockDocument(i, { createdAt: new Date() });
				const { matchedCount } = await stocks.updateOne({ _id: key }, { $set: { created_at, updated_at } });
				if (matchedCount === 1) rewritten.push(key);
			}
		})();
		await eventually(() => expect(rewritten.length).toBeGreaterThan(10), WITHIN);
		const outcomes = new Map((await backend.remove(refs, ONCE)).map((outcome) => [outcome.id, outcome.outcome]));
		busy = false;
		await writer;
		const left = new Set((await stocks.find({}, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id));
		expect(rewritten.filter((key) => !left.has(key))).toEqual([]);
		for (const { id, key } of refs) expect(outcomes.get(id)).toBe(left.has(key) && rewritten.includes(key) ? "skipped" : "deleted");
	});

	it("D8: lets others work while it removes very many documents, and stops when it is told to", async () => {
		const refs = await seeded(MANY);
		const others = db.collection<mongo.Document & { _id: number }>("accounts");
		await others.insertOne({ _id: 1, n: 0 });
		let served = 0;
		let busy = true;
		const other = (async () => {
			while (busy) {
				await others.updateOne({ _id: 1 }, { $inc: { n: 1 } });
				served++;
			}
		})();
		const cancel = new AbortController();
		const removing = backend.remove(refs, { signal: cancel.signal, resumed: false });
		const servedBefore = served;
		await eventually(async () => expect(await stocks.countDocuments()).toBeLessThan(refs.length), { withinMs: 600_000, everyMs: 1 });
		await eventually(() => expect(served).toBeGreaterThan(servedBefore + 3), { withinMs: 600_000, everyMs: 1 });
		cancel.abort();
		const outcomes = await removing;
		busy = false;
		await other;
		// It was served while there still was much to be removed.
		const { deleted = 0, ...nothingElse } = tally(outcomes);
		expect(nothingElse).toEqual({});
		expect(deleted).toBeGreaterThan(0);
		expect(deleted).toBeLessThan(refs.length);
		expect(await stocks.countDocuments()).toBe(refs.length - deleted);
	});

	it("removes by ids what an index by time was to lead to, when that is gone by the time of the command", async () => {
		await stocks.createIndex({ created_at: 1 });
		const refs = await seeded(4_000);
		await db.setProfilingLevel("all");
		// Several are under way when the first of them is refused.
		await mongodb.failPoint("failCommand", { times: 3 }, { failCommands: ["delete"], errorCode: 2, appName: "cachewarden" });
		const outcomes = await backend.remove(refs, ONCE);
		expect(tally(outcomes)).toEqual({ deleted: 4_000 });
		const plans = await db.collection("system.profile").find({ op: "remove" }).toArray();
		expect(new Set(plans.map(({ planSummary }) => planSummary))).toEqual(new Set(["IXSCAN { created_at: 1 }", "IXSCAN { _id: 1 }"]));
	});

	it("looks for few among many by their ids", async () => {
		await stocks.createIndex({ created_at: 1 });
		const refs = (await seeded(3_000)).filter((_, i) => i % 3 === 0);
		await db.setProfilingLevel("all");
		expect(tally(await backend.remove(refs, ONCE))).toEqual({ deleted: 1_000 });
		const [plan, ...others] = await db.collection("system.profile").find({ op: "remove" }).toArray();
		expect(plan).toMatchObject({ planSummary: "IXSCAN { _id: 1 }", ndeleted: 1_000 });
		expect(others).toEqual([]);
	});

	it("goes on watching after history was lost, a collection dropped, and the primary changed, and says where something may be missing", async () => {
		const source = openSource({ uri: mongodb.uri, database: db.databaseName, ...SETTINGS });
		const keys: string[] = [];
		const breaks: (string | null)[] = [];
		const listener: SourceListener = {
			changed: (_, changed) => void keys.push(...changed),
			broken: (place) => void breaks.push(place),
		};
		const isTold = async (key: string): Promise<void> => {
			await stocks.insertOne({ _id: key, data: "value" });
			await eventually(() => expect(keys).toContain(key), WITHIN);
		};
		try {
			await source.watch(listener);
			await isTold("before");
			await mongodb.stepDown();
			await isTold("after the step-down");
			expect(breaks).toEqual([]);
			await stocks.drop();
			await eventually(() => expect(breaks).toEqual(["stock_data"]), WITHIN);
			await isTold("after the drop");
			await mongodb.failPoint("failCommand", { times: 1 }, { failCommands: ["getMore"], errorCode: 286, appName: "cachewarden" });
			await eventually(() => expect(breaks).toEqual(["stock_data", null]), WITHIN);
			await isTold("after the loss");
			await db.dropDatabase();
			await eventually(() => expect(breaks.slice(2)).toContain(null), WITHIN);
			expect((await source.watch(listener)).get("stock_data")).toBeNull();
			await isTold("after the database was dropped");
		} finally {
			await source.close();
		}
	});
});

describe("a MongoDB layer that asks for a password, without a replica set", () => {
	const user = { name: "warden", password: "p@ss:w/rd" };
	let mongodb: TestMongodb;
	beforeAll(async () => {
		mongodb = await startMongodb({ members: 0, user });
	});
	afterAll(() => mongodb.stop());

	it("names what is wrong with the login, and never the password", async () => {
		const uri = mongodb.uri.replace(encodeURIComponent(user.password), "another-password");
		const backend = openMongodbBackend({ uri, database: "test", collections: COLLECTIONS });
		const [health] = await backend.health();
		await backend.close();
		expect(health).toMatchObject({ available: false, error: { code: "BACKEND_UNAVAILABLE", said: { key: "mongodb.login" } } });
		expect(JSON.stringify(health)).not.toContain("another-password");
		expect(JSON.stringify(health)).not.toContain("p@ss");
	});

	it("names what its user may not do", async () => {
		await mongodb.client.db("admin").command({ createUser: "reader", pwd: "reader", roles: [] });
		const { name, db } = mongodb.newDatabase();
		await fillStocks(db.collection("stock_data"), 3);
		const refs = await refsOfCollection(db, "stock_data");
		const uri = mongodb.uri.replace(/\/\/.*@/, "//reader:reader@");
		const backend = openMongodbBackend({ uri, database: name, collections: COLLECTIONS });
		for (const outcome of await backend.remove(refs, ONCE))
			expect(outcome).toMatchObject({ outcome: "failed", failure: { said: { key: "mongodb.forbidden" } } });
		await backend.close();
		const source = openSource({ uri, database: name, ...SETTINGS });
		await expect(source.scan(["stock_data"], async () => undefined, never)).rejects.toBeInstanceOf(CachewardenError);
		await source.close();
	});

	it("says that it can't be followed, and is read and cleaned all the same", async () => {
		const { name, db } = mongodb.newDatabase();
		await fillStocks(db.collection("stock_data"), 20);
		const source = openSource({ uri: mongodb.uri, database: name, ...SETTINGS });
		const problems = await source.watch({ changed: () => undefined, broken: () => undefined });
		expect([...problems.keys()]).toEqual(source.places);
		for (const problem of problems.values()) expect(problem).toContain("--replSet");
		expect(await source.barrier()).toBe(false);
		let entries = 0;
		await source.scan(
			["stock_data"],
			async (_, found) => {
				entries += found.length;
			},
			never,
		);
		expect(entries).toBe(20);
		await source.close();
		const backend = openMongodbBackend({ uri: mongodb.uri, database: name, collections: COLLECTIONS });
		expect(tally(await backend.remove(await refsOfCollection(db, "stock_data"), ONCE))).toEqual({ deleted: 20 });
		await backend.close();
	});
});
