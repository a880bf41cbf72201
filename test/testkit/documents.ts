/** Documents as the field's programs write them, and refs of them as a scan gives them. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import mongoose, { type mongo } from "mongoose";
import { describeDocument } from "../../src/backends/mongodb/describe-document.js";
import { type DocumentFacts, FACTS_PROJECTION } from "../../src/backends/mongodb/document-facts.js";
import type { MongodbOptions } from "../../src/backends/mongodb/options.js";
import type { EntryRef } from "../../src/core/entry.js";
import { entryId } from "../../src/core/entry-id.js";

const { EJSON } = mongoose.mongo.BSON;

export type AnyDocument = { _id: unknown; [field: string]: unknown };

export const COLLECTIONS = [
	{ name: "stock_data", type: "stock_data" },
	{ name: "news_data", type: "news" },
	{ name: "fundamentals_data", type: "fundamentals" },
	{ name: "cache", type: null },
] as const;

export const SETTINGS = {
	collections: COLLECTIONS,
	timeZone: "Asia/Shanghai",
	timesToLiveHours: { us: { stock_data: 2, news: 6, fundamentals: 24 }, china: { stock_data: 1, news: 4, fundamentals: 12 } },
} satisfies Omit<MongodbOptions, "uri" | "database">;

/** The samples by collection. */
export function sampleDocuments(): Readonly<Record<string, readonly AnyDocument[]>> {
	return EJSON.parse(readFileSync(new URL("../fixtures/mongodb.ejson.json", import.meta.url), "utf8"), { relaxed: true });
}

export interface StockOptions {
	readonly createdAt: Date;
	/** Default 1,000. */
	readonly dataBytes?: number;
}

/** Document number `i` of `stock_data`; its id is hashed, so that neighbours by time are none by id. */
export function stockDocument(i: number, { createdAt, dataBytes = 1_000 }: StockOptions): AnyDocument {
	const symbol = i % 3 === 0 ? String(i % 1_000_000).padStart(6, "0") : `S${i % 997}`;
	return {
		_id: `stock:${symbol}:${createHash("md5").update(String(i)).digest("hex").slice(0, 16)}`,
		symbol,
		market_type: i % 3 === 0 ? "china" : "us",
		data_type: "stock_data",
		start_date: "2025-07-01",
		end_date: "2025-12-31",
		data_source: i % 2 === 0 ? "akshare" : "yfinance",
		created_at: createdAt,
		updated_at: createdAt,
		data: '[{"close":1.5},'.repeat(Math.ceil(dataBytes / 15)).slice(0, dataBytes),
		data_format: "dataframe_json",
	};
}

/** So many, one a minute back from `newest`. */
export async function fillStocks(
	collection: mongo.Collection,
	count: number,
	{ newest = new Date(), dataBytes }: { readonly newest?: Date; readonly dataBytes?: number } = {},
): Promise<void> {
	const size = 5_000;
	for (let start = 0; start < count; start += size) {
		const documents = Array.from({ length: Math.min(size, count - start) }, (_, i) =>
			stockDocument(start + i, {
				createdAt: new Date(newest.getTime() - (start + i) * 60_000),
				...(dataBytes === undefined ? {} : { dataBytes }),
			}),
		);
		await collection.insertMany(documents as never[], { ordered: false });
	}
}

/** Every document of the collection that matches, in the order of their ids. */
export async function refsOfCollection(db: mongo.Db, name: string, filter: mongo.Document = {}): Promise<EntryRef[]> {
	const collection = COLLECTIONS.find((one) => one.name === name) ?? { name, type: null };
	const documents = await db.collection<DocumentFacts>(name).find(filter, { projection: FACTS_PROJECTION }).sort({ _id: 1 }).toArray();
	return documents.map((document) => {
		const { key, type, size, locator, fingerprint } = describeDocument(document as DocumentFacts, collection, {
			uri: "",
			database: "",
			...SETTINGS,
		});
		return { id: entryId("MONGODB", name, key), key, backend: "MONGODB", place: name, type, size, locator, fingerprint };
	});
}

/** What a database holds outside these collections, as the server hashes it. */
export async function hashOfOthers(db: mongo.Db, except: readonly string[]): Promise<Readonly<Record<string, string>>> {
	const { collections } = await db.command({ dbHash: 1 });
	return Object.fromEntries(Object.entries(collections as Record<string, string>).filter(([name]) => !except.includes(name)));
}
