/**
 * The chain that shows whether entries were changed: each is sealed by HMAC-SHA256 over its canonical JSON and the seal of
 * the one before it, keyed by AUDIT_SECRET. Shared by every adapter of the port.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { canonicalHalves, canonicalJson } from "../core/canonical-json.js";
import type { AuditEntry } from "./port.js";

/** Seal of the entry before the first. */
export const GENESIS = "0".repeat(64);

/** An entry whose place in the order is known. */
export type SequencedEntry = Omit<AuditEntry, "hash" | "sequence"> & { readonly sequence: number };

/** 64 hexadecimal digits. */
export function sealOf(secret: string, previousHash: string, entry: SequencedEntry): string {
	return digest(secret, `entry\n${previousHash}\n${canonicalJson(entry)}`);
}

/** The canonical JSON of an entry on either side of its sequence, so that it is made once for signature and seal. */
export type ContentText = ReturnType<typeof contentText>;

export function contentText(content: Omit<SequencedEntry, "sequence">) {
	return canonicalHalves(content, "sequence");
}

/** The same as `sealOf` of the content with this sequence. */
export function sealOfText(secret: string, previousHash: string, { before, after }: ContentText, sequence: number): string {
	return digest(secret, `entry\n${previousHash}\n{${before},"sequence":${sequence},${after}}`);
}

/** The same as `writerSignature` of the content. */
export function contentSignature(secret: string, { before, after }: ContentText): string {
	return digest(secret, `content\n{${before},${after}}`);
}

/** Signs what lies outside the store; apart from seals, so that neither can stand for the other. */
export function signatureOf(secret: string, text: string): string {
	return digest(secret, `checkpoint\n${text}`);
}

/**
 * What a writer signs before a sealer sees it, where the two are different processes: a document that was put beside the
 * writers' own is not made genuine by being sealed. Apart from seals and checkpoints.
 */
export function writerSignature(secret: string, kind: "intent" | "content" | "spooled", value: unknown): string {
	return digest(secret, `${kind}\n${canonicalJson(value)}`);
}

let newest: { readonly secret: string; readonly key: KeyObject } | null = null;

function digest(secret: string, text: string): string {
	// A process has one secret.
	if (newest?.secret !== secret) newest = { secret, key: createSecretKey(secret, "utf8") };
	return createHmac("sha256", newest.key).update(text).digest("hex");
}

export function sameDigest(left: string, right: string): boolean {
	const a = Buffer.from(left);
	const b = Buffer.from(right);
	return a.length === b.length && timingSafeEqual(a, b);
}
