/** What the driver throws, as errors of ours: which server, what is wrong, what to do. */
import mongoose from "mongoose";
import { CachewardenError, type ErrorCode } from "../../core/errors.js";
import type { MessageKey } from "../../core/messages/catalogue.js";
import { isEndedConnection } from "../../mongodb/failures.js";

const {
	MongoCompatibilityError,
	MongoServerError,
	MongoNetworkTimeoutError,
	MongoServerSelectionError,
	MongoError,
	MongoOperationTimeoutError,
} = mongoose.mongo;

/** MongoDB's own numbers. */
const AUTHENTICATION_FAILED = 18;
const UNAUTHORIZED = 13;
/** Atlas says so instead of 18. */
const ATLAS_ERROR = 8000;
const MAX_TIME_EXPIRED = 50;
/** Write concern not satisfied within its time. */
const WRITE_CONCERN_TIMEOUT = 64;

const MAX_REASON = 200;

export function codeOf(error: unknown): number | null {
	return error instanceof MongoServerError && typeof error.code === "number" ? error.code : null;
}

/** BACKEND_TIMEOUT when it did not answer in time, else BACKEND_UNAVAILABLE; `cause` is what the driver threw. */
export function mongodbError(error: unknown, location: string): CachewardenError {
	const [code, key] = kindOf(error);
	return new CachewardenError(code, { key, facts: { location, reason: reasonOf(error) } }, { cause: error });
}

function kindOf(error: unknown): readonly [ErrorCode, MessageKey] {
	// The selection of a server fails with what its connections failed with.
	const cause = error instanceof MongoServerSelectionError ? (firstFailure(error) ?? error) : error;
	switch (codeOf(cause)) {
		case AUTHENTICATION_FAILED:
		case ATLAS_ERROR:
			return ["BACKEND_UNAVAILABLE", "mongodb.login"];
		case UNAUTHORIZED:
			return ["BACKEND_UNAVAILABLE", "mongodb.forbidden"];
		case MAX_TIME_EXPIRED:
		case WRITE_CONCERN_TIMEOUT:
			return ["BACKEND_TIMEOUT", "mongodb.late"];
	}
	if (cause instanceof MongoNetworkTimeoutError || cause instanceof MongoOperationTimeoutError) return ["BACKEND_TIMEOUT", "mongodb.late"];
	if (cause instanceof MongoCompatibilityError) return ["BACKEND_UNAVAILABLE", "mongodb.old"];
	if (cause instanceof MongoServerError) return ["BACKEND_UNAVAILABLE", "mongodb.refused"];
	return ["BACKEND_UNAVAILABLE", "mongodb.unreachable"];
}

function reasonOf(error: unknown): string {
	const cause = error instanceof MongoServerSelectionError ? (firstFailure(error) ?? error) : error;
	const text = cause instanceof Error ? cause.message : String(cause);
	return text.replace(/\s+/g, " ").slice(0, MAX_REASON);
}

function firstFailure(error: InstanceType<typeof MongoServerSelectionError>): Error | null {
	for (const server of error.reason?.servers?.values() ?? []) if (server.error) return server.error;
	return null;
}

/** No server was found that could have taken a command. */
export function isUnreachable(error: unknown): boolean {
	return (error instanceof CachewardenError ? error.cause : error) instanceof MongoServerSelectionError;
}

/** The set is choosing another primary, or the connection was lost: the same may work a little later. */
export function isPassing(error: unknown): boolean {
	const cause = error instanceof CachewardenError ? error.cause : error;
	if (cause instanceof MongoServerSelectionError) return true;
	if (isEndedConnection(cause)) return true;
	if (!(cause instanceof MongoError)) return false;
	const { code } = cause;
	return (
		cause.hasErrorLabel("RetryableWriteError") ||
		cause.hasErrorLabel("RetryableError") ||
		cause instanceof mongoose.mongo.MongoNetworkError ||
		(typeof code === "number" && PASSING.has(code))
	);
}

/** A server took the command up and would not, or could not in its time, carry it out. */
export function isRefused(error: unknown): boolean {
	const code = codeOf(error instanceof CachewardenError ? error.cause : error);
	return code !== null && (code === MAX_TIME_EXPIRED || !PASSING.has(code));
}

/** Host unreachable, network timeout, time limit exceeded, shutting down, stepping down, not primary. */
const PASSING: ReadonlySet<number> = new Set([6, 7, MAX_TIME_EXPIRED, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);
