import { sameDigest, sealOf } from "../chain.js";
import type { Collections } from "./collections.js";
import { chainRow, type EntryDocument, type SealDocument } from "./documents.js";

/** A genuine place of the chain. */
export interface Place {
	readonly sequence: number;
	readonly hash: string;
	readonly id: string | null;
	readonly sealedAt: number;
}

export interface Head {
	/** What the next seal follows. */
	readonly behind: Place;
	/** The next number that no seal has. */
	readonly next: number;
}

const SLICE = 50;

/** Entries of seals, by id. Reads both from the majority. */
export async function entriesOf(logs: Collections["logs"], seals: readonly SealDocument[]): Promise<Map<string, EntryDocument>> {
	if (seals.length === 0) return new Map();
	const documents = await logs.find({ _id: { $in: seals.map(({ entry }) => entry) } }).toArray();
	return new Map(documents.map((document) => [document._id, document]));
}

/**
 * Where the chain goes on. A seal that somebody put behind the newest takes a number and is no place to go on from; a head
 * that was signed outside the database stays one also when the database has lost it.
 */
export async function loadHead({ seals, logs }: Collections, secret: string, signed: Place): Promise<Head> {
	let newest: number | null = null;
	for (let below = Number.MAX_SAFE_INTEGER; ; ) {
		const some = await seals
			.find({ _id: { $lt: below, $gt: signed.sequence } })
			.sort({ _id: -1 })
			.limit(SLICE)
			.toArray();
		newest ??= some[0]?._id ?? null;
		const entries = await entriesOf(logs, some);
		const genuine = some.find((seal) => {
			const document = entries.get(seal.entry);
			return document !== undefined && isGenuine(secret, seal, document);
		});
		const next = Math.max(newest ?? 0, signed.sequence) + 1;
		if (genuine !== undefined) return { behind: placeOf(genuine), next };
		if (some.length < SLICE) return { behind: signed, next };
		below = (some.at(-1) as SealDocument)._id;
	}
}

export function placeOf(seal: SealDocument): Place {
	return { sequence: seal._id, hash: seal.hash, id: seal.entry, sealedAt: seal.sealed_at.getTime() };
}

/** Whether somebody who knows the secret gave this entry this place. */
export function isGenuine(secret: string, seal: SealDocument, document: EntryDocument): boolean {
	const row = chainRow(seal, document);
	return sameDigest(sealOf(secret, row.previousHash, row.entry), row.hash);
}
