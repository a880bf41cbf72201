import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { EntryPreview } from "../backend.js";
import { isSafePath } from "../layouts/entry-parts.js";
import { codeOf, type Descent, refusal } from "./descent.js";

const MEDIA_TYPES: Readonly<Record<string, string>> = { csv: "text/csv", txt: "text/plain", json: "application/json" };
const PICKLE = "application/x-python-pickle";
const BINARY = "application/octet-stream";
/** A character of UTF-8 has at most four bytes, so that at most three of one can be cut off. */
const MAX_CUT_BYTES = 3;

/** The first bytes of the file at `locator`; null when it is gone or, being no regular file, has no value. */
export function previewFile(descent: Descent, locator: string, maxBytes: number): EntryPreview | null {
	const access = isSafePath(locator) ? descent.at(locator) : null;
	if (access === null) return null;
	let descriptor: number;
	try {
		// Without O_NONBLOCK, opening a pipe that took the file's place would wait for its writer.
		descriptor = openSync(access, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
	} catch (error) {
		const code = codeOf(error);
		if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return null;
		throw refusal(error, locator);
	}
	try {
		const stats = fstatSync(descriptor);
		if (!stats.isFile()) return null;
		const bytes = Buffer.alloc(Math.min(maxBytes, stats.size));
		let length = 0;
		for (let read = -1; read !== 0 && length < bytes.length; length += read)
			read = readSync(descriptor, bytes, length, bytes.length - length, length);
		return describeValue(locator, bytes.subarray(0, length), stats.size);
	} catch (error) {
		throw refusal(error, locator);
	} finally {
		closeSync(descriptor);
	}
}

/** `bytes` are the first of `size`. Binary values are named by their media type and not shown. */
export function describeValue(locator: string, bytes: Uint8Array, size: number): EntryPreview {
	const extension = locator.slice(locator.lastIndexOf(".") + 1);
	if (extension === "pkl") return { mediaType: PICKLE, text: null, truncated: bytes.length < size };
	const text = textOf(bytes, bytes.length < size);
	if (text === null) return { mediaType: BINARY, text: null, truncated: bytes.length < size };
	return { mediaType: MEDIA_TYPES[extension] ?? "text/plain", text, truncated: Buffer.byteLength(text) < size };
}

/** Null when it is not UTF-8 text. A character that the cut went through is left out. */
function textOf(bytes: Uint8Array, cut: boolean): string | null {
	if (bytes.includes(0)) return null;
	for (let end = bytes.length; end >= 0 && end >= bytes.length - (cut ? MAX_CUT_BYTES : 0); end--)
		if (isUtf8(bytes.subarray(0, end))) return Buffer.from(bytes.subarray(0, end)).toString("utf8");
	return null;
}
