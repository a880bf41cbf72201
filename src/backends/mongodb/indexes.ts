/** The index on `created_at` that the field's programs make. Nothing here needs it; a deletion by age in another program does. */
import type { mongo } from "mongoose";
import type { MongodbCollection } from "../../config/mongodb.js";
import { codeOf } from "./failures.js";

const NAMESPACE_NOT_FOUND = 26;

/** Names of the collections that are there and have none. Those whose documents keep their time elsewhere need none. */
export async function unindexedCollections(db: mongo.Db, collections: readonly MongodbCollection[]): Promise<string[]> {
	const missing: string[] = [];
	for (const { name, type } of collections) {
		if (type === null) continue;
		const indexes = await indexesOf(db, name);
		if (indexes !== null && !indexes.some(({ key }) => Object.keys(key)[0] === "created_at")) missing.push(name);
	}
	return missing;
}

export async function createMissingIndexes(db: mongo.Db, collections: readonly MongodbCollection[]): Promise<void> {
	for (const name of await unindexedCollections(db, collections)) await db.collection(name).createIndex({ created_at: 1 });
}

/** Null when there is no such collection. */
async function indexesOf(db: mongo.Db, name: string): Promise<readonly { readonly key: object }[] | null> {
	try {
		return (await db.collection(name).listIndexes().toArray()) as { readonly key: object }[];
	} catch (error) {
		if (codeOf(error) === NAMESPACE_NOT_FOUND) return null;
		throw error;
	}
}
