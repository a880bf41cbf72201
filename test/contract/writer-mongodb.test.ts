import { afterAll, beforeAll } from "@jest/globals";
import { openMongodbWriter } from "../../src/backends/mongodb/mongodb-writer.js";
import { COLLECTIONS, refsOfCollection } from "../testkit/documents.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { writerContract } from "./writer.js";

let mongodb: TestMongodb;

beforeAll(async () => {
	mongodb = await startMongodb();
});

afterAll(() => mongodb.stop());

writerContract("MongoDB documents", async () => {
	const { name, db } = mongodb.newDatabase();
	const timesToLiveHours = { us: { stock_data: 2 }, china: { stock_data: 1 } };
	const writer = openMongodbWriter({ uri: mongodb.uri, database: name, collections: COLLECTIONS, timeZone: "UTC", timesToLiveHours });
	const collections = COLLECTIONS.map((one) => one.name);
	return {
		writer,
		pickles: false,
		async read(key) {
			for (const collection of collections) {
				const found = await db.collection(collection).findOne({ _id: key } as never);
				if (found !== null) {
					const {
						symbol,
						data_source: source,
						data,
						created_at: createdAt,
					} = found as unknown as Record<string, string> & { created_at: Date };
					return { symbol: symbol ?? "", source: source ?? "", data: data ?? "", createdAt: createdAt.getTime() };
				}
			}
			return null;
		},
		async ref(key) {
			for (const collection of collections) {
				const found = (await refsOfCollection(db, collection)).find((one) => one.key === key);
				if (found !== undefined) return found;
			}
			throw new Error(`no document ${key}`);
		},
		async names() {
			const found = await Promise.all(collections.map((one) => db.collection(one).distinct("_id")));
			return found.flat().map(String).sort();
		},
		async close() {
			await writer.close();
			await db.dropDatabase();
		},
	};
});
