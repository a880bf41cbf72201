/**
 * Where in the order of creation each stretch of a place's entries begins, and how many are in it: what it takes to find the entry
 * with a certain number without walking to it. Stretches are kept between a quarter of and twice the usual length.
 */
import type { Connection } from "./database.js";
import { FIRST_TIME, NO_TIME } from "./schema.js";

const USUAL = 512;
const LONGEST = 2 * USUAL;
const SHORTEST = USUAL / 4;

interface Landmark {
	readonly createdAt: number;
	readonly id: Buffer;
	entries: number;
}

type Written = readonly [createdAt: number, id: Buffer, entries: number];

/** Those of one place, in their order. */
class Stretches {
	readonly all: Landmark[] = [];
	readonly changed = new Set<Landmark>();
	readonly removed: Landmark[] = [];

	constructor(rows: readonly Written[]) {
		for (const [createdAt, id, entries] of rows) this.all.push({ createdAt, id: Buffer.from(id), entries });
		for (const createdAt of [FIRST_TIME, NO_TIME])
			if (this.indexOf(createdAt, Buffer.alloc(0)) < 0 || this.of(createdAt).createdAt !== createdAt)
				this.insert(createdAt, Buffer.alloc(0), 0);
	}

	get entries(): number {
		return this.all.reduce((sum, { entries }) => sum + entries, 0);
	}

	/** The last one that begins at or before a position. */
	indexOf(createdAt: number, id: Buffer): number {
		let low = 0;
		let high = this.all.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			const at = this.all[middle] as Landmark;
			if (at.createdAt < createdAt || (at.createdAt === createdAt && Buffer.compare(at.id, id) <= 0)) low = middle + 1;
			else high = middle;
		}
		return low - 1;
	}

	of(createdAt: number, id: Buffer = Buffer.alloc(0)): Landmark {
		return this.all[this.indexOf(createdAt, id)] as Landmark;
	}

	count(createdAt: number | null, id: Buffer, sign: 1 | -1): void {
		const landmark = this.of(createdAt ?? NO_TIME, id);
		landmark.entries += sign;
		this.changed.add(landmark);
	}

	insert(createdAt: number, id: Buffer, entries: number): Landmark {
		const landmark = { createdAt, id, entries };
		this.all.splice(this.indexOf(createdAt, id) + 1, 0, landmark);
		this.changed.add(landmark);
		return landmark;
	}

	/** Joins a stretch that has become short with the one before it, where that does not make it too long. */
	join(landmark: Landmark): void {
		if (landmark.id.length === 0 || landmark.entries >= SHORTEST) return;
		const index = this.indexOf(landmark.createdAt, landmark.id);
		const before = this.all[index - 1] as Landmark;
		if (before.entries + landmark.entries > USUAL) return;
		before.entries += landmark.entries;
		this.all.splice(index, 1);
		this.changed.delete(landmark);
		this.changed.add(before);
		this.removed.push(landmark);
	}
}

export class Landmarks {
	readonly #places = new Map<number, Stretches>();
	readonly #write;
	readonly #erase;
	readonly #ofTimes;
	readonly #ofNone;

	constructor(private readonly db: Connection) {
		this.#write = db.prepare("INSERT OR REPLACE INTO landmarks (place, created_at, id, entries) VALUES (?, ?, ?, ?)");
		this.#erase = db.prepare("DELETE FROM landmarks WHERE place = ? AND created_at = ? AND id = ?");
		// Prepared when they are needed: before the first load has ended their index is not there.
		this.#ofTimes = (offset: number) =>
			`SELECT created_at, id FROM entries INDEXED BY entries_created
			WHERE place = ? AND created_at IS NOT NULL AND (created_at, id) >= (?, ?) ORDER BY created_at, id LIMIT 1 OFFSET ${offset}`;
		this.#ofNone = (offset: number) =>
			`SELECT ${NO_TIME}, id FROM entries INDEXED BY entries_created
			WHERE place = ? AND created_at IS NULL AND ?2 IS NOT NULL AND id >= ?3 ORDER BY id LIMIT 1 OFFSET ${offset}`;
	}

	/** Takes up what the file holds where it agrees with the rows, and makes it anew where not. Needs the index by creation. */
	open(places: readonly { readonly id: number; readonly entries: number }[]): void {
		const ids = places.map(({ id }) => id);
		this.db.exec(`DELETE FROM landmarks WHERE place NOT IN (${ids.join(",")})`);
		const rows = this.db.prepare("SELECT created_at, id, entries FROM landmarks WHERE place = ? ORDER BY created_at, id").raw();
		for (const { id, entries } of places) {
			let stretches = new Stretches(rows.all([id]) as unknown as Written[]);
			if (stretches.entries !== entries) {
				this.db.exec(`DELETE FROM landmarks WHERE place = ${id}`);
				stretches = new Stretches([]);
				const [timed = 0, all = 0] = this.db
					.prepare("SELECT count(created_at), count(*) FROM entries INDEXED BY entries_created WHERE place = ?")
					.raw()
					.get([id]) as number[];
				stretches.of(FIRST_TIME).entries = timed;
				stretches.of(NO_TIME).entries = all - timed;
			}
			this.#places.set(id, stretches);
		}
		this.settle();
	}

	add(placeId: number, createdAt: number | null, id: Buffer): void {
		this.#places.get(placeId)?.count(createdAt, id, 1);
	}

	remove(placeId: number, createdAt: number | null, id: Buffer): void {
		this.#places.get(placeId)?.count(createdAt, id, -1);
	}

	/** Brings lengths into their bounds, and the table to what is in memory. All rows have to be in the file. */
	settle(): void {
		for (const [placeId, stretches] of this.#places) {
			if (stretches.changed.size === 0) continue;
			for (const landmark of [...stretches.changed]) {
				this.#split(placeId, stretches, landmark);
				stretches.join(landmark);
			}
			for (const { createdAt, id } of stretches.removed.splice(0)) this.#erase.run([placeId, createdAt, id]);
			for (const { createdAt, id, entries } of stretches.changed) this.#write.run([placeId, createdAt, id, entries]);
			stretches.changed.clear();
		}
	}

	#split(placeId: number, stretches: Stretches, landmark: Landmark): void {
		for (let last = landmark; last.entries > LONGEST; ) {
			const query = last.createdAt === NO_TIME ? this.#ofNone(USUAL) : this.#ofTimes(USUAL);
			const found = this.db.prepare(query).raw().get([placeId, last.createdAt, last.id]) as [number, Buffer] | undefined;
			if (found === undefined) throw new Error("the catalog's landmarks do not agree with its rows");
			const [createdAt, id] = found;
			const next = stretches.insert(createdAt, Buffer.from(id), last.entries - USUAL);
			last.entries = USUAL;
			last = next;
		}
	}
}
