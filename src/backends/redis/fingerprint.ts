/**
 * What proves that a key is still the one that was seen: its expiry, its length and its last bytes. The expiry is kept as it is,
 * so that the server compares numbers; of the bytes a hash, which the length is mixed into and can be taken out of again.
 */
import crypto from "node:crypto";
import type { EntryFingerprint, EntryRef } from "../../core/entry.js";
import { packed } from "./message-pack.js";
import { PROOF_BYTES, PROOF_DIGITS } from "./scripts.js";

const HASH_SPAN = 2 ** (4 * PROOF_DIGITS);
/** Odd, so that no two lengths below 2^52 are mixed in alike; the product with any length of Redis is an exact number. */
const LENGTH_FACTOR = 4_194_301;

/** What the server told of a key. */
export interface ToldKey {
	/** Milliseconds since the epoch; -1: it does not expire. */
	readonly expires: number;
	/** Bytes of a string; of anything else, minus its memory less one. */
	readonly length: number;
	/** At least the last bytes that the fingerprint is made of, or all there are. */
	readonly tail: Buffer;
}

/** Bytes of a string; of anything else its memory. */
export function sizeOf({ length }: ToldKey): number {
	return length < 0 ? -1 - length : length;
}

export function fingerprintOf(told: ToldKey): EntryFingerprint {
	const { expires, tail } = told;
	const end = tail.length > PROOF_BYTES ? tail.subarray(tail.length - PROOF_BYTES) : tail;
	const hash = Number.parseInt(sha1(end).slice(0, PROOF_DIGITS), 16);
	return { data: (hash + mixedIn(sizeOf(told))) % HASH_SPAN, metadata: expires };
}

/** Proofs of these entries as the scripts take them. */
export function proofsOf(entries: readonly Pick<EntryRef, "fingerprint" | "size">[]): Buffer {
	const values: (string | number)[] = [];
	for (const { fingerprint, size } of entries) {
		const from = Math.max(0, size - PROOF_BYTES);
		values.push(fingerprint.metadata ?? NOTHING, String(from), String(size), size - from, hashIn(fingerprint.data, size));
	}
	return packed(values);
}

/** An expiry and a hash that no key has. */
const NOTHING = -3;

function hashIn(data: number | null, size: number): number {
	return data === null ? NOTHING : (data - mixedIn(size) + HASH_SPAN) % HASH_SPAN;
}

function mixedIn(size: number): number {
	return (size * LENGTH_FACTOR) % HASH_SPAN;
}

/** Node 20.12 and newer know a way that takes a third of the time. */
function sha1(bytes: Buffer): string {
	return crypto.hash === undefined ? crypto.createHash("sha1").update(bytes).digest("hex") : crypto.hash("sha1", bytes, "hex");
}
