import mongoose from "mongoose";

const { MongoBulkWriteError, MongoError, MongoServerError } = mongoose.mongo;

const DUPLICATE_KEY = 11_000;
/** Bad value, name or type, a validator of the administrator's, a document or key that is too large. */
const NEVER_TAKEN: ReadonlySet<unknown> = new Set([2, 9, 14, 52, 55, 121, 10_334, 17_280, 17_420]);

/** Of a socket that is written to. */
const ENDS: ReadonlySet<unknown> = new Set([
	"EPIPE",
	"ECONNRESET",
	"ECONNABORTED",
	"ETIMEDOUT",
	"EHOSTUNREACH",
	"ENETUNREACH",
	"ENETDOWN",
	"ENETRESET",
	"ERR_STREAM_DESTROYED",
]);

/** The server answers, and will not take this document however often it is sent. */
export class RejectedDocumentError extends Error {
	constructor(reason: string, options: ErrorOptions) {
		super(reason, options);
		this.name = "RejectedDocumentError";
	}
}

/** The driver waits as long as its connections live; callers here do not. */
export class MongoDeadlineError extends Error {
	constructor(ms: number) {
		super(`MongoDB did not answer within ${ms} ms`);
		this.name = "MongoDeadlineError";
	}
}

/** What `work` gives within `ms`. What was sent may still be applied later, so only work that may be repeated is put here. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new MongoDeadlineError(ms)), ms);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		clearTimeout(timer);
	}
}

export function isMongoFailure(error: unknown): boolean {
	return error instanceof MongoError || error instanceof MongoDeadlineError || isEndedConnection(error);
}

/** The driver wrote to a connection before it noticed its end: what Node says of the socket then comes through as it is. */
export function isEndedConnection(error: unknown): boolean {
	return error instanceof Error && !(error instanceof MongoError) && "code" in error && ENDS.has(error.code);
}

export function isDuplicate(error: unknown): boolean {
	return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

export interface WriteFailures {
	/** Documents that were there already, by place in the batch. */
	readonly duplicates: ReadonlySet<number>;
	/** Documents that the server will never take, with why. */
	readonly rejected: ReadonlyMap<number, string>;
}

/** Single failures of an unordered batch; null when the batch as a whole is uncertain. */
export function writeFailures(error: unknown): WriteFailures | null {
	if (!(error instanceof MongoBulkWriteError)) return null;
	if (error.result.getWriteConcernError() !== undefined) return null;
	const duplicates = new Set<number>();
	const rejected = new Map<number, string>();
	for (const { index, code, errmsg } of [error.writeErrors].flat()) {
		if (code === DUPLICATE_KEY) duplicates.add(index);
		else if (NEVER_TAKEN.has(code)) rejected.set(index, errmsg ?? `code ${code}`);
		// A server that steps down in the middle of a batch refuses the rest of it: what that is worth is not known.
		else return null;
	}
	return duplicates.size + rejected.size === 0 ? null : { duplicates, rejected };
}
