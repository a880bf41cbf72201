/** Pages by key: each continues where the cursor stands, whatever came or went, and costs the same at any depth. */
import type { PageRequest } from "../../core/page.js";
import type { EntryOrder, EntryOrderField } from "../../core/selection.js";
import { type Connection, rowsOf } from "../index/database.js";
import { ENTRY_COLUMNS } from "../index/schema.js";
import { type Conditions, isRare } from "./conditions.js";
import { decodeCursor, encodeCursor, type Position } from "./cursor.js";
import type { EntryRow } from "./rows.js";

interface OrderColumn {
	readonly column: string;
	readonly at: number;
	readonly nullable: boolean;
	readonly index: string;
	readonly nullIndex: string;
}

const ORDER: Readonly<Record<EntryOrderField, OrderColumn>> = {
	CREATED_AT: orderBy("created_at", true, "entries_created"),
	LAST_ACCESSED_AT: orderBy("accessed_at", true, "entries_accessed"),
	SIZE: orderBy("size", false, "entries_size"),
	KEY: orderBy("key", false, "entries_key"),
	HIT_COUNT: { ...orderBy("hit_count", true, "entries_hits"), nullIndex: "entries_id" },
};

function orderBy(column: (typeof ENTRY_COLUMNS)[number], nullable: boolean, index: string): OrderColumn {
	return { column, at: ENTRY_COLUMNS.indexOf(column), nullable, index, nullIndex: index };
}

export interface RowPage {
	readonly items: readonly { readonly cursor: string; readonly row: EntryRow }[];
	readonly hasNextPage: boolean;
	readonly hasPreviousPage: boolean;
}

export function readPage(db: Connection, conditions: Conditions, order: EntryOrder, request: PageRequest, indexed: boolean): RowPage {
	const reader = new OrderReader(db, conditions, order, indexed);
	const forward = request.direction === "forward";
	const from = request.cursor === null ? null : decodeCursor(order, request.cursor);
	const rows = reader.read(from, forward, false, request.limit + 1);
	const more = rows.length > request.limit;
	if (more) rows.pop();
	const first = rows[0];
	// Without a cursor the list's edge was the start; otherwise whatever stands before the first item, or at the cursor itself.
	const behind = from === null ? false : reader.read(first ? reader.positionOf(first) : from, !forward, !first, 1).length > 0;
	if (!forward) rows.reverse();
	return {
		items: rows.map((row) => ({ cursor: encodeCursor(order, reader.positionOf(row)), row })),
		hasNextPage: forward ? more : behind,
		hasPreviousPage: forward ? behind : more,
	};
}

export class OrderReader {
	readonly #column: OrderColumn;
	#rare: boolean | null;

	constructor(
		private readonly db: Connection,
		private readonly conditions: Conditions,
		private readonly order: EntryOrder,
		private readonly indexed: boolean,
		/** Whether few rows match; found out when it is needed. */
		{ rare = null }: { readonly rare?: boolean | null } = {},
	) {
		this.#rare = rare;
		this.#column = ORDER[order.field];
	}

	positionOf(row: EntryRow): Position {
		return { value: row[this.#column.at] as Position["value"], id: row[1] };
	}

	/** Rows in the order asked for (`forward`) or its reverse, from a position on. Those without a value come last, so first in reverse. */
	read(from: Position | null, forward: boolean, inclusive: boolean, limit: number): EntryRow[] {
		const ascending = (this.order.direction === "ASC") === forward;
		const parts = this.#column.nullable ? (forward ? ["valued", "null"] : ["null", "valued"]) : ["valued"];
		const startsIn = from === null ? parts[0] : from.value === null ? "null" : "valued";
		const rows: EntryRow[] = [];
		for (const part of parts.slice(Math.max(parts.indexOf(startsIn as string), 0))) {
			if (rows.length === limit) break;
			const start = part === startsIn ? from : null;
			rows.push(...this.#part(part === "null", start, ascending, inclusive, limit - rows.length));
		}
		return rows;
	}

	/** Where few rows match, one sweep over all is faster than to visit each in its order. */
	#using(index: string): string {
		if (!this.indexed) return "";
		this.#rare ??= this.conditions.narrowest === null && isRare(this.db, this.conditions);
		return this.#rare ? "NOT INDEXED" : `INDEXED BY ${index}`;
	}

	#part(ofNulls: boolean, from: Position | null, ascending: boolean, inclusive: boolean, limit: number): EntryRow[] {
		const { column, nullable, index, nullIndex } = this.#column;
		const { placeIds, where, parameters, narrowest, createdBefore } = this.conditions;
		const compare = `${ascending ? ">" : "<"}${inclusive ? "=" : ""}`;
		const range: string[] = [];
		const bounds: unknown[] = [];
		if (ofNulls) range.push(`${column} IS NULL`);
		else if (nullable) range.push(`${column} IS NOT NULL`);
		if (from) {
			range.push(ofNulls ? `id ${compare} ?` : `(${column}, id) ${compare} (?, ?)`);
			bounds.push(...(ofNulls ? [from.id] : [from.value, from.id]));
		}
		const direction = ascending ? "ASC" : "DESC";
		const by = ofNulls ? `id ${direction}` : `${column} ${direction}, id ${direction}`;
		const using = this.#using(narrowest ?? (ofNulls ? nullIndex : index));
		const all = placeIds.map((placeId) => {
			const before = column === "created_at" && !ofNulls ? createdBefore(placeId) : null;
			const condition = [`place = ${placeId}`, ...(before === null ? [] : ["created_at < ?"]), ...range, ...where].join(" AND ");
			const query = `SELECT ${ENTRY_COLUMNS.join(",")} FROM entries ${using} WHERE ${condition} ORDER BY ${by} LIMIT ${limit}`;
			const values = [...(before === null ? [] : [before]), ...bounds, ...parameters];
			return rowsOf<EntryRow>(this.db, query, values);
		});
		if (all.length === 1) return all[0] as EntryRow[];
		const sign = ascending ? 1 : -1;
		return all
			.flat()
			.sort((a, b) => sign * (compareValues(a[this.#column.at], b[this.#column.at]) || Buffer.compare(a[1], b[1])))
			.slice(0, limit);
	}
}

/** As SQLite compares: texts by their bytes in UTF-8. Both are null or neither is. */
function compareValues(a: EntryRow[number] | undefined, b: EntryRow[number] | undefined): number {
	if (typeof a === "string" && typeof b === "string") return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
	return Number(a) - Number(b);
}
