import { CachewardenError } from "../../core/errors.js";
import { cursorOf } from "../cursor.js";

/**
 * A place in the list of all entries, newest first. Entries of ours stand by their sequence and the time of their seal;
 * those of other programs between them, by their own time, behind one of ours of the same millisecond.
 */
export interface Position {
	readonly log: string;
	/** Of the entry itself, or of the newest of ours behind a foreign one. */
	readonly sequence: number;
	readonly foreign: { readonly at: number; readonly id: string } | null;
}

export function positionCursor({ log, sequence, foreign }: Position): string {
	return foreign === null ? cursorOf(log, sequence) : `${cursorOf(log, sequence)}.${foreign.at}.${foreign.id}`;
}

/** BAD_USER_INPUT for a text that is no cursor. */
export function positionOf(cursor: string): Position {
	const [, log, sequence, at, id] = /^([0-9a-f]{10})\.(\d{1,15})(?:\.(-?\d{1,15})\.(a[ou][0-9a-f]{0,2000}))?$/.exec(cursor) ?? [];
	if (log === undefined || sequence === undefined) throw new CachewardenError("BAD_USER_INPUT", { key: "error.badCursor", facts: {} });
	return { log, sequence: Number(sequence), foreign: at === undefined || id === undefined ? null : { at: Number(at), id } };
}
