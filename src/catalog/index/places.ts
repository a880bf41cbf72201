import type { PlaceOptions } from "../places.js";
import { type Connection, scalar } from "./database.js";

/** A place as the file knows it. */
export interface IndexedPlace {
	readonly id: number;
	readonly options: PlaceOptions;
	readonly asOf: number;
}

export interface IndexedPlaces {
	readonly places: readonly IndexedPlace[];
	/** Places of the file that are no longer looked after: their rows have to go. */
	readonly removed: readonly number[];
	/** False when what was read earlier was read under other settings. */
	readonly trusted: boolean;
}

/**
 * Brings the table of places in line with the configuration. A place that lies elsewhere now is another place; its old
 * rows go. Where only the way of reading changed, rows stay but are as of never until they have been read again. `ids`
 * are the numbers that the places have already in this process, when the file is made anew.
 */
export function indexPlaces(db: Connection, wanted: readonly PlaceOptions[], settings: string, ids: readonly number[]): IndexedPlaces {
	db.exec("BEGIN IMMEDIATE");
	const trusted = scalar(db, "SELECT value FROM meta WHERE name = 'settings'") === settings;
	db.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('settings', ?)").run([settings]);
	const rows = db.prepare("SELECT id, backend, name, path, layout, as_of FROM places").raw().all([]) as [
		number,
		string,
		string,
		string,
		string,
		number,
	][];
	let lastId = rows.reduce((last, [id]) => Math.max(last, id), 0);
	const kept = new Set<number>();
	const places = wanted.map((options, index): IndexedPlace => {
		const layout = "searchAll" in options && options.searchAll ? `${options.layout}+all` : options.layout;
		const row = rows.find(([, backend, name, path]) => backend === options.backend && name === options.place && path === options.path);
		if (row) {
			const [rowId, , , , layoutThen, asOfThen] = row;
			kept.add(rowId);
			const asOf = trusted && layoutThen === layout ? asOfThen : 0;
			db.prepare("UPDATE places SET layout = ?, as_of = ? WHERE id = ?").run([layout, asOf, rowId]);
			return { id: rowId, options, asOf };
		}
		const id = ids[index] ?? ++lastId;
		// The old one of that name keeps its rows, and its number, until they are gone.
		db.prepare("UPDATE places SET name = name || char(0) || id WHERE backend = ? AND name = ?").run([options.backend, options.place]);
		const insert = "INSERT INTO places (id, backend, name, path, layout, as_of) VALUES (?, ?, ?, ?, ?, 0)";
		db.prepare(insert).run([id, options.backend, options.place, options.path, layout]);
		return { id, options, asOf: 0 };
	});
	db.exec("COMMIT");
	return { places, removed: rows.map(([id]) => id).filter((id) => !kept.has(id)), trusted };
}

export function forgetPlace(db: Connection, placeId: number): void {
	db.prepare("DELETE FROM places WHERE id = ?").run([placeId]);
}

export function saveAsOf(db: Connection, placeId: number, asOf: number): void {
	db.prepare("UPDATE places SET as_of = ? WHERE id = ?").run([asOf, placeId]);
}
