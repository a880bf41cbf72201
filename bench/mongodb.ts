/**
 * Removes the older half of a collection of the field's documents, side by side with one `deleteMany` on an equal collection:
 * the MongoDB backend in batches as a job gives them to it, while another client reads and writes documents of its own all the
 * time. The two alternate; each time the collection is made anew. The server is a replica set of one node of its own.
 *
 * Usage: mongodb.ts [DOCUMENTS=1000000] [ROUNDS=3] [DATA_BYTES=500] [BATCH=4000] [CACHE_GIB=1]
 */
import mongoose, { type mongo } from "mongoose";
import { openMongodbBackend } from "../src/backends/mongodb/mongodb-backend.js";
import { openSource } from "../src/backends/mongodb/mongodb-source.js";
import type { EntryRef } from "../src/core/entry.js";
import { entryId } from "../src/core/entry-id.js";
import { COLLECTIONS, fillStocks, SETTINGS } from "../test/testkit/documents.js";
import { startMongodb } from "../test/testkit/mongodb.js";

const MINUTE_MS = 60_000;
const OTHERS = 10_000;
const PLACE = "stock_data";
/** The other client's pause between two operations. */
const THINK_MS = 2;

interface Measured {
	readonly seconds: number;
	/** The other client's operations in the meantime, sorted, in milliseconds. */
	readonly others: readonly number[];
}

const [documents = "1000000", rounds = "3", dataBytes = "500", batch = "4000", cacheGiB = "1"] = process.argv.slice(2);
const count = Number(documents);
const mongodb = await startMongodb({ own: true, oplogMiB: 2_048, cacheGiB: Number(cacheGiB) });
const otherClient = await new mongoose.mongo.MongoClient(mongodb.uri).connect();

async function filled(): Promise<{ readonly db: mongo.Db; readonly before: Date }> {
	const { db } = mongodb.newDatabase();
	const newest = new Date();
	await db.collection(PLACE).createIndex({ created_at: 1 });
	await fillStocks(db.collection(PLACE), count, { newest, dataBytes: Number(dataBytes) });
	await db.collection("accounts").insertMany(Array.from({ length: OTHERS }, (_, i) => ({ _id: i as never, n: 0 })));
	// What is still to be written to disk belongs to the filling.
	await mongodb.client.db("admin").command({ fsync: 1 });
	return { db, before: new Date(newest.getTime() - (count / 2 - 1) * MINUTE_MS) };
}

/** The other client alternates between reading and writing one of its documents. */
async function beside(db: mongo.Db, work: () => Promise<void>): Promise<Measured> {
	const accounts = otherClient.db(db.databaseName).collection<{ _id: number; n: number }>("accounts");
	const others: number[] = [];
	let busy = true;
	const other = (async () => {
		for (let i = 0; busy; i++) {
			const _id = (i * 7919) % OTHERS;
			const began = performance.now();
			if (i % 2 === 0) await accounts.findOne({ _id });
			else await accounts.updateOne({ _id }, { $inc: { n: 1 } });
			others.push(performance.now() - began);
			await new Promise((turn) => setTimeout(turn, THINK_MS));
		}
	})();
	const began = performance.now();
	await work();
	const seconds = (performance.now() - began) / 1000;
	busy = false;
	await other;
	return { seconds, others: others.sort((a, b) => a - b) };
}

/** What the catalog selects, in the order in which it gives it to a job: by time. */
async function selectedRefs(db: mongo.Db, before: Date): Promise<EntryRef[]> {
	const source = openSource({ uri: mongodb.uri, database: db.databaseName, ...SETTINGS });
	const refs: EntryRef[] = [];
	const createdAtOf = new Map<EntryRef, number>();
	const began = performance.now();
	await source.scan(
		[PLACE],
		async (place, entries) => {
			for (const { key, type, size, locator, fingerprint, createdAt } of entries) {
				if (createdAt === null || createdAt >= before.getTime()) continue;
				const ref: EntryRef = { id: entryId("MONGODB", place, key), key, backend: "MONGODB", place, type, size, locator, fingerprint };
				createdAtOf.set(ref, createdAt);
				refs.push(ref);
			}
		},
		new AbortController().signal,
	);
	console.log(`  scan of ${count} documents: ${((performance.now() - began) / 1000).toFixed(1)} s`);
	await source.close();
	return refs.sort((a, b) => (createdAtOf.get(a) ?? 0) - (createdAtOf.get(b) ?? 0));
}

async function removeByBackend(): Promise<Measured> {
	const { db, before } = await filled();
	const refs = await selectedRefs(db, before);
	const backend = openMongodbBackend({ uri: mongodb.uri, database: db.databaseName, collections: COLLECTIONS });
	await backend.health();
	const { signal } = new AbortController();
	let deleted = 0;
	const measured = await beside(db, async () => {
		for (let start = 0; start < refs.length; start += Number(batch))
			for (const { outcome } of await backend.remove(refs.slice(start, start + Number(batch)), { signal, resumed: false }))
				if (outcome === "deleted") deleted++;
	});
	await backend.close();
	await check(db, deleted);
	return measured;
}

async function removeByDeleteMany(): Promise<Measured> {
	const { db, before } = await filled();
	let deleted = 0;
	const measured = await beside(db, async () => {
		({ deletedCount: deleted } = await db.collection(PLACE).deleteMany({ created_at: { $lt: before } }));
	});
	await check(db, deleted);
	return measured;
}

async function check(db: mongo.Db, deleted: number): Promise<void> {
	const left = await db.collection(PLACE).countDocuments();
	if (deleted !== count / 2 || left !== count / 2) throw new Error(`${deleted} documents were removed and ${left} are left of ${count}`);
	await db.dropDatabase();
}

function quantile(sorted: readonly number[], share: number): number {
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function median(values: readonly number[]): number {
	return quantile(
		[...values].sort((a, b) => a - b),
		0.5,
	);
}

const ratios: number[] = [];
const p99s: number[] = [];
for (let round = 1; round <= Number(rounds); round++) {
	const results = new Map<string, Measured>();
	for (const who of round % 2 === 1 ? ["deleteMany", "backend"] : ["backend", "deleteMany"])
		results.set(who, who === "backend" ? await removeByBackend() : await removeByDeleteMany());
	const [many, backend] = [results.get("deleteMany"), results.get("backend")] as [Measured, Measured];
	ratios.push(backend.seconds / many.seconds);
	p99s.push(quantile(backend.others, 0.99));
	for (const [who, { seconds, others }] of results)
		console.log(
			`round ${round}: ${who} removed ${count / 2} documents in ${seconds.toFixed(1)} s; another client meanwhile: ${others.length} operations, ` +
				`median ${quantile(others, 0.5).toFixed(1)} ms, p99 ${quantile(others, 0.99).toFixed(1)} ms, longest ${quantile(others, 1).toFixed(0)} ms`,
		);
}
console.log(
	`backend / deleteMany: median ${median(ratios).toFixed(2)} of ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")} (bound 1.15)`,
);
console.log(`p99 of another client: median ${median(p99s).toFixed(1)} ms of ${p99s.map((ms) => ms.toFixed(1)).join(", ")} (bound 100 ms)`);
await otherClient.close();
await mongodb.stop();
