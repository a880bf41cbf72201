/**
 * Totals, kept beside the index so that no row is read to tell them. Age and expiry move with the clock: only rows that
 * lie between the last moment and the new one are looked at.
 */
import { DAY_MS, HOUR_MS } from "../../core/clock.js";
import { type Connection, scalar } from "./database.js";
import { COUNT_INDEXES, INDEXES } from "./schema.js";
import { tallyRows } from "./tally-rows.js";

/** Under 1 h, 1 day, 7 days, 30 days; older ones are in the last bucket. */
export const AGE_BOUNDS_MS = [HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS] as const;
const BUCKETS = AGE_BOUNDS_MS.length + 1;

/** One place's totals as plain data. */
export interface PlaceTotals {
	readonly placeId: number;
	readonly types: readonly (readonly [type: string, entries: number, bytes: number])[];
	readonly ages: readonly (readonly [entries: number, bytes: number])[];
	readonly expired: number;
	readonly brokenMetadata: number;
	readonly oldest: number | null;
	readonly newest: number | null;
}

export interface CountedRow {
	readonly placeId: number;
	readonly type: string;
	readonly size: number;
	readonly createdAt: number | null;
	readonly expiresAt: number | null;
	readonly flags: number;
}

class PlaceCounters {
	readonly types = new Map<string, [number, number]>();
	readonly ages: [number, number][] = Array.from({ length: BUCKETS }, () => [0, 0]);
	expired = 0;
	brokenMetadata = 0;
	oldest: number | null = null;
	newest: number | null = null;
	/** The row that was oldest or newest is gone: look again before telling. */
	edgesUnknown = false;
	changed = true;
}

const ORPHANED_OR_STALE = 3;
const BROKEN_METADATA = 4;

export class Counters {
	readonly #places = new Map<number, PlaceCounters>();
	#now: number;

	constructor(now: number) {
		this.#now = now;
	}

	/** Everything anew, from the rows. */
	rebuild(db: Connection, now: number): void {
		this.#places.clear();
		this.#now = now;
		const placeIds = rowsOf(db, "SELECT id FROM places", []).map(([id]) => id as number);
		const typeNames = new Map(rowsOf(db, "SELECT id, name FROM types", []) as [number, string][]);
		const indexed = scalar(db, COUNT_INDEXES) === INDEXES.length;
		const total = indexed ? (scalar(db, "SELECT count(*) FROM entries") as number) : 0;
		for (const id of placeIds) this.#rebuildPlace(db, id, indexed && isSmall(db, id, total));
		for (const { placeId, typeId, entries, bytes } of tallyRows(db, placeIds, [...typeNames.keys()], indexed)) {
			this.#of(placeId).types.set(typeNames.get(typeId) as string, [entries, bytes]);
		}
	}

	add(row: CountedRow): void {
		const place = this.#adjust(row, 1);
		if (row.createdAt === null || place.edgesUnknown) return;
		if (place.oldest === null || row.createdAt < place.oldest) place.oldest = row.createdAt;
		if (place.newest === null || row.createdAt > place.newest) place.newest = row.createdAt;
	}

	remove(row: CountedRow): void {
		const place = this.#adjust(row, -1);
		if (row.createdAt !== null && (row.createdAt === place.oldest || row.createdAt === place.newest)) place.edgesUnknown = true;
	}

	/** Moves to the totals of another moment, also an earlier one. */
	advance(db: Connection, now: number): void {
		const sign = now >= this.#now ? 1 : -1;
		const from = Math.min(now, this.#now);
		const to = Math.max(now, this.#now);
		if (from === to) return;
		this.#now = now;
		for (const [id, place] of this.#places) {
			for (const [bucket, bound] of AGE_BOUNDS_MS.entries()) {
				const query = "SELECT count(*), sum(size) FROM entries WHERE place = ? AND created_at > ? AND created_at <= ?";
				const [entries, bytes] = rowsOf(db, query, [id, from - bound, to - bound])[0] as [number, number | null];
				if (entries === 0) continue;
				shift(place.ages[bucket] as [number, number], -sign * entries, -sign * (bytes ?? 0));
				shift(place.ages[bucket + 1] as [number, number], sign * entries, sign * (bytes ?? 0));
				place.changed = true;
			}
		}
		const expired = `SELECT place, count(*) FROM entries WHERE expires_at > ? AND expires_at <= ? AND (flags & ${ORPHANED_OR_STALE}) = 0 GROUP BY place`;
		for (const [id, entries] of rowsOf(db, expired, [from, to]) as [number, number][]) {
			const place = this.#of(id);
			place.expired += sign * entries;
			place.changed = true;
		}
	}

	/** Of the places that changed since the last call, or of all. */
	take(db: Connection, all: boolean): PlaceTotals[] {
		const taken: PlaceTotals[] = [];
		for (const [placeId, place] of this.#places) {
			if (!place.changed && !all) continue;
			place.changed = false;
			if (place.edgesUnknown) {
				const edges = (direction: string): number | null =>
					(rowsOf(
						db,
						`SELECT created_at FROM entries WHERE place = ? AND created_at IS NOT NULL ORDER BY created_at ${direction} LIMIT 1`,
						[placeId],
					)[0]?.[0] as number | undefined) ?? null;
				place.oldest = edges("ASC");
				place.newest = edges("DESC");
				place.edgesUnknown = false;
			}
			taken.push({
				placeId,
				types: [...place.types].map(([type, [entries, bytes]]) => [type, entries, bytes] as const),
				ages: place.ages.map(([entries, bytes]) => [entries, bytes] as const),
				expired: place.expired,
				brokenMetadata: place.brokenMetadata,
				oldest: place.oldest,
				newest: place.newest,
			});
		}
		return taken;
	}

	get entries(): number {
		let sum = 0;
		for (const id of this.#places.keys()) sum += this.entriesOf(id);
		return sum;
	}

	entriesOf(placeId: number): number {
		let sum = 0;
		for (const [entries] of this.#of(placeId).types.values()) sum += entries;
		return sum;
	}

	drop(placeId: number): void {
		this.#places.delete(placeId);
	}

	#rebuildPlace(db: Connection, placeId: number, byIndex: boolean): void {
		const query = `SELECT min(created_at), max(created_at), count(*) FILTER (WHERE flags & ${BROKEN_METADATA} <> 0),
			count(*) FILTER (WHERE flags & ${ORPHANED_OR_STALE} = 0 AND expires_at <= ?1), count(created_at), sum(size) FILTER (WHERE created_at IS NOT NULL),
			${AGE_BOUNDS_MS.map((bound) => `count(*) FILTER (WHERE created_at <= ?1 - ${bound}), sum(size) FILTER (WHERE created_at <= ?1 - ${bound})`).join(", ")}
			FROM entries ${byIndex ? "INDEXED BY entries_created" : "NOT INDEXED"} WHERE place = ?2`;
		const [oldest, newest, broken, expired, ...atLeast] = rowsOf(db, query, [this.#now, placeId])[0] as (number | null)[];
		const counters = this.#of(placeId);
		counters.oldest = oldest ?? null;
		counters.newest = newest ?? null;
		counters.brokenMetadata = broken ?? 0;
		counters.expired = expired ?? 0;
		// How much is at least as old as each bucket's beginning: a bucket holds what is not in the next one too.
		for (let bucket = 0; bucket < BUCKETS; bucket++) {
			const [entries = 0, bytes = 0, olderEntries = 0, olderBytes = 0] = atLeast.slice(bucket * 2, bucket * 2 + 4);
			counters.ages[bucket] = [(entries ?? 0) - (olderEntries ?? 0), (bytes ?? 0) - (olderBytes ?? 0)];
		}
	}

	#of(placeId: number): PlaceCounters {
		let place = this.#places.get(placeId);
		if (!place) {
			place = new PlaceCounters();
			this.#places.set(placeId, place);
		}
		return place;
	}

	#adjust(row: CountedRow, sign: 1 | -1): PlaceCounters {
		const place = this.#of(row.placeId);
		place.changed = true;
		const type = place.types.get(row.type);
		if (!type) place.types.set(row.type, [sign, sign * row.size]);
		else if (type[0] + sign === 0) place.types.delete(row.type);
		else shift(type, sign, sign * row.size);
		if (row.createdAt !== null) shift(place.ages[this.#bucketOf(row.createdAt)] as [number, number], sign, sign * row.size);
		if ((row.flags & ORPHANED_OR_STALE) === 0 && row.expiresAt !== null && row.expiresAt <= this.#now) place.expired += sign;
		if ((row.flags & BROKEN_METADATA) !== 0) place.brokenMetadata += sign;
		return place;
	}

	#bucketOf(createdAt: number): number {
		let bucket = 0;
		while (bucket < AGE_BOUNDS_MS.length && createdAt <= this.#now - (AGE_BOUNDS_MS[bucket] as number)) bucket++;
		return bucket;
	}
}

/** The rows of a place that holds few of all are found by an index; otherwise one sweep over all is faster. */
function isSmall(db: Connection, placeId: number, total: number): boolean {
	const entries = scalar(db, "SELECT count(*) FROM entries INDEXED BY entries_created WHERE place = ?", [placeId]) as number;
	return entries < total / 8;
}

function shift(cell: [number, number], entries: number, bytes: number): void {
	cell[0] += entries;
	cell[1] += bytes;
}

function rowsOf(db: Connection, query: string, parameters: readonly unknown[]): unknown[][] {
	return db.prepare(query).raw().all(parameters) as unknown[][];
}
