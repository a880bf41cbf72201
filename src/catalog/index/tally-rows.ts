import { type Connection, scalar } from "./database.js";

export interface RowTally {
	readonly placeId: number;
	readonly typeId: number;
	readonly entries: number;
	readonly bytes: number;
}

/** SQLite's limit of result columns is 2,000. */
const MAX_CELLS = 500;

/**
 * Entries and bytes by place and type. One sweep with a sum for each cell takes a sixth of the time of GROUP BY, which
 * sorts all rows first; only with very many types is that the better way. `using` and `where` restrict the rows; `indexed`
 * says that there are indexes, which tell at once which cells are empty.
 */
export function tallyRows(
	db: Connection,
	placeIds: readonly number[],
	typeIds: readonly number[],
	indexed: boolean,
	{ using = "NOT INDEXED", where = "TRUE", parameters = [] as readonly unknown[] } = {},
): RowTally[] {
	if (placeIds.length === 0 || typeIds.length === 0) return [];
	const from = `FROM entries ${using} WHERE place IN (${placeIds.join(",")}) AND ${where}`;
	const all = placeIds.flatMap((placeId) => typeIds.map((typeId) => ({ placeId, typeId })));
	const cells = indexed ? all.filter((cell) => isThere(db, cell.placeId, cell.typeId)) : all;
	if (cells.length === 0) return [];
	if (cells.length > MAX_CELLS) {
		const rows = db
			.prepare(`SELECT place, type, count(*), sum(size) ${from} GROUP BY place, type`)
			.raw()
			.all([...parameters]);
		return (rows as [number, number, number, number][]).map(([placeId, typeId, entries, bytes]) => ({ placeId, typeId, entries, bytes }));
	}
	const sums = cells.map(({ placeId, typeId }) => {
		const filter = `FILTER (WHERE place = ${placeId} AND type = ${typeId})`;
		return `count(*) ${filter}, sum(size) ${filter}`;
	});
	const row = db
		.prepare(`SELECT ${sums.join(", ")} ${from}`)
		.raw()
		.get([...parameters]) as (number | null)[];
	return cells
		.map((cell, index) => ({ ...cell, entries: row[index * 2] ?? 0, bytes: row[index * 2 + 1] ?? 0 }))
		.filter(({ entries }) => entries > 0);
}

function isThere(db: Connection, placeId: number, typeId: number): boolean {
	return scalar(db, "SELECT EXISTS (SELECT 1 FROM entries INDEXED BY entries_type WHERE type = ? AND place = ?)", [typeId, placeId]) === 1;
}
