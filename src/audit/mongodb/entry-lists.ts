/** The two lists that the log's list is made of: entries of ours in the order of their seals, and documents of other programs. */
import type { mongo } from "mongoose";
import { entryText } from "../entry-text.js";
import type { AuditEntry, AuditFilter } from "../port.js";
import type { Collections } from "./collections.js";
import { conditionsOnForeign, conditionsOnSeals } from "./conditions.js";
import { foreignEntry, idOfForeign, type SealDocument, shownEntry } from "./documents.js";
import { entriesOf } from "./head.js";
import { candidates } from "./keyword-index.js";
import type { Position } from "./position.js";

export interface Listed {
	readonly at: number;
	/** Null for one of another program. */
	readonly sequence: number | null;
	readonly entry: AuditEntry;
}

export interface Bound {
	/** Null: from the list's edge on. */
	readonly from: Position | null;
	/** The entry at the position is given too. */
	readonly inclusive: boolean;
	readonly direction: "older" | "newer";
	/** Newest sequence that belongs to the list. */
	readonly head: number;
}

export interface EntryList {
	/** In the direction asked for. */
	take(bound: Bound, limit: number): Promise<Listed[]>;
	/** At most `most`. */
	count(head: number, most: number): Promise<number>;
}

/** Documents that a keyword too short for the index, or one among foreign documents, makes us read at most. */
const MAX_READ = 100_000;
const AT_ONCE = 500;

export function ownList(collections: Collections, filter: AuditFilter): EntryList {
	const { seals, logs } = collections;
	const conditions = conditionsOnSeals(filter);
	const keyword = filter.keyword ?? "";

	async function listed(some: readonly SealDocument[]): Promise<Listed[]> {
		const entries = await entriesOf(logs, some);
		return some.flatMap((seal) => {
			const document = entries.get(seal.entry);
			// Somebody removed it; verification names it.
			if (document === undefined) return [];
			return [{ at: seal.sealed_at.getTime(), sequence: seal._id, entry: shownEntry(seal, document) }];
		});
	}

	function range({ from, inclusive, direction, head }: Bound): { readonly low: number; readonly high: number } {
		if (from === null) return { low: 1, high: head };
		// The sequence of a foreign position is that of the entry behind it.
		const own = from.foreign === null;
		if (direction === "older") return { low: 1, high: Math.min(head, own && !inclusive ? from.sequence - 1 : from.sequence) };
		return { low: own && inclusive ? from.sequence : from.sequence + 1, high: head };
	}

	async function* found(
		{ low, high }: { readonly low: number; readonly high: number },
		direction: Bound["direction"],
	): AsyncGenerator<Listed> {
		let read = 0;
		for await (const piece of candidates(collections, keyword, { low, high }, direction)) {
			const some = await seals
				.find({ ...conditions, _id: piece.only === null ? { $gte: piece.low, $lte: piece.high } : { $in: [...piece.only] } })
				.sort({ _id: direction === "older" ? -1 : 1 })
				.toArray();
			for (const one of await listed(some)) if (holds(one.entry, keyword)) yield one;
			read += some.length;
			if (read >= MAX_READ) return;
		}
	}

	return {
		async take(bound, limit) {
			if (conditions === null) return [];
			const { low, high } = range(bound);
			const items: Listed[] = [];
			if (keyword !== "") {
				for await (const item of found({ low, high }, bound.direction)) if (items.push(item) === limit) break;
				return items;
			}
			const order = bound.direction === "older" ? -1 : 1;
			return listed(
				await seals
					.find({ ...conditions, _id: { $gte: low, $lte: high } })
					.sort({ _id: order })
					.limit(limit)
					.toArray(),
			);
		},

		async count(head, most) {
			if (conditions === null) return 0;
			if (keyword === "") return seals.countDocuments({ ...conditions, _id: { $lte: head } }, { limit: most });
			let count = 0;
			for await (const _ of found({ low: 1, high: head }, "older")) if (++count === most) break;
			return count;
		},
	};
}

export function foreignList({ logs }: Collections, filter: AuditFilter, timeOf: (sequence: number) => Promise<number>): EntryList {
	const conditions = conditionsOnForeign(filter);
	const foreign = logs as unknown as mongo.Collection;
	const keyword = filter.keyword ?? "";

	function listed(document: mongo.Document): Listed {
		const entry = foreignEntry(document);
		return { at: entry.timestamp, sequence: null, entry };
	}

	async function matching(where: mongo.Filter<mongo.Document>, direction: Bound["direction"], limit: number): Promise<Listed[]> {
		const order = direction === "older" ? -1 : 1;
		const cursor = foreign.find(where).sort({ timestamp: order, _id: order });
		if (keyword === "") return (await cursor.limit(limit).toArray()).map(listed);
		const items: Listed[] = [];
		for await (const document of cursor.limit(MAX_READ).batchSize(AT_ONCE)) {
			const item = listed(document);
			if (holds(item.entry, keyword) && items.push(item) === limit) break;
		}
		return items;
	}

	/** At one of ours, what is older begins at the same millisecond; at a foreign one, behind itself. */
	async function bounds({ from, inclusive, direction }: Bound): Promise<mongo.Filter<mongo.Document>> {
		if (from === null) return {};
		const older = direction === "older";
		if (from.foreign === null) {
			const at = new Date(await timeOf(from.sequence));
			return { timestamp: older ? { $lte: at } : { $gt: at } };
		}
		const at = new Date(from.foreign.at);
		const id = idOfForeign(from.foreign.id);
		const beside = older ? (inclusive ? "$lte" : "$lt") : inclusive ? "$gte" : "$gt";
		return { $or: [{ timestamp: older ? { $lt: at } : { $gt: at } }, { timestamp: at, _id: { [beside]: id } }] };
	}

	return {
		async take(bound, limit) {
			if (conditions === null) return [];
			return matching({ $and: [conditions, await bounds(bound)] }, bound.direction, limit);
		},
		async count(_head, most) {
			if (conditions === null) return 0;
			if (keyword === "") return foreign.countDocuments(conditions, { limit: most });
			return (await matching(conditions, "older", most)).length;
		},
	};
}

function holds(entry: AuditEntry, keyword: string): boolean {
	return entryText(entry).toLowerCase().includes(keyword.toLowerCase());
}
