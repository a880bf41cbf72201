import { CachewardenError, type ErrorCode } from "../core/errors.js";
import { sqliteCode } from "./database.js";
import type { ThrownMessage } from "./messages.js";

/** The store could not do what it was asked to for a reason of the disk or the file: full, read-only, damaged, closed. */
export class StoreFailure extends Error {
	/** SQLite's name for it, or CLOSED. */
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.name = "StoreFailure";
		this.code = code;
	}
}

export function thrownMessage(error: unknown): ThrownMessage {
	if (error instanceof CachewardenError) return { kind: "domain", code: error.code, said: error.said };
	const message = error instanceof Error ? error.message : String(error);
	const code = sqliteCode(error);
	if (code !== null) return { kind: "sqlite", code, message };
	return { kind: "other", message, stack: error instanceof Error ? (error.stack ?? message) : message };
}

export function thrownError(thrown: ThrownMessage): Error {
	switch (thrown.kind) {
		case "domain":
			return new CachewardenError(thrown.code as ErrorCode, thrown.said);
		case "sqlite":
			return new StoreFailure(thrown.code, `${thrown.code}: ${thrown.message}`);
		case "other": {
			const error = new Error(thrown.message);
			error.stack = thrown.stack;
			return error;
		}
	}
}
