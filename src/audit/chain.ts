/**
 * The chain that shows whether entries were changed: each is sealed by HMAC-SHA256 over its canonical JSON and the seal of
 * the one before it, keyed by AUDIT_SECRET. Shared by every adapter of the port.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.js";
import type { AuditEntry } from "./port.js";

/** Seal of the entry before the first. */
export const GENESIS = "0".repeat(64);

/** An entry whose place in the order is known. */
export type SequencedEntry = Omit<AuditEntry, "hash" | "sequence"> & { readonly sequence: number };

/** 64 hexadecimal digits. */
export function sealOf(secret: string, previousHash: string, entry: SequencedEntry): string {
	return createHmac("sha256", secret)
		.update(`entry\n${previousHash}\n${canonicalJson(entry)}`)
		.digest("hex");
}

/** Signs what lies outside the store; apart from seals, so that neither can stand for the other. */
export function signatureOf(secret: string, text: string): string {
	return createHmac("sha256", secret).update(`checkpoint\n${text}`).digest("hex");
}

/**
 * What a writer signs before a sealer sees it, where the two are different processes: a document that was put beside the
 * writers' own is not made genuine by being sealed. Apart from seals and checkpoints.
 */
export function writerSignature(secret: string, kind: "intent" | "content" | "spooled", value: unknown): string {
	return createHmac("sha256", secret)
		.update(`${kind}\n${canonicalJson(value)}`)
		.digest("hex");
}

export function sameDigest(left: string, right: string): boolean {
	const a = Buffer.from(left);
	const b = Buffer.from(right);
	return a.length === b.length && timingSafeEqual(a, b);
}
