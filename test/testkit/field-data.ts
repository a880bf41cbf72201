/**
 * Redis and MongoDB caches as the field's programs fill them, by their drivers' plain commands, and what lies there told
 * without the program under test. Ages are spread evenly over 14 days.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { mongo } from "mongoose";

const DAY_MS = 86_400_000;
const MAX_AGE_DAYS = 14;
const AT_ONCE = 5000;
const SYMBOLS = ["AAPL", "BRK.A", "0700.HK", "^GSPC", "000858", "601318", "META", "300750"];
const PICKLES = new URL("../fixtures/pickle-layout/", import.meta.url);

const KINDS = [
	{ prefix: "stock", collection: "stock_data", type: "stock_data", ttl: 21_600 },
	{ prefix: "news", collection: "news_data", type: "news_data", ttl: 86_400 },
	{ prefix: "fundamentals", collection: "fundamentals_data", type: "fundamentals_data", ttl: 86_400 },
] as const;
/** What belongs to the cache in Redis by default (docs: cache layouts). */
const IN_NAMESPACE = /^(stock|news|fundamentals|model_capability):|^[0-9a-f]{32}$/;
export const COLLECTIONS = ["stock_data", "news_data", "fundamentals_data", "cache"];

export interface FieldData {
	readonly entries: number;
	readonly nowMs: number;
	/** Other numbers give other keys. */
	readonly seed?: number;
}

function* made({ entries, nowMs, seed = 1 }: FieldData) {
	for (let i = 0; i < entries; i++) {
		const kind = KINDS[i % KINDS.length] as (typeof KINDS)[number];
		const symbol = SYMBOLS[i % SYMBOLS.length] as string;
		const digest = createHash("md5").update(`${seed} ${i}`).digest("hex").slice(0, 16);
		const createdAt = new Date(nowMs - Math.floor(((i + 0.5) * MAX_AGE_DAYS * DAY_MS) / entries));
		const data = kind.prefix === "stock" ? JSON.stringify(Array(1 + (i % 20)).fill({ close: 1.5 })) : "新闻 ".repeat(1 + (i % 40));
		yield { ...kind, key: `${kind.prefix}:${symbol}:${digest}`, symbol, createdAt, data };
	}
}

/** Python's `json.dumps(…, ensure_ascii=False)`; the time in UTC, with a zone. */
function redisValue({ data, prefix, symbol, createdAt }: { data: string; prefix: string; symbol: string; createdAt: Date }): string {
	const format = prefix === "stock" ? '"data_format": "dataframe_json", ' : "";
	const at = `${createdAt.toISOString().slice(0, -1)}000+00:00`;
	return `{"data": ${JSON.stringify(data)}, ${format}"symbol": "${symbol}", "data_source": "akshare", "created_at": "${at}"}`;
}

/** Values with a time to live, three pickles, and one entry of which nobody can tell the age. */
export async function fillRedis(client: Redis, data: FieldData): Promise<void> {
	let pipeline = client.pipeline();
	let waiting = 0;
	for (const entry of made(data)) {
		pipeline.set(entry.key, redisValue(entry), "EX", entry.ttl);
		if (++waiting < AT_ONCE) continue;
		await pipeline.exec();
		pipeline = client.pipeline();
		waiting = 0;
	}
	for (const name of readdirSync(PICKLES)) pipeline.set(name.replace(".pkl", ""), readFileSync(new URL(name, PICKLES)), "EX", 7200);
	pipeline.set("stock:AGELESS:0000000000000000", '{"data": "[]", "data_format": "dataframe_json", "symbol": "AGELESS"}');
	await pipeline.exec();
}

/** Keys that look nearly like the cache's, the queue's own, and the other types there are. */
export async function fillForeignRedis(client: Redis): Promise<void> {
	await client
		.pipeline()
		.set("session:alice", "token")
		.set("stocks:AAPL", "one letter too many")
		.set("Stock:AAPL:0123456789abcdef", "another case")
		.set("0123456789abcdef0123456789abcde", "31 digits")
		.set("0123456789ABCDEF0123456789ABCDEF", "upper case")
		.set("*", "a pattern")
		.rpush("user:alice:pending", "j1", "j2")
		.sadd("user:alice:processing", "j3")
		.hset("task:j1:progress", { status: "RUNNING", percent: "10" })
		.zadd("bull:cachewarden:prioritized", 1, "j1")
		.exec();
}

/** Every key outside the namespaces, as Redis would move it to another server. */
export async function foreignRedis(client: Redis): Promise<Map<string, string>> {
	const keys = (await keysOf(client)).filter((key) => !IN_NAMESPACE.test(key)).sort();
	return new Map(
		await Promise.all(keys.map(async (key): Promise<[string, string]> => [key, (await client.dumpBuffer(key))?.toString("hex") ?? ""])),
	);
}

export async function keysOf(client: Redis): Promise<string[]> {
	const keys = new Set<string>();
	for (let cursor = "0"; ; ) {
		const [next, found] = await client.scan(cursor, "COUNT", 10_000);
		for (const key of found) keys.add(key);
		cursor = next;
		if (cursor === "0") return [...keys];
	}
}

/** Keys and bytes in the namespaces, by SCAN and STRLEN. */
export async function countRedis(client: Redis): Promise<{ keys: string[]; entries: number; bytes: number }> {
	const keys = (await keysOf(client)).filter((key) => IN_NAMESPACE.test(key));
	let bytes = 0;
	for (let at = 0; at < keys.length; at += AT_ONCE) {
		const pipeline = client.pipeline();
		for (const key of keys.slice(at, at + AT_ONCE)) pipeline.strlen(key);
		for (const [, length] of (await pipeline.exec()) ?? []) bytes += Number(length);
	}
	return { keys, entries: keys.length, bytes };
}

/** Keys whose value says that it was made before that moment; sorted. */
export async function redisKeysBefore(client: Redis, before: Date): Promise<string[]> {
	const { keys } = await countRedis(client);
	const older: string[] = [];
	for (let at = 0; at < keys.length; at += AT_ONCE) {
		const slice = keys.slice(at, at + AT_ONCE).filter((key) => key.includes(":"));
		if (slice.length === 0) continue;
		for (const [i, value] of (await client.mget(slice)).entries()) {
			const { created_at } = JSON.parse(value ?? "{}") as { created_at?: string };
			if (created_at !== undefined && Date.parse(created_at) < before.getTime()) older.push(slice[i] as string);
		}
	}
	return older.sort();
}

export async function fillMongodb(db: mongo.Db, data: FieldData): Promise<void> {
	const waiting = new Map<string, mongo.Document[]>(COLLECTIONS.map((name) => [name, []]));
	for (const name of COLLECTIONS.slice(0, 3)) await db.collection(name).createIndex({ created_at: 1 });
	let n = 0;
	for (const { collection, type, key, symbol, createdAt, data: text } of made(data)) {
		const documents = waiting.get(collection) as mongo.Document[];
		const times = { created_at: createdAt, updated_at: createdAt };
		documents.push({ _id: key as never, symbol, data_type: type, market_type: "us", data_source: "tdx", ...times, data: text });
		if (++n % AT_ONCE === 0) await insert(db, waiting);
	}
	for (const i of [1, 2, 3]) {
		waiting.get("cache")?.push({
			_id: createHash("md5").update(`cache ${i}`).digest("hex"),
			data: "[]",
			data_type: "dataframe",
			metadata: { symbol: "AAPL", data_type: "stock_data", data_source: "tdx" },
			timestamp: new Date(data.nowMs - i * 4 * DAY_MS),
			expires_at: new Date(data.nowMs + DAY_MS),
		});
	}
	await insert(db, waiting);
}

async function insert(db: mongo.Db, waiting: Map<string, mongo.Document[]>): Promise<void> {
	for (const [name, documents] of waiting) {
		if (documents.length > 0) await db.collection(name).insertMany(documents.splice(0), { ordered: false });
	}
}

/** Collections that are not the cache's. */
export async function fillForeignMongodb(db: mongo.Db): Promise<void> {
	await db.collection("operation_logs").insertMany([{ user_id: "alice", action: "login" }, { user_id: "bob" }]);
	await db.collection("stock_data_backup").insertOne({ _id: "stock:AAPL:0" as never, created_at: new Date(0), data: "old" });
	await db.collection("users").insertOne({ name: "alice" });
}

/** Beside the log that it shares with the original system. */
const OWN_COLLECTION = /^(operation_log_|cachewarden_)/;
/** What the program itself writes into the shared log says where it came from. */
const NOT_OURS = { origin: null };

/** Every document of every other collection, as it is stored, but for the program's own. */
export async function foreignMongodb(db: mongo.Db): Promise<Map<string, string[]>> {
	const names = (await db.listCollections({}, { nameOnly: true }).toArray())
		.map(({ name }) => name)
		.filter((name) => !COLLECTIONS.includes(name) && !OWN_COLLECTION.test(name));
	const found = new Map<string, string[]>();
	for (const name of names.sort()) {
		const documents = await db
			.collection(name)
			.find(name === "operation_logs" ? NOT_OURS : {}, { raw: true })
			.sort({ _id: 1 })
			.toArray();
		found.set(
			name,
			documents.map((document) => Buffer.from(document as unknown as Uint8Array).toString("hex")),
		);
	}
	return found;
}

/** Documents and bytes of the cache's collections, as the server itself counts them. */
export async function countMongodb(db: mongo.Db): Promise<{ entries: number; bytes: number }> {
	let entries = 0;
	let bytes = 0;
	for (const name of COLLECTIONS) {
		const sum = { $group: { _id: null, entries: { $sum: 1 }, bytes: { $sum: { $bsonSize: "$$ROOT" } } } };
		const [counted] = await db.collection(name).aggregate([sum]).toArray();
		entries += (counted?.entries as number | undefined) ?? 0;
		bytes += (counted?.bytes as number | undefined) ?? 0;
	}
	return { entries, bytes };
}

/** `collection/_id` of all documents that were made before that moment; sorted. */
export async function mongodbKeysBefore(db: mongo.Db, before: Date): Promise<string[]> {
	const keys: string[] = [];
	for (const name of COLLECTIONS) {
		const time = name === "cache" ? "timestamp" : "created_at";
		for await (const { _id } of db.collection(name).find({ [time]: { $lt: before } }, { projection: { _id: 1 } }))
			keys.push(`${name}/${_id}`);
	}
	return keys.sort();
}

/** `collection/_id` of all documents; sorted. */
export async function mongodbKeys(db: mongo.Db): Promise<string[]> {
	return mongodbKeysBefore(db, new Date(8.64e15));
}
