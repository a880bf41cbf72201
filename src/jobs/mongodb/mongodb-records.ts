import type { mongo } from "mongoose";
import { CachewardenError } from "../../core/errors.js";
import { OvertakenError, type QueuedRecords, RecordsFailure } from "../records.js";
import { openJobCollections } from "./job-documents.js";
import { jobReads } from "./job-reads.js";
import { jobWrites } from "./job-writes.js";

/** Records of jobs that many processes share. The caller closes the connection. */
export async function openMongodbRecords(db: mongo.Db): Promise<QueuedRecords> {
	const collections = await openJobCollections(db);
	return { write: named(jobWrites(collections)), read: named(jobReads(collections)) };
}

/** What the server or the way to it could not do is a `RecordsFailure`. */
function named<Calls extends object>(calls: Calls): Calls {
	return new Proxy(calls, {
		get(target, name, receiver) {
			const call: unknown = Reflect.get(target, name, receiver);
			if (typeof call !== "function") return call;
			return async (...given: unknown[]): Promise<unknown> => {
				try {
					return await Reflect.apply(call, target, given);
				} catch (error) {
					if (error instanceof CachewardenError || error instanceof OvertakenError) throw error;
					throw new RecordsFailure(error);
				}
			};
		},
	});
}
