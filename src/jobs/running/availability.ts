import { CachewardenError } from "../../core/errors.js";
import { StoreFailure } from "../../store/thrown.js";
import { RecordsFailure } from "../records.js";

/** True for what may go better the next time: a disk that was full, a server that was away. */
export function isPassing(error: unknown): boolean {
	return error instanceof StoreFailure || error instanceof RecordsFailure;
}

/** What the place that keeps the jobs could not do is QUEUE_UNAVAILABLE to everybody outside. */
export async function available<T>(call: Promise<T>): Promise<T> {
	try {
		return await call;
	} catch (error) {
		if (!isPassing(error)) throw error;
		throw new CachewardenError("QUEUE_UNAVAILABLE", undefined, { cause: error });
	}
}
