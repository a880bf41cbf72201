/** Entries by their number in the list of everything, found by landmarks instead of walking to them. */
import { type Connection, rowsOf, scalar } from "../index/database.js";
import { ENTRY_COLUMNS, NO_TIME } from "../index/schema.js";
import type { Conditions } from "./conditions.js";
import type { Position } from "./cursor.js";
import { OrderReader } from "./page.js";
import type { EntryRow } from "./rows.js";

const ORDER = { field: "CREATED_AT", direction: "DESC" } as const;

type Landmark = readonly [place: number, createdAt: number, id: Buffer, entries: number];

interface RowSlice {
	readonly rows: readonly EntryRow[];
	readonly total: number;
}

export class SliceReader {
	#known: { readonly version: unknown; readonly among: string; readonly map: LandmarkMap | null } | null = null;

	constructor(private readonly db: Connection) {}

	/** Within one transaction; `conditions` are those of everything. */
	read(conditions: Conditions, offset: number, limit: number, indexed: boolean): RowSlice {
		const { placeIds } = conditions;
		if (placeIds.length === 0) return { rows: [], total: 0 };
		const map = this.#landmarks(placeIds);
		if (map === null) return this.#walkTo(placeIds, offset, limit);
		const { total } = map;
		if (offset >= total) return { rows: [], total };
		// The list runs from the newest, landmarks from the oldest.
		const position = this.#positionAt(map, placeIds, total - 1 - offset);
		return { rows: new OrderReader(this.db, conditions, ORDER, indexed).read(position, true, true, limit), total };
	}

	/** Kept for as long as nobody has written anything. Null before the first load has ended: then there are none. */
	#landmarks(placeIds: readonly number[]): LandmarkMap | null {
		const version = scalar(this.db, "PRAGMA data_version");
		const among = placeIds.join(",");
		if (this.#known?.version !== version || this.#known?.among !== among) {
			const all = this.db
				.prepare(`SELECT place, created_at, id, entries FROM landmarks WHERE place IN (${among}) ORDER BY created_at, id`)
				.raw()
				.all([]) as unknown as Landmark[];
			const marked = new Set(all.map(([place]) => place));
			this.#known = { version, among, map: placeIds.every((id) => marked.has(id)) ? new LandmarkMap(all) : null };
		}
		return this.#known.map;
	}

	#walkTo(placeIds: readonly number[], offset: number, limit: number): RowSlice {
		const from = `FROM entries NOT INDEXED WHERE place IN (${placeIds.join(",")})`;
		const total = scalar(this.db, `SELECT count(*) ${from}`) as number;
		if (offset >= total) return { rows: [], total };
		const query = `SELECT ${ENTRY_COLUMNS.join(",")} ${from} ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${offset}`;
		return { rows: rowsOf(this.db, query, []), total };
	}

	/** The entry before which `rank` others were created. Walks no further than the stretches of each place that it may lie in. */
	#positionAt(map: LandmarkMap, placeIds: readonly number[], rank: number): Position {
		const { at, before, open } = map.startBefore(rank);
		const [, createdAt, id] = at;
		const ofNone = createdAt === NO_TIME;
		const [key, value, least] = ofNone ? (["id", "?", [id]] as const) : (["(created_at, id)", "(?, ?)", [createdAt, id]] as const);
		const rows = (place: number): string =>
			`FROM entries INDEXED BY entries_created WHERE place = ${place} AND created_at IS ${ofNone ? "" : "NOT "}NULL AND ${key} >= ${value}`;
		let exactly = before;
		for (const [place, openedAt, openedId] of open) {
			const opened = ofNone ? [openedId] : [openedAt, openedId];
			exactly += scalar(this.db, `SELECT count(*) ${rows(place)} AND ${key} < ${value}`, [...opened, ...least]) as number;
		}
		const time = ofNone ? "NULL AS created_at" : "created_at";
		const all = placeIds.map((place) => `SELECT ${time}, id ${rows(place)}`).join(" UNION ALL ");
		const query = `${all} ORDER BY ${ofNone ? "id" : "created_at, id"} LIMIT 1 OFFSET ?`;
		const [found] = rowsOf<[number | null, Buffer]>(this.db, query, [...placeIds.flatMap(() => least), rank - exactly]);
		const [createdAtThere, idThere] = found as [number | null, Buffer];
		return { value: createdAtThere, id: idThere };
	}
}

interface Start {
	readonly at: Landmark;
	/** Entries in stretches that end at or before it. */
	readonly before: number;
	/** Landmarks of the stretches of other places that it lies in: how many of their entries are before it is not known. */
	readonly open: readonly Landmark[];
}

/** The landmarks of all places in one order, with how many entries lie before each, as far as they alone can tell. */
class LandmarkMap {
	readonly total: number;
	/** Entries before each landmark: at least, and at most. Of those that share a position only the last one counts. */
	readonly #least: Float64Array;
	readonly #most: Float64Array;

	constructor(private readonly all: readonly Landmark[]) {
		this.#least = new Float64Array(all.length);
		this.#most = new Float64Array(all.length).fill(Number.POSITIVE_INFINITY);
		const open = new Map<number, number>();
		let before = 0;
		let begun = 0;
		let here = 0;
		for (const [index, landmark] of all.entries()) {
			const [place, , , entries] = landmark;
			before += open.get(place) ?? 0;
			open.set(place, entries);
			begun += entries;
			here += entries;
			this.#least[index] = before;
			if (isSame(landmark, all[index + 1])) continue;
			this.#most[index] = begun - here;
			here = 0;
		}
		this.total = begun;
	}

	/** The last landmark that certainly has no more than `rank` entries before it. */
	startBefore(rank: number): Start {
		const index = this.#most.findLastIndex((most) => most <= rank);
		const at = this.all[index] as Landmark;
		const open = new Map<number, Landmark>();
		for (const landmark of this.all.slice(0, index + 1)) open.set(landmark[0], landmark);
		return { at, before: this.#least[index] as number, open: [...open.values()].filter((landmark) => !isSame(landmark, at)) };
	}
}

function isSame(a: Landmark, b: Landmark | undefined): boolean {
	return b !== undefined && a[1] === b[1] && a[2].equals(b[2]);
}
