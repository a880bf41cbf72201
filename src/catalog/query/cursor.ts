import { entryIdFromDigest } from "../../core/entry-id.js";
import { CachewardenError } from "../../core/errors.js";
import type { EntryOrder } from "../../core/selection.js";

/** A place in a list: the value that orders it, null among those without one, and the id that breaks ties. */
export interface Position {
	readonly value: number | string | null;
	readonly id: Buffer;
}

const ID = /^[0-9a-f]{20}$/;

/** Opaque to callers. It names its order, so that one of another list is recognised. */
export function encodeCursor(order: EntryOrder, position: Position): string {
	const parts = [order.field, order.direction, position.value, entryIdFromDigest(position.id).slice(1)];
	return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

export function decodeCursor(order: EntryOrder, cursor: string): Position {
	let parts: unknown;
	try {
		parts = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
	} catch (error) {
		throw badCursor(error);
	}
	if (!Array.isArray(parts) || parts.length !== 4) throw badCursor();
	const [field, direction, value, id] = parts as unknown[];
	const fits = value === null || (field === "KEY" ? typeof value === "string" : Number.isSafeInteger(value));
	if (field !== order.field || direction !== order.direction || !fits || typeof id !== "string" || !ID.test(id)) throw badCursor();
	return { value: value as Position["value"], id: Buffer.from(id, "hex") };
}

function badCursor(cause?: unknown): CachewardenError {
	return new CachewardenError("BAD_USER_INPUT", { key: "error.badCursor", facts: {} }, { cause });
}
