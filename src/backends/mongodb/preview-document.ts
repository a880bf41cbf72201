/** The first bytes of a document's value, cut out by the server. */
import mongoose, { type mongo } from "mongoose";
import type { EntryPreview } from "../backend.js";

/** Values that are no text are read whole to be written as JSON, up to this size. */
const WHOLE_BYTES = 262_144;
const PREVIEW_MS = 5_000;

interface Cut {
	/** BSON's name of it; `missing` without a value. */
	readonly kind: string;
	readonly form: unknown;
	readonly bytes: number | null;
	readonly text: string | null;
}

/** Null when the document is gone. */
export async function previewDocument(collection: mongo.Collection, id: unknown, maxBytes: number): Promise<EntryPreview | null> {
	const isText = { $eq: [{ $type: "$data" }, "string"] };
	const isBinary = { $eq: [{ $type: "$data" }, "binData"] };
	const isTree = { $in: [{ $type: "$data" }, ["object", "array"]] };
	const cut = await one<Cut>(collection, id, {
		kind: { $type: "$data" },
		form: { $ifNull: ["$data_format", "$data_type"] },
		bytes: {
			$cond: [
				isText,
				{ $strLenBytes: "$data" },
				{ $cond: [isBinary, { $binarySize: "$data" }, { $cond: [isTree, { $bsonSize: { value: "$data" } }, null] }] },
			],
		},
		// By characters, of which each has a byte at least: the cut by bytes would fail inside of one.
		text: { $cond: [isText, { $substrCP: ["$data", 0, maxBytes] }, null] },
	});
	if (cut === null) return null;
	const { kind, form, bytes, text } = cut;
	if (form === "pickle" || (kind === "binData" && typeof form === "string" && form.includes("pickle")))
		return { mediaType: "application/x-python-pickle", text: null, truncated: (bytes ?? 0) > 0 };
	if (text !== null) return textPreview(mediaTypeOf(form), text, bytes ?? 0, maxBytes);
	if (kind === "binData") return { mediaType: "application/octet-stream", text: null, truncated: (bytes ?? 0) > 0 };
	if (kind === "missing") return { mediaType: "text/plain", text: "", truncated: false };
	if ((bytes ?? 0) > WHOLE_BYTES) return { mediaType: "application/json", text: null, truncated: true };
	const whole = await one<{ readonly data: unknown }>(collection, id, { data: 1 });
	if (whole === null) return null;
	const json = mongoose.mongo.BSON.EJSON.stringify(whole.data) ?? "";
	return textPreview("application/json", json, Buffer.byteLength(json), maxBytes);
}

async function one<T>(collection: mongo.Collection, id: unknown, projection: mongo.Document): Promise<T | null> {
	const stages = [{ $match: { _id: id } }, { $project: { _id: 0, ...projection } }];
	const [found] = await collection.aggregate(stages, { maxTimeMS: PREVIEW_MS, readPreference: "primary" }).toArray();
	return (found as T | undefined) ?? null;
}

function mediaTypeOf(form: unknown): string {
	if (typeof form !== "string") return "text/plain";
	if (form.includes("json")) return "application/json";
	return form === "csv" ? "text/csv" : "text/plain";
}

/** `text` are the first characters of a text of so many bytes. */
function textPreview(mediaType: string, text: string, bytes: number, maxBytes: number): EntryPreview {
	const encoded = Buffer.from(text);
	let end = Math.min(encoded.length, maxBytes);
	// A byte 10xxxxxx goes on with a character that the cut would go through.
	while (end > 0 && end < encoded.length && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
	return { mediaType, text: encoded.subarray(0, end).toString("utf8"), truncated: end < bytes };
}
