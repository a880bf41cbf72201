/**
 * What proves that a document is still the one that was seen. Of the field's documents the two times lie readable in the
 * fingerprint, beside 21 bits of everything else that is told of them, so that the server can compare them without the
 * document being shipped once more. Of others it is a hash.
 */
import type { EntryFingerprint } from "../../core/entry.js";
import type { DocumentFacts } from "./document-facts.js";
import { keyOfId } from "./document-key.js";

/** Fields of a document and what they hold; null where one is not there. */
export interface DocumentProof {
	readonly fields: readonly ProofField[];
	readonly values: readonly unknown[];
}

type ProofField = "created_at" | "updated_at" | "timestamp" | "expires_at";

/** The times of the collections with one type, and those of `cache`: a document has one pair or the other. */
const PAIRS = [
	["created_at", "updated_at"],
	["timestamp", "expires_at"],
] as const;
const ALL_FIELDS: readonly ProofField[] = PAIRS.flat();

/** Until 2039, so that 12 bits more fit into a number. */
const TIME_LIMIT = 2 ** 41;
const HASH_BITS = 2 ** 11;
const READABLE = 1;

export function fingerprintOf(document: DocumentFacts): EntryFingerprint {
	const { size, symbol, data_type, market_type, data_source, metadata } = document;
	const facts = hashOf([size, symbol, data_type, market_type, data_source, metadata]);
	const pair = PAIRS.findIndex((own: readonly ProofField[]) =>
		ALL_FIELDS.every((field) => (own.includes(field) ? isTime(document[field]) : document[field] === undefined)),
	);
	const fields = PAIRS[pair];
	if (fields) {
		const [first, second] = fields.map((field) => (document[field] as Date).getTime()) as [number, number];
		return {
			data: (first * HASH_BITS + (facts % HASH_BITS)) * 2 + pair,
			metadata: (second * HASH_BITS + (Math.floor(facts / HASH_BITS) % HASH_BITS)) * 2 + READABLE,
		};
	}
	return { data: hashOf([...ALL_FIELDS.map((field) => document[field]), size]), metadata: Math.floor(facts / 2) * 2 };
}

/** The times that a fingerprint holds; null when it is a hash. */
export function timesIn({ data, metadata }: EntryFingerprint): DocumentProof | null {
	if (data === null || metadata === null || metadata % 2 !== READABLE) return null;
	const timeIn = (packed: number): Date => new Date(Math.floor(packed / (HASH_BITS * 2)));
	return { fields: PAIRS[data % 2 === 0 ? 0 : 1], values: [timeIn(data), timeIn(metadata)] };
}

/** All that a document has of times, whatever they hold. */
export function timesOf(document: DocumentFacts): DocumentProof {
	return { fields: ALL_FIELDS, values: ALL_FIELDS.map((field) => document[field] ?? null) };
}

function isTime(value: unknown): boolean {
	return value instanceof Date && value.getTime() >= 0 && value.getTime() < TIME_LIMIT;
}

/**
 * 52 bits of the values. Not a secret: whoever may write a document may also delete it.
 * Source: cyrb53 by bryc, two multiplicative hashes of 32 bits each.
 */
function hashOf(values: readonly unknown[]): number {
	let h1 = 0xdeadbeef;
	let h2 = 0x41c6ce57;
	const text = values.map(canonical).join("\0");
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		h1 = Math.imul(h1 ^ code, 2654435761);
		h2 = Math.imul(h2 ^ code, 1597334677);
	}
	h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
	h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
	return (h2 & 0xfffff) * 0x1_0000_0000 + (h1 >>> 0);
}

function canonical(value: unknown): string {
	if (value === undefined) return "";
	if (typeof value === "string") return `"${value}`;
	if (typeof value === "number") return String(value);
	if (value instanceof Date) return `@${value.getTime()}`;
	return keyOfId(value);
}
