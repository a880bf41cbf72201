import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import mongoose, { type mongo } from "mongoose";
import type { CacheBackend } from "../../src/backends/backend.js";
import type { EntrySource, ReportedEntry } from "../../src/backends/entry-source.js";
import { openMongodbBackend } from "../../src/backends/mongodb/mongodb-backend.js";
import { openSource } from "../../src/backends/mongodb/mongodb-source.js";
import { HOUR_MS } from "../../src/core/clock.js";
import { type AnyDocument, COLLECTIONS, hashOfOthers, refsOfCollection, SETTINGS, sampleDocuments } from "../testkit/documents.js";
import { eventually } from "../testkit/eventually.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";

const { Binary, Decimal128, Long, ObjectId, UUID } = mongoose.mongo.BSON;
const ONCE = { signal: new AbortController().signal, resumed: false };
const CREATED = new Date("2026-11-20T08:00:00.250Z");

let mongodb: TestMongodb;
beforeAll(async () => {
	mongodb = await startMongodb();
});
afterAll(() => mongodb.stop());

describe("the MongoDB layer as the field's programs fill it", () => {
	let db: mongo.Db;
	let source: EntrySource;
	let backend: CacheBackend;
	beforeEach(() => {
		const made = mongodb.newDatabase();
		db = made.db;
		source = openSource({ uri: mongodb.uri, database: made.name, ...SETTINGS });
		backend = openMongodbBackend({ uri: mongodb.uri, database: made.name, collections: COLLECTIONS });
	});
	afterEach(async () => {
		await source.close();
		await backend.close();
		await db.dropDatabase();
	});

	async function fill(collection: string, ...documents: readonly AnyDocument[]): Promise<void> {
		await db.collection(collection).insertMany(documents as never[]);
	}

	async function entries(place: string): Promise<ReportedEntry[]> {
		const found: ReportedEntry[] = [];
		await source.scan([place], async (_, batch) => void found.push(...batch), ONCE.signal);
		return found;
	}

	it("tells the samples' types, times and sizes, and totals that an independent count agrees with", async () => {
		for (const [name, documents] of Object.entries(sampleDocuments())) await fill(name, ...documents);
		await fill("users", { _id: 1, name: "not a cache entry" });
		for (const { name, type } of COLLECTIONS.slice(0, 3)) {
			const found = await entries(name);
			const [counted] = await db
				.collection(name)
				.aggregate([{ $group: { _id: null, entries: { $sum: 1 }, bytes: { $sum: { $bsonSize: "$$ROOT" } } } }])
				.toArray();
			expect({ entries: found.length, bytes: found.reduce((sum, { size }) => sum + size, 0) }).toEqual({
				entries: counted?.entries,
				bytes: counted?.bytes,
			});
			for (const entry of found) {
				expect(entry).toMatchObject({ type, createdAtSource: "RECORDED", lastAccessedAt: null, orphaned: false, locator: entry.key });
				expect(entry.key).toContain(`:${entry.symbol}:`);
			}
		}
		const stocks = new Map((await entries("stock_data")).map((entry) => [entry.key, entry]));
		const american = stocks.get("stock:AMZN:79a85d4fc77b9baf");
		expect(american).toMatchObject({ createdAt: Date.parse("2026-11-22T16:56:56.083Z"), source: "tdx", symbol: "AMZN" });
		expect(american?.expiresAt).toBe((american?.createdAt ?? 0) + 2 * HOUR_MS);
		const chinese = stocks.get("stock:000858:e9304dea086a3e42");
		expect(chinese?.expiresAt).toBe((chinese?.createdAt ?? 0) + HOUR_MS);
		const news = (await entries("news_data")).find(({ symbol }) => symbol === "000858");
		expect(news?.expiresAt).toBe((news?.createdAt ?? 0) + 4 * HOUR_MS);
	});

	it("takes the type of the collection cache from the metadata, and its own expiry", async () => {
		const expires = new Date(CREATED.getTime() + 5 * HOUR_MS);
		await fill(
			"cache",
			{
				_id: "0".repeat(32),
				data: "gASV",
				data_type: "pickle",
				metadata: { symbol: "000001", data_type: "stock_data", data_source: "akshare" },
				timestamp: CREATED,
				expires_at: expires,
			},
			{ _id: "1".repeat(32), data: "{}", data_type: "dataframe", metadata: { symbol: "AAPL", data_type: "news_data" }, timestamp: CREATED },
			{ _id: "2".repeat(32), data: "{}", data_type: "dataframe" },
		);
		const common = { createdAt: CREATED.getTime(), createdAtSource: "RECORDED" };
		expect(await entries("cache")).toMatchObject([
			{ ...common, type: "stock_data", symbol: "000001", source: "akshare", expiresAt: expires.getTime() },
			{ ...common, type: "news", symbol: "AAPL", source: null, expiresAt: CREATED.getTime() + 6 * HOUR_MS },
			{ type: "unknown", createdAt: null, createdAtSource: "UNKNOWN", expiresAt: null },
		]);
	});

	it("reads times that are texts in the configured zone, and takes nothing else for a time", async () => {
		const times = ["2026-11-20T16:00:00.250000", "2026-11-20T08:00:00.250+00:00", "yesterday", 1_795_000_000, null, { $date: 1 }];
		await fill("stock_data", ...times.map((created_at, i) => ({ _id: `stock:A:${i}`, created_at })), { _id: "stock:A:9" });
		expect((await entries("stock_data")).map(({ createdAt }) => createdAt)).toEqual([
			CREATED.getTime(),
			CREATED.getTime(),
			...Array(5).fill(null),
		]);
	});

	it("lists and removes documents whatever their ids are, each under a key of its own", async () => {
		const oid = new ObjectId();
		const ids = [
			oid,
			oid.toHexString(),
			`{"$oid":"${oid.toHexString()}"}`,
			'{"$value":1}',
			"a\0b",
			"$price",
			"",
			7,
			1.5,
			Long.fromString("9007199254740993"),
			Decimal128.fromString("1.10"),
			true,
			new Date(0),
			new UUID(),
			new Binary(Buffer.from("binary")),
			{ symbol: "AAPL", day: 1 },
		];
		await fill("stock_data", ...ids.map((_id) => ({ _id, created_at: CREATED, data: "value" })));
		await db.collection<AnyDocument>("stock_data").insertOne({ _id: null, data: "value" });
		const found = await entries("stock_data");
		expect(new Set(found.map(({ key }) => key)).size).toBe(ids.length + 1);
		const keys = found.map(({ key }) => key);
		expect((await source.read("stock_data", keys)).map(({ key }) => key).sort()).toEqual([...keys].sort());
		const refs = await refsOfCollection(db, "stock_data");
		for (const ref of refs) expect(await backend.preview(ref, 100)).toMatchObject({ text: "value" });
		const outcomes = await backend.remove(refs, ONCE);
		expect(outcomes.filter(({ outcome }) => outcome !== "deleted")).toEqual([]);
		expect(await db.collection("stock_data").countDocuments()).toBe(0);
	});

	it("keeps what was rewritten without its times being touched, and removes what has no times at all", async () => {
		await fill(
			"stock_data",
			{ _id: "longer", created_at: CREATED, updated_at: CREATED, data: "a" },
			{ _id: "touched", created_at: CREATED, updated_at: CREATED, data: "a" },
			{ _id: "other symbol", created_at: CREATED, symbol: "AAPL", data: "a" },
			{ _id: "later expiry", timestamp: CREATED, expires_at: CREATED, data: "a" },
			{ _id: "cached", timestamp: CREATED, expires_at: CREATED, data: "a" },
			{ _id: "texts", created_at: "2026-11-20T16:00:00", updated_at: "$created_at", data: "a" },
			{ _id: "lists", created_at: [CREATED], updated_at: { $literal: 1 }, data: "a" },
			{ _id: "nothing" },
		);
		const refs = await refsOfCollection(db, "stock_data");
		const stocks = db.collection<mongo.Document & { _id: string }>("stock_data");
		await stocks.updateOne({ _id: "longer" }, { $set: { data: "bb" } });
		await stocks.updateOne({ _id: "touched" }, { $set: { updated_at: new Date(CREATED.getTime() + 1) } });
		await stocks.updateOne({ _id: "later expiry" }, { $set: { expires_at: new Date() } });
		await stocks.updateOne({ _id: "other symbol" }, { $set: { symbol: "MSFT" } });
		const outcomes = new Map((await backend.remove(refs, ONCE)).map((outcome, i) => [refs[i]?.key, outcome.outcome]));
		expect(Object.fromEntries(outcomes)).toEqual({
			longer: "skipped",
			touched: "skipped",
			"other symbol": "skipped",
			"later expiry": "skipped",
			cached: "deleted",
			texts: "deleted",
			lists: "deleted",
			nothing: "deleted",
		});
		expect((await stocks.find().toArray()).map(({ _id }) => _id).sort()).toEqual(["later expiry", "longer", "other symbol", "touched"]);
	});

	it.each([
		["as texts", "a text", false],
		["as values", 7, false],
		["as texts in a stretch of time", "a text", true],
		["as values in a stretch of time", 7, true],
	])(
		"keeps of a large batch, compared %s, what was rewritten since, even with the times of another of its documents",
		async (_, odd, byTime) => {
			const names = Array.from({ length: 700 }, (_, i) => `stock:S:${String(i).padStart(4, "0")}`);
			const data = "a".repeat(200);
			const at = (i: number): Date => new Date(CREATED.getTime() + i);
			await fill("stock_data", ...names.map((_id, i) => ({ _id, created_at: at(i), updated_at: at(i), data })));
			// Its id ends with another's, and that one gets its times and its size.
			const around = `${names[8]}x\n${names[8]}`;
			await fill("stock_data", { _id: around, created_at: at(700), updated_at: at(700), data });
			await fill("stock_data", { _id: odd, created_at: at(701), updated_at: at(701), data: "a" });
			const refs = await refsOfCollection(db, "stock_data");
			const stocks = db.collection<mongo.Document & { _id: string }>("stock_data");
			if (byTime) await stocks.createIndex({ created_at: 1 });
			// None of these was selected. The first looks like two that are compared one after the other, and ends as the second does.
			const { size = 0 } = refs.find(({ key }) => key === names[271]) ?? {};
			const both = [names[20], at(20).getTime(), at(20).getTime(), size, names[271]].join("\n");
			const others = [
				{ _id: both, created_at: at(271), updated_at: at(271), data: "a".repeat(200 - both.length + (names[271]?.length ?? 0)) },
				{ _id: new ObjectId(), created_at: at(10), updated_at: at(10), data: "a" },
				{ _id: `${names[11]}\n`, created_at: at(11), updated_at: at(11), data: "" },
				{ _id: `${at(12).getTime()}`, created_at: [at(12), at(13)], updated_at: null },
				{ _id: 12, created_at: at(14) },
			];
			await fill("stock_data", ...others);
			const changes: Readonly<Record<number, mongo.Document>> = {
				0: { created_at: at(1), updated_at: at(1) },
				1: { created_at: at(0), updated_at: at(0) },
				2: { updated_at: at(3) },
				3: { created_at: "2026-11-20T16:00:00" },
				4: { created_at: 1.5 },
				5: { created_at: new Date(-1) },
				6: { created_at: [at(6)] },
				7: { created_at: null },
				8: { created_at: at(700), updated_at: at(700), data: "a".repeat(200 + around.length - (names[8]?.length ?? 0)) },
				9: { data: "longer" },
				699: { data: "b", updated_at: new Date() },
			};
			for (const [i, $set] of Object.entries(changes)) await stocks.updateOne({ _id: names[Number(i)] as string }, { $set });
			const removed = names.slice(300, 350);
			await stocks.deleteMany({ _id: { $in: removed } });
			const found: Record<string, number> = {};
			await db.setProfilingLevel("all");
			const outcomes = await backend.remove(refs, ONCE);
			await db.setProfilingLevel("off");
			for (const one of outcomes) {
				const what = one.outcome === "skipped" ? one.reason : one.outcome;
				found[what] = (found[what] ?? 0) + 1;
			}
			const kept = Object.keys(changes).map((i) => names[Number(i)]);
			expect(found).toEqual({ changed: kept.length, gone: removed.length, deleted: refs.length - kept.length - removed.length });
			expect((await stocks.find().toArray()).map(({ _id }) => String(_id)).sort()).toEqual(
				[...kept, ...others.map(({ _id }) => String(_id))].sort(),
			);
			const plans = await db.collection("system.profile").find({ op: "remove" }).toArray();
			expect(new Set(plans.map(({ planSummary }) => planSummary))).toEqual(new Set([`IXSCAN { ${byTime ? "created_at" : "_id"}: 1 }`]));
		},
	);

	it("removes many documents whose times lie before 1970", async () => {
		const names = Array.from({ length: 300 }, (_, i) => `old:${String(i).padStart(4, "0")}`);
		await fill("stock_data", ...names.map((_id, i) => ({ _id, created_at: new Date(-1_000_003 * i - 1), updated_at: CREATED, data: "a" })));
		const outcomes = await backend.remove(await refsOfCollection(db, "stock_data"), ONCE);
		expect(outcomes.filter(({ outcome }) => outcome !== "deleted")).toEqual([]);
		expect(await db.collection("stock_data").countDocuments()).toBe(0);
	});

	it("leaves every collection that is not configured as it was, byte for byte", async () => {
		for (const [name, documents] of Object.entries(sampleDocuments())) {
			await fill(name, ...documents);
			await fill(`${name}_archive`, ...documents);
		}
		await fill("system_users", { _id: 1 });
		const places = COLLECTIONS.map(({ name }) => name);
		const before = await hashOfOthers(db, places);
		expect(Object.keys(before).length).toBe(4);
		for (const place of places) {
			const refs = await refsOfCollection(db, place);
			await backend.remove(refs, ONCE);
			await backend.remove(
				refs.map((ref) => ({ ...ref, place: `${place}_archive` })),
				ONCE,
			);
			expect(await db.collection(place).countDocuments()).toBe(0);
		}
		expect(await hashOfOthers(db, places)).toEqual(before);
	});

	it.each<[string, AnyDocument, number, object]>([
		[
			"JSON",
			{ _id: 1, data: '[{"close":1.5}]', data_format: "dataframe_json" },
			100,
			{ mediaType: "application/json", text: '[{"close":1.5}]' },
		],
		["a text", { _id: 1, data: "a,b", data_format: "text" }, 2, { mediaType: "text/plain", text: "a,", truncated: true }],
		["Chinese, cut inside a character", { _id: 1, data: "新闻新闻" }, 7, { mediaType: "text/plain", text: "新闻", truncated: true }],
		["an emoji that does not fit", { _id: 1, data: "😀" }, 3, { text: "", truncated: true }],
		["an empty text", { _id: 1, data: "" }, 10, { mediaType: "text/plain", text: "", truncated: false }],
		[
			"a pickle as a text",
			{ _id: 1, data: "80049503", data_type: "pickle" },
			100,
			{ mediaType: "application/x-python-pickle", text: null },
		],
		[
			"bytes",
			{ _id: 1, data: new Binary(Buffer.from([1, 2])) },
			100,
			{ mediaType: "application/octet-stream", text: null, truncated: true },
		],
		["a document", { _id: 1, data: { close: [1.5, 2] } }, 100, { mediaType: "application/json", text: '{"close":[1.5,2]}' }],
		["a list, cut", { _id: 1, data: [1, 2, 3] }, 4, { mediaType: "application/json", text: "[1,2", truncated: true }],
		["a number", { _id: 1, data: 7 }, 100, { mediaType: "application/json", text: "7", truncated: false }],
		["no value", { _id: 1 }, 100, { mediaType: "text/plain", text: "", truncated: false }],
	])("shows the first bytes of %s", async (_, document, maxBytes, expected) => {
		await fill("cache", document);
		const [ref] = await refsOfCollection(db, "cache");
		expect(ref && (await backend.preview(ref, maxBytes))).toMatchObject(expected);
	});

	it("says how the server is, and makes an index on created_at only when it was told to", async () => {
		for (const [name, documents] of Object.entries(sampleDocuments())) await fill(name, ...documents);
		const indexes = async (): Promise<string[]> => (await db.collection("news_data").listIndexes().toArray()).map(({ name }) => name);
		const [health] = await backend.health();
		expect(health).toMatchObject({ id: "mongodb", kind: "MONGODB", available: true, error: null });
		expect(health?.version).toMatch(/^\d+\.\d+/);
		expect(health?.latencyMs).toBeGreaterThan(0);
		expect(health?.usedMemoryBytes).toBeGreaterThan(1_000_000);
		expect(health?.location).toMatch(/^mongodb:\/\/[^@]+\/test_/);
		expect(await indexes()).toEqual(["_id_"]);
		const told = openMongodbBackend({ uri: mongodb.uri, database: db.databaseName, collections: COLLECTIONS, createIndexes: true });
		await told.health();
		await eventually(async () => expect(await indexes()).toEqual(["_id_", "created_at_1"]), { withinMs: 10_000 });
		await told.close();
		expect((await db.listCollections().toArray()).map(({ name }) => name)).not.toContain("cache");
	});
});
