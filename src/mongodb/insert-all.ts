import mongoose, { type mongo } from "mongoose";

const { MongoServerError } = mongoose.mongo;

/**
 * Inserts all of the documents, or throws, like `insertMany`; but the driver neither measures each document beforehand, which takes
 * it as long as writing it down does, nor repeats the command, nor splits what is too large. After an error it is not known which
 * are there.
 */
export async function insertAll<Document extends { readonly _id: unknown }>(
	collection: mongo.Collection<Document>,
	documents: readonly Document[],
	{ ordered }: { readonly ordered: boolean },
): Promise<void> {
	const { db, collectionName, writeConcern, bsonOptions } = collection;
	const reply = await db.command({ insert: collectionName, ordered, writeConcern, documents }, bsonOptions);
	const error = reply.writeErrors?.[0] ?? reply.writeConcernError;
	if (error !== undefined) throw new MongoServerError(error);
}
