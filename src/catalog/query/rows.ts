import type { BackendKind, Entry, EntryRef } from "../../core/entry.js";
import { entryIdFromDigest } from "../../core/entry-id.js";
import type { Connection } from "../index/database.js";
import { CREATED_SOURCES, type Location } from "../index/row-batch.js";
import { statusOf } from "./conditions.js";

/** What a row of `ENTRY` columns holds, in their order. */
export type EntryRow = readonly [
	n: number,
	id: Buffer,
	place: number,
	type: number,
	location: number,
	key: string,
	symbol: string | null,
	source: string | null,
	size: number,
	createdAt: number | null,
	createdSource: number,
	accessedAt: number | null,
	expiresAt: number | null,
	hitCount: number | null,
	flags: number,
	data: number | null,
	metadata: number | null,
	rev: number,
];

/** A place with its name. */
export interface NamedPlace {
	readonly id: number;
	readonly backend: BackendKind;
	readonly place: string;
}

/** Makes entries and refs of rows. Words are kept once read: they never change, only more are added. */
export class RowReader {
	readonly #types = new Map<number, string>();
	readonly #locations = new Map<number, Location>();

	constructor(private readonly db: Connection) {}

	entry(row: EntryRow, places: readonly NamedPlace[], now: number): Entry {
		const [, id, placeId, type, , key, symbol, source, size, createdAt, createdSource, accessedAt, expiresAt, hitCount, flags] = row;
		const { backend, place } = placeOf(places, placeId);
		return {
			id: entryIdFromDigest(id),
			key,
			backend,
			place,
			type: this.type(type),
			symbol,
			source,
			size,
			createdAt,
			createdAtSource: CREATED_SOURCES[createdSource] ?? "UNKNOWN",
			lastAccessedAt: accessedAt,
			expiresAt,
			hitCount,
			status: statusOf(flags, expiresAt, now),
		};
	}

	ref(row: EntryRow, places: readonly NamedPlace[]): EntryRef {
		const [, id, placeId, type, location, key, , , size, , , , , , , data, metadata] = row;
		const { backend, place } = placeOf(places, placeId);
		const { prefix, suffix } = this.#location(location);
		return {
			id: entryIdFromDigest(id),
			key,
			backend,
			place,
			type: this.type(type),
			size,
			locator: prefix === null ? null : prefix + key + suffix,
			fingerprint: { data, metadata },
		};
	}

	type(id: number): string {
		if (!this.#types.has(id)) this.#readTypes();
		return this.#types.get(id) as string;
	}

	typeIds(): number[] {
		this.#readTypes();
		return [...this.#types.keys()];
	}

	#readTypes(): void {
		const rows = this.db.prepare("SELECT id, name FROM types").raw().all([]) as [number, string][];
		for (const [id, name] of rows) this.#types.set(id, name);
	}

	#location(id: number): Location {
		if (!this.#locations.has(id)) {
			const rows = this.db.prepare("SELECT id, layout, prefix, suffix FROM locations").raw().all([]) as [
				number,
				string,
				string | null,
				string,
			][];
			for (const [known, layout, prefix, suffix] of rows) this.#locations.set(known, { layout, prefix, suffix });
		}
		return this.#locations.get(id) as Location;
	}
}

function placeOf(places: readonly NamedPlace[], id: number): NamedPlace {
	return places.find((place) => place.id === id) as NamedPlace;
}
