import { CachewardenError } from "../core/errors.js";

/** A place in one log: cursors of a log that was made anew mean nothing to it. */
export function cursorOf(log: string, sequence: number): string {
	return `${log}.${sequence}`;
}

export interface LogPlace {
	readonly log: string;
	readonly sequence: number;
}

export function placeOf(cursor: string): LogPlace {
	const [, log, sequence] = /^([0-9a-f]{10})\.(\d{1,15})$/.exec(cursor) ?? [];
	if (log === undefined || sequence === undefined) throw new CachewardenError("BAD_USER_INPUT", { key: "error.badCursor", facts: {} });
	return { log, sequence: Number(sequence) };
}
