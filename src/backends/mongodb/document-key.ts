/**
 * A document's `_id` as the key of an entry, and back. A string is its own key; every other value is Extended JSON that begins
 * with a brace. Strings that begin so, or that could not be kept as a text, are wrapped, so that no two values share a key.
 */
import mongoose from "mongoose";

const { EJSON } = mongoose.mongo.BSON;

export function keyOfId(id: unknown): string {
	if (typeof id === "string" && !id.startsWith("{") && !id.includes("\0")) return id;
	const text = typeof id === "string" ? null : EJSON.stringify(id, { relaxed: false });
	return text?.startsWith("{") && !text.startsWith('{"$value"') ? text : EJSON.stringify({ $value: id }, { relaxed: false });
}

/** Undefined when the key is none that `keyOfId` gives. */
export function idOfKey(key: string): unknown {
	if (!key.startsWith("{")) return key;
	try {
		const parsed: unknown = EJSON.parse(key, { relaxed: false });
		const wrapped = typeof parsed === "object" && parsed !== null && Object.keys(parsed).join() === "$value";
		return wrapped ? (parsed as { readonly $value: unknown }).$value : parsed;
	} catch {
		return undefined;
	}
}
