import type { BackendKind, EntryStatus } from "../../core/entry.js";
import { digestFromEntryId } from "../../core/entry-id.js";
import type { Selection } from "../../core/selection.js";
import { type Connection, rowsOf, scalar } from "../index/database.js";
import { ORPHANED, STALE } from "../index/row-batch.js";

/** A place as a query needs it. */
export interface QueriedPlace {
	readonly id: number;
	readonly backend: BackendKind;
}

/** A selection in SQL, over `entries`. */
export interface Conditions {
	/** Empty when nothing can match: then nothing is to be asked. */
	readonly placeIds: readonly number[];
	/** Without the places; joined by AND. */
	readonly where: readonly string[];
	readonly parameters: readonly unknown[];
	/** Already in `where`, which does not say it in a form that an index can use. Null for places to which it does not apply. */
	createdBefore(placeId: number): number | null;
	/** The index that finds the few rows there are, when there are few; null when most rows have to be looked at anyway. */
	readonly narrowest: string | null;
}

/** Up to so many rows are found by their own index and sorted; beyond that the order's index is walked. */
const FEW_ROWS = 20_000;
const SAMPLE_ROWS = 1000;

const NOTHING: Conditions = { placeIds: [], where: [], parameters: [], createdBefore: () => null, narrowest: null };

const STATUS: Readonly<Record<EntryStatus, string>> = {
	ORPHANED: `flags & ${ORPHANED} <> 0`,
	STALE: `flags & ${ORPHANED | STALE} = ${STALE}`,
	EXPIRED: `(flags & ${ORPHANED | STALE} = 0 AND expires_at <= ?)`,
	FRESH: `(flags & ${ORPHANED | STALE} = 0 AND (expires_at IS NULL OR expires_at > ?))`,
};

/** Precedence: ORPHANED, STALE, EXPIRED, FRESH. */
export function statusOf(flags: number, expiresAt: number | null, now: number): EntryStatus {
	if ((flags & ORPHANED) !== 0) return "ORPHANED";
	if ((flags & STALE) !== 0) return "STALE";
	return expiresAt !== null && expiresAt <= now ? "EXPIRED" : "FRESH";
}

export function conditionsOf(
	db: Connection,
	selection: Selection,
	places: readonly QueriedPlace[],
	now: number,
	indexed: boolean,
): Conditions {
	const { backends, ids, statuses, symbols, types, sources } = selection;
	const typeIds = types && idsOfTypes(db, types);
	if ([backends, ids, statuses, symbols, typeIds, sources].some((list) => list?.length === 0)) return NOTHING;
	const placeIds = places.filter(({ backend }) => backends === undefined || backends.includes(backend)).map(({ id }) => id);
	if (placeIds.length === 0) return NOTHING;
	const where: string[] = [];
	const parameters: unknown[] = [];
	const add = (condition: string, ...values: unknown[]): void => {
		where.push(condition);
		parameters.push(...values);
	};
	let narrowest: string | null = null;
	const narrow = (index: string, condition: string, ...values: unknown[]): void => {
		if (indexed && narrowest === null && isFew(db, index, placeIds, condition, values)) narrowest = index;
	};

	if (ids) {
		const digests = JSON.stringify(ids.flatMap((id) => digestFromEntryId(id)?.toString("hex") ?? []));
		add("id IN (SELECT unhex(value) FROM json_each(?))", digests);
		if (indexed) narrowest = "entries_id";
	}
	if (statuses) {
		const times = statuses.filter((status) => status === "EXPIRED" || status === "FRESH").map(() => now);
		add(`(${statuses.map((status) => STATUS[status]).join(" OR ")})`, ...times);
		if (times.length === 0) {
			add("flags <> 0");
			narrow("entries_flags", "flags <> 0");
		}
	}
	if (symbols) {
		const condition = "symbol IN (SELECT value FROM json_each(?))";
		add(condition, JSON.stringify(symbols));
		narrow("entries_symbol", condition, JSON.stringify(symbols));
	}
	if (typeIds) {
		const condition = `type IN (${typeIds.join(",")})`;
		add(condition);
		narrow("entries_type", condition);
	}
	if (sources) add("source IN (SELECT value FROM json_each(?))", JSON.stringify(sources));
	if (selection.keyContains !== undefined) add("instr(key, ?) > 0", selection.keyContains);
	if (selection.minBytes !== undefined) add("size >= ?", selection.minBytes);
	if (selection.maxRevision !== undefined) add("rev <= ?", selection.maxRevision);
	// Byte code can always be made again: its age protects nothing.
	const always = places.filter(({ backend }) => backend === "PYTHON").map(({ id }) => id);
	const { createdBefore = null } = selection;
	if (createdBefore !== null) add(`(created_at < ? OR place IN (${always.join(",")}))`, createdBefore);
	// All of a small layer; a list without restriction is walked by its order anyway.
	if (where.length > 0) narrow("entries_id", "TRUE");
	return { placeIds, where, parameters, createdBefore: (placeId) => (always.includes(placeId) ? null : createdBefore), narrowest };
}

/** Whether less than one row in a hundred matches, judged by a sample. */
export function isRare(db: Connection, { placeIds, where, parameters }: Conditions): boolean {
	const last = scalar(db, "SELECT max(n) FROM entries") as number | null;
	if (where.length === 0 || last === null || last < FEW_ROWS) return false;
	const sample = Array.from({ length: SAMPLE_ROWS }, (_, index) => 1 + Math.floor((index * last) / SAMPLE_ROWS));
	const condition = ["n IN (SELECT value FROM json_each(?))", `place IN (${placeIds.join(",")})`, ...where].join(" AND ");
	const found = scalar(db, `SELECT count(*) FROM entries NOT INDEXED WHERE ${condition}`, [
		JSON.stringify(sample),
		...parameters,
	]) as number;
	return found < SAMPLE_ROWS / 100;
}

function idsOfTypes(db: Connection, names: readonly string[]): number[] {
	const query = "SELECT id FROM types WHERE name IN (SELECT value FROM json_each(?))";
	return rowsOf<[number]>(db, query, [JSON.stringify(names)]).map(([id]) => id);
}

function isFew(db: Connection, index: string, placeIds: readonly number[], condition: string, values: readonly unknown[]): boolean {
	const rows = `SELECT 1 FROM entries INDEXED BY ${index} WHERE place IN (${placeIds.join(",")}) AND ${condition} LIMIT ${FEW_ROWS + 1}`;
	return (scalar(db, `SELECT count(*) FROM (${rows})`, values) as number) <= FEW_ROWS;
}
