import type { BackendKind, Entry, EntryRef, EntryTally } from "../../core/entry.js";
import type { Page, PageRequest } from "../../core/page.js";
import type { EntryOrder, SelectedRefs, Selection, SelectPosition } from "../../core/selection.js";
import { type Connection, rowsOf, scalar } from "../index/database.js";
import { COUNT_INDEXES, ENTRY_COLUMNS, INDEXES } from "../index/schema.js";
import { tallyRows } from "../index/tally-rows.js";
import type { EntrySlice, SelectionSummary } from "../port.js";
import { type Conditions, conditionsOf, isRare } from "./conditions.js";
import { decodeCursor, encodeCursor } from "./cursor.js";
import { OrderReader, readPage } from "./page.js";
import type { Asked, QueryWorkerApi } from "./protocol.js";
import { type EntryRow, RowReader } from "./rows.js";
import { SliceReader } from "./slice.js";

const BY_TIME: EntryOrder = { field: "CREATED_AT", direction: "ASC" };

/** The questions of the port, answered from one consistent state of the index each. */
export class Queries implements Omit<QueryWorkerApi, "open" | "close"> {
	readonly #rows: RowReader;
	readonly #slices: SliceReader;
	#indexed = false;

	constructor(private readonly db: Connection) {
		this.#rows = new RowReader(db);
		this.#slices = new SliceReader(db);
	}

	page(asked: Asked, selection: Selection, order: EntryOrder, request: PageRequest): Page<Entry> {
		return this.#consistently(() => {
			const page = readPage(this.db, this.#conditions(asked, selection), order, request, this.#indexed);
			return { ...page, items: page.items.map(({ cursor, row }) => ({ cursor, node: this.#rows.entry(row, asked.places, asked.now) })) };
		});
	}

	slice(asked: Asked, offset: number, limit: number): EntrySlice {
		return this.#consistently(() => {
			const { rows, total } = this.#slices.read(this.#conditions(asked, {}), offset, limit, this.#indexed);
			return { entries: rows.map((row) => this.#rows.entry(row, asked.places, asked.now)), total };
		});
	}

	tallies(asked: Asked, selection: Selection): EntryTally[] {
		return this.#consistently(() => this.#tallies(asked, selection));
	}

	summarize(asked: Asked, selection: Selection): SelectionSummary {
		return this.#consistently(() => ({
			tallies: this.#tallies(asked, selection),
			revision: scalar(this.db, "SELECT value FROM meta WHERE name = 'revision'") as number,
		}));
	}

	entries(asked: Asked, ids: readonly string[]): Entry[] {
		return this.#byIds(asked, ids, (row) => this.#rows.entry(row, asked.places, asked.now));
	}

	refs(asked: Asked, ids: readonly string[]): EntryRef[] {
		return this.#byIds(asked, ids, (row) => this.#rows.ref(row, asked.places));
	}

	select(asked: Asked, backend: BackendKind, selection: Selection, after: SelectPosition | null, limit: number): SelectedRefs {
		return this.#consistently(() => {
			const wanted = selection.backends === undefined || selection.backends.includes(backend);
			const conditions = this.#conditions(asked, { ...selection, backends: wanted ? [backend] : [] });
			const byTime = after === null ? this.#isByTime(backend, conditions) : typeof after === "string";
			// Judged once: as entries go, the rest becomes rare, and a sweep for each piece of it would be slow.
			const ordered = byTime ? new OrderReader(this.db, conditions, BY_TIME, this.#indexed, { rare: false }) : null;
			const rows =
				ordered === null
					? this.#rowsWhere(conditions, "n > ?", [after ?? 0], `ORDER BY n LIMIT ${limit}`)
					: ordered.read(after === null ? null : decodeCursor(BY_TIME, String(after)), true, false, limit);
			const last = rows.at(-1);
			return {
				refs: rows.map((row) => this.#rows.ref(row, asked.places)),
				next:
					rows.length < limit || last === undefined ? null : ordered === null ? last[0] : encodeCursor(BY_TIME, ordered.positionOf(last)),
			};
		});
	}

	/** Neighbours in time lie together where the server keeps them; to seek few among many in that order takes longer than a sweep. */
	#isByTime(backend: BackendKind, conditions: Conditions): boolean {
		return backend === "MONGODB" && this.#indexed && (conditions.narrowest !== null || !isRare(this.db, conditions));
	}

	#byIds<T extends { readonly id: string }>(asked: Asked, ids: readonly string[], make: (row: EntryRow) => T): T[] {
		return this.#consistently(() => {
			const found = new Map<string, T>();
			for (const row of this.#rowsWhere(this.#conditions(asked, { ids }), "TRUE", [], "")) {
				const made = make(row);
				found.set(made.id, made);
			}
			return ids.flatMap((id) => found.get(id) ?? []);
		});
	}

	#tallies(asked: Asked, selection: Selection): EntryTally[] {
		const { placeIds, where, parameters, narrowest } = this.#conditions(asked, selection);
		if (placeIds.length === 0) return [];
		const restriction = { using: this.#using(narrowest), where: where.join(" AND ") || "TRUE", parameters };
		const tallies = new Map<string, { backend: BackendKind; type: string; entries: number; bytes: number }>();
		for (const { placeId, typeId, entries, bytes } of tallyRows(this.db, placeIds, this.#rows.typeIds(), this.#indexed, restriction)) {
			const backend = asked.places.find(({ id }) => id === placeId)?.backend as BackendKind;
			const type = this.#rows.type(typeId);
			const tally = tallies.get(`${backend} ${type}`) ?? { backend, type, entries: 0, bytes: 0 };
			tally.entries += entries;
			tally.bytes += bytes;
			tallies.set(`${backend} ${type}`, tally);
		}
		return [...tallies.values()];
	}

	#rowsWhere(conditions: Conditions, first: string, values: readonly unknown[], tail: string): EntryRow[] {
		const { placeIds, where, parameters, narrowest } = conditions;
		if (placeIds.length === 0) return [];
		const condition = [first, `place IN (${placeIds.join(",")})`, ...where].join(" AND ");
		const query = `SELECT ${ENTRY_COLUMNS.join(",")} FROM entries ${this.#using(narrowest)} WHERE ${condition} ${tail}`;
		return rowsOf(this.db, query, [...values, ...parameters]);
	}

	/** Most of the table in one sweep is far faster than by an index and back. */
	#using(narrowest: string | null): string {
		return narrowest === null ? "NOT INDEXED" : `INDEXED BY ${narrowest}`;
	}

	#conditions(asked: Asked, selection: Selection): Conditions {
		return conditionsOf(this.db, selection, asked.places, asked.now, this.#indexed);
	}

	#consistently<T>(work: () => T): T {
		this.db.exec("BEGIN");
		try {
			if (!this.#indexed) {
				this.#indexed = scalar(this.db, COUNT_INDEXES) === INDEXES.length;
			}
			return work();
		} finally {
			this.db.exec("COMMIT");
		}
	}
}
