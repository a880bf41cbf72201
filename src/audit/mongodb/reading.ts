import type { mongo } from "mongoose";
import { CachewardenError } from "../../core/errors.js";
import type { Page, PageRequest } from "../../core/page.js";
import { cursorOf } from "../cursor.js";
import type { AuditEntry, AuditFilter, AuditLog, AuditStats } from "../port.js";
import { hoursIn } from "../zone-hours.js";
import type { Sealed } from "./announcer.js";
import type { Collections } from "./collections.js";
import { conditionsOnForeign, conditionsOnSeals } from "./conditions.js";
import { foreignEntry, idOfForeign, shownEntry } from "./documents.js";
import { type Bound, type EntryList, foreignList, type Listed, ownList } from "./entry-lists.js";
import { entriesOf } from "./head.js";
import { type Position, positionCursor, positionOf } from "./position.js";

/** Totals beyond this are not counted to their end. */
const MAX_COUNTED = 100_000;
const QUARTER_HOUR_MS = 900_000;

interface Slice {
	/** In list order. */
	readonly items: readonly { readonly cursor: string; readonly node: AuditEntry }[];
	/** There is more in the direction of reading. */
	readonly more: boolean;
}

export class Reading {
	constructor(
		private readonly collections: Collections,
		private readonly log: string,
		/** The newest sequence that retention removed. */
		private readonly cut: () => Promise<number>,
	) {}

	cursor(sequence: number): string {
		return cursorOf(this.log, sequence);
	}

	async newest(): Promise<number> {
		const [seal] = await this.collections.seals
			.find({}, { projection: { _id: 1 } })
			.sort({ _id: -1 })
			.limit(1)
			.toArray();
		return Math.max(seal?._id ?? 0, await this.cut());
	}

	async get(id: string): Promise<AuditEntry | null> {
		const { logs, seals } = this.collections;
		const foreign = idOfForeign(id);
		if (foreign !== null) {
			const document = await (logs as unknown as mongo.Collection).findOne({ _id: foreign as mongo.ObjectId });
			return document === null ? null : foreignEntry(document);
		}
		const [document, seal] = await Promise.all([logs.findOne({ _id: id }), seals.findOne({ entry: id })]);
		return document === null || seal === null ? null : shownEntry(seal, document);
	}

	/** Seals after a sequence, in order, with what they seal. */
	async sealedAfter(after: number, limit: number): Promise<readonly Sealed[]> {
		const { logs, seals } = this.collections;
		const some = await seals
			.find({ _id: { $gt: after } })
			.sort({ _id: 1 })
			.limit(limit)
			.toArray();
		const entries = await entriesOf(logs, some);
		return some.map((seal) => ({ seal, document: entries.get(seal.entry) ?? null }));
	}

	async readAfter(cursor: string, limit: number) {
		const { log, sequence } = positionOf(cursor);
		if (log !== this.log || sequence < (await this.cut())) throw new CachewardenError("CURSOR_EXPIRED");
		const items: { readonly cursor: string; readonly entry: AuditEntry }[] = [];
		// A seal whose entry is gone must not look like the end of the log.
		for (let from = sequence; items.length < limit; ) {
			const sealed = await this.sealedAfter(from, limit - items.length);
			for (const { seal, document } of sealed)
				if (document !== null) items.push({ cursor: this.cursor(seal._id), entry: shownEntry(seal, document) });
			const last = sealed.at(-1);
			if (last === undefined) break;
			from = last.seal._id;
		}
		return items;
	}

	async page(
		filter: AuditFilter,
		page: PageRequest,
	): Promise<Page<AuditEntry> & { readonly totalCount: number; readonly liveCursor: string }> {
		// What is sealed from here on belongs to the live stream.
		const head = await this.newest();
		const lists = this.lists(filter);
		const from = page.cursor === null ? null : positionOf(page.cursor);
		const forward = page.direction === "forward";
		const bound: Bound = { from, inclusive: false, direction: forward ? "older" : "newer", head };
		const [{ items, more }, behind, counts] = await Promise.all([
			this.merged(lists, bound, page.limit),
			from === null ? false : this.any(lists, { ...bound, inclusive: true, direction: forward ? "newer" : "older" }),
			Promise.all(lists.map((list) => list.count(head, MAX_COUNTED))),
		]);
		return {
			items,
			hasNextPage: forward ? more : behind,
			hasPreviousPage: forward ? behind : more,
			totalCount: counts.reduce((sum, count) => sum + count, 0),
			liveCursor: this.cursor(head),
		};
	}

	async slice(filter: AuditFilter, cursor: string | null, limit: number): ReturnType<AuditLog["slice"]> {
		const from = cursor === null ? null : positionOf(cursor);
		const bound: Bound = { from, inclusive: false, direction: "older", head: await this.newest() };
		const { items } = await this.merged(this.lists(filter), bound, limit);
		return items.map(({ cursor: at, node }) => ({ cursor: at, entry: node }));
	}

	async stats(filter: AuditFilter, timeZone: string): Promise<AuditStats> {
		const byHour = hoursIn(timeZone);
		const { seals, logs } = this.collections;
		const ours = conditionsOnSeals(filter);
		const foreign = conditionsOnForeign(filter);
		const rows = (
			await Promise.all([
				ours === null ? [] : countsOf(seals as unknown as mongo.Collection, ours as mongo.Document),
				foreign === null ? [] : countsOf(logs as unknown as mongo.Collection, foreign),
			])
		).flat();
		const total = sum(rows);
		const succeeded = sum(rows.filter(({ success }) => success));
		const types = new Map<string, number>();
		for (const { actionType, count } of rows) types.set(actionType, (types.get(actionType) ?? 0) + count);
		return {
			total,
			succeeded,
			failed: total - succeeded,
			byActionType: [...types].map(([actionType, count]) => ({ actionType, count })).sort((a, b) => b.count - a.count),
			byHour: byHour(rows),
		};
	}

	private lists(filter: AuditFilter): readonly EntryList[] {
		return [ownList(this.collections, filter), foreignList(this.collections, filter, (sequence) => this.timeOf(sequence))];
	}

	/** When the entry was sealed; of one that is gone, the time of the next. */
	private async timeOf(sequence: number): Promise<number> {
		const [seal] = await this.collections.seals
			.find({ _id: { $gte: sequence } })
			.sort({ _id: 1 })
			.limit(1)
			.toArray();
		return seal?.sealed_at.getTime() ?? Date.now();
	}

	private async any(lists: readonly EntryList[], bound: Bound): Promise<boolean> {
		const found = await Promise.all(lists.map((list) => list.take(bound, 1)));
		return found.some((items) => items.length > 0);
	}

	private async merged(lists: readonly EntryList[], bound: Bound, limit: number): Promise<Slice> {
		const taken = (await Promise.all(lists.map((list) => list.take(bound, limit + 1)))).flat();
		const older = bound.direction === "older";
		taken.sort((a, b) => (older ? 1 : -1) * newestFirst(a, b));
		const shown = taken.slice(0, limit);
		if (!older) shown.reverse();
		let behind = await this.behind(shown, bound);
		const items: { readonly cursor: string; readonly node: AuditEntry }[] = [];
		for (const { at, sequence, entry } of [...shown].reverse()) {
			if (sequence !== null) behind = sequence;
			const position: Position = { log: this.log, sequence: behind, foreign: sequence === null ? { at, id: entry.id } : null };
			items.unshift({ cursor: positionCursor(position), node: entry });
		}
		return { items, more: taken.length > limit };
	}

	/** The sequence behind the last item of a slice, for the cursors of foreign ones. */
	private async behind(shown: readonly Listed[], bound: Bound): Promise<number> {
		const last = shown.at(-1);
		if (last === undefined || last.sequence !== null) return 0;
		// Seals are in the order of their times, so halving finds the place without an index on those.
		let low = await this.cut();
		for (let high = bound.head; low < high; ) {
			const middle = Math.ceil((low + high) / 2);
			const [seal] = await this.collections.seals
				.find({ _id: { $lte: middle } }, { projection: { sealed_at: 1 } })
				.sort({ _id: -1 })
				.limit(1)
				.toArray();
			if (seal === undefined || seal.sealed_at.getTime() < last.at) low = middle;
			else high = Math.min(middle, seal._id) - 1;
		}
		return low;
	}
}

/** At one millisecond, ours come first; foreign ones by their ids. */
function newestFirst(a: Listed, b: Listed): number {
	if (a.sequence !== null && b.sequence !== null) return b.sequence - a.sequence;
	if (a.at !== b.at) return b.at - a.at;
	if (a.sequence !== null || b.sequence !== null) return a.sequence !== null ? -1 : 1;
	return a.entry.id < b.entry.id ? 1 : -1;
}

interface CountRow {
	readonly actionType: string;
	readonly success: boolean;
	/** The beginning of a quarter of an hour: every zone's hours are made of those. */
	readonly at: number;
	readonly count: number;
}

async function countsOf(collection: mongo.Collection, where: mongo.Document): Promise<CountRow[]> {
	const rows = await collection
		.aggregate<{ _id: { type: unknown; success: unknown; at: Date }; count: number }>([
			{ $match: where },
			{
				$group: {
					_id: {
						type: "$action_type",
						success: { $ne: ["$success", false] },
						at: { $dateTrunc: { date: "$timestamp", unit: "minute", binSize: QUARTER_HOUR_MS / 60_000 } },
					},
					count: { $sum: 1 },
				},
			},
		])
		.toArray();
	return rows.map(({ _id, count }) => ({
		actionType: typeof _id.type === "string" ? _id.type : "",
		success: _id.success === true,
		at: _id.at.getTime(),
		count,
	}));
}

function sum(rows: readonly CountRow[]): number {
	return rows.reduce((total, { count }) => total + count, 0);
}
