import { digestFromEntryId } from "../../core/entry-id.js";
import type { Counters } from "./counters.js";
import { type Connection, scalar } from "./database.js";
import { combinedFingerprint, keyHash } from "./key-hash.js";
import { KnownEntries } from "./known-entries.js";
import { Landmarks } from "./landmarks.js";
import { COLUMN, COLUMNS, DIGEST_BYTES, type RowBatch, STALE } from "./row-batch.js";
import { ENTRY_COLUMNS } from "./schema.js";
import { Locations, Types } from "./vocabulary.js";

/** Two keys with one hash: the table of known entries has to be made again with another salt. */
export class HashCollision extends Error {}

const BULK_ROWS = 100;
/** Bound once for all rows of a statement: the first row's number and revision, and the place. */
const SHARED_FIELDS = ["n", "rev", "place"] as const;
const OWN_FIELDS = ENTRY_COLUMNS.filter((name) => !SHARED_FIELDS.some((shared) => shared === name));
/** Index of each column in a row. */
const AT = Object.fromEntries(ENTRY_COLUMNS.map((name, index) => [name, index])) as Record<(typeof ENTRY_COLUMNS)[number], number>;
/** A change of these is a change of the entry; `accessed_at` and `hit_count` are not. */
const DESCRIBING = ENTRY_COLUMNS.filter((name) => !["n", "id", "accessed_at", "hit_count", "rev"].includes(name)).map((name) => AT[name]);
/** Row numbers are kept in 32 bits. */
const MAX_ROW = 2 ** 32 - 1;

/** Binding takes as long as inserting, so what follows from the row's position is not bound again. */
function insertOf(rows: number): string {
	const values = Array.from({ length: rows }, (_, row) => {
		const first = SHARED_FIELDS.length + row * OWN_FIELDS.length + 1;
		const fields = [`?1+${row}`, `?2+${row}`, "?3", ...OWN_FIELDS.map((_, field) => `?${first + field}`)];
		return `(${fields.join(",")})`;
	});
	return `INSERT INTO entries (${[...SHARED_FIELDS, ...OWN_FIELDS].join(",")}) VALUES ${values.join(",")}`;
}

const NOTHING: ReadonlySet<string> = new Set();

export interface GoneKey {
	readonly placeId: number;
	readonly key: string;
}

export interface FoundEntry extends GoneKey {
	readonly layout: string;
	readonly locator: string | null;
}

type Row = (string | number | Buffer | null)[];
type Located = [placeId: number, key: string, location: number];

/**
 * The only writer of rows. Index, counters and known entries change together; each public method is one transaction.
 * When one throws, what is in memory may be ahead of the file: load everything again.
 */
export class IndexWriter {
	readonly #known = new Map<number, KnownEntries>();
	readonly #landmarks: Landmarks;
	readonly #types: Types;
	readonly #locations: Locations;
	readonly #bulk;
	readonly #single;
	readonly #select;
	readonly #selectById;
	readonly #locate;
	readonly #update;
	readonly #touch;
	readonly #mark;
	readonly #delete;
	/** What all rows share, and then theirs: their numbers and revisions follow each other, since whatever else raises one writes these first. */
	#pending: Row = [];
	#lastRow: number;
	#revision: number;

	constructor(
		private readonly db: Connection,
		private readonly counters: Counters,
		placeIds: readonly number[],
		readonly salt: number,
	) {
		this.#types = new Types(db);
		this.#locations = new Locations(db);
		this.#landmarks = new Landmarks(db);
		const columns = ENTRY_COLUMNS.join(",");
		this.#bulk = db.prepare(insertOf(BULK_ROWS));
		this.#single = db.prepare(insertOf(1));
		this.#select = db.prepare(`SELECT ${columns} FROM entries WHERE n = ?`).raw();
		this.#selectById = db.prepare(`SELECT ${columns} FROM entries WHERE place IN (${placeIds.join(",")}) AND id = ?`).raw();
		this.#locate = db.prepare(`SELECT place, key, location FROM entries WHERE place IN (${placeIds.join(",")}) AND id = ?`).raw();
		this.#update = db.prepare(
			`UPDATE entries SET ${ENTRY_COLUMNS.slice(1)
				.map((name) => `${name} = ?`)
				.join(",")} WHERE n = ?`,
		);
		this.#touch = db.prepare("UPDATE entries SET accessed_at = ? WHERE n = ?");
		this.#mark = db.prepare("UPDATE entries SET flags = ? WHERE n = ?");
		this.#delete = db.prepare("DELETE FROM entries WHERE n = ?");
		this.#lastRow = (scalar(db, "SELECT max(n) FROM entries") as number | null) ?? 0;
		this.#revision = scalar(db, "SELECT value FROM meta WHERE name = 'revision'") as number;
		for (const id of placeIds) this.#known.set(id, new KnownEntries(counters.entriesOf(id)));
	}

	/** As soon as the indexes are there; kept up from then on. */
	openLandmarks(): void {
		this.#transaction(() => this.#landmarks.open([...this.#known.keys()].map((id) => ({ id, entries: this.counters.entriesOf(id) }))));
	}

	known(placeId: number): KnownEntries {
		const known = this.#known.get(placeId);
		if (!known) throw new Error(`place ${placeId} is not looked after`);
		return known;
	}

	/**
	 * Fills the tables of known entries from the rows, a slice at a time, so that the thread can answer in between. With
	 * `trust` false every entry counts as changed, and the next scan reads all of them again.
	 */
	*load(trust: boolean): Generator<void> {
		const query = "SELECT n, place, key, data_fp, metadata_fp, accessed_at FROM entries WHERE n > ? ORDER BY n LIMIT 5000";
		const page = this.db.prepare(query).raw();
		for (let after = 0; ; ) {
			const rows = page.all([after]) as [number, number, string, number | null, number | null, number | null][];
			for (const [n, place, key, data, metadata, accessed] of rows) {
				const hash = this.hashOf(key);
				const known = this.#known.get(place);
				if (known && known.find(hash) >= 0) throw new HashCollision();
				known?.insert(hash, n, trust ? combinedFingerprint(data, metadata) : 0, accessed);
				after = n;
			}
			if (rows.length === 0) return;
			yield;
		}
	}

	hashOf(key: string): number {
		return keyHash(this.salt, key);
	}

	/** Inserts what is new, replaces what differs, removes what is gone. Keys in `skip` are left as they are. */
	apply(batches: readonly RowBatch[], gone: readonly GoneKey[], skip: ReadonlySet<string> = NOTHING): void {
		this.#transaction(() => {
			for (const { placeId, key } of gone) this.#removeKey(placeId, key);
			for (const batch of batches) this.#applyBatch(batch, skip);
			this.#flush();
		});
	}

	/** Where the entries of these ids lie; unknown ones are passed over. */
	find(ids: readonly string[]): FoundEntry[] {
		return ids.flatMap((id) => {
			const digest = digestFromEntryId(id);
			const row = digest && (this.#locate.get([digest]) as Located | undefined);
			return row ? [this.#found(...row)] : [];
		});
	}

	/** Not a change of the entry: its revision stays, and with it the plans that it belongs to. */
	markStale(ids: readonly string[], stale: boolean): void {
		this.#transaction(() => {
			for (const id of ids) {
				const digest = digestFromEntryId(id);
				const row = digest && (this.#selectById.get([digest]) as Row | undefined);
				if (!row) continue;
				const flags = row[AT.flags] as number;
				const marked = [...row];
				marked[AT.flags] = stale ? flags | STALE : flags & ~STALE;
				if (marked[AT.flags] === flags) continue;
				this.#mark.run([marked[AT.flags], row[AT.n]]);
				this.counters.remove(this.#counted(row));
				this.counters.add(this.#counted(marked));
			}
		});
	}

	/** Up to `limit` rows of a place that is no longer looked after; answers how many there were. */
	dropRows(placeId: number, limit: number): number {
		let dropped = 0;
		this.#transaction(() => {
			const rows = this.db
				.prepare(`SELECT ${ENTRY_COLUMNS.join(",")} FROM entries WHERE place = ? LIMIT ?`)
				.raw()
				.all([placeId, limit]) as Row[];
			dropped = rows.length;
			for (const row of rows) this.#removeRow(row, this.hashOf(row[AT.key] as string));
		});
		return dropped;
	}

	/** Rows whose key begins so. */
	rowsBelow(placeId: number, prefix: string): number[] {
		// The largest code point behind the prefix ends the range of all keys that begin with it.
		const rows = this.db.prepare("SELECT n FROM entries WHERE place = ? AND key >= ? AND key < ? || char(1114111)").raw();
		return (rows.all([placeId, prefix, prefix]) as [number][]).map(([n]) => n);
	}

	/** Of entries whose time ended after one moment and until the other; at most `limit`, the first to end before the others. */
	expiredKeys(placeId: number, after: number, until: number, limit: number): string[] {
		// An index of the place would be chosen otherwise, and every row of it read.
		const query = "SELECT key FROM entries WHERE expires_at > ? AND expires_at <= ? AND +place = ? ORDER BY expires_at LIMIT ?";
		return (this.db.prepare(query).raw().all([after, until, placeId, limit]) as [string][]).map(([key]) => key);
	}

	/** What is known of a row: enough to look again whether it is still there. */
	describe(n: number): FoundEntry | null {
		const row = this.#select.get([n]) as Row | undefined;
		return row ? this.#found(row[AT.place] as number, row[AT.key] as string, row[AT.location] as number) : null;
	}

	#found(placeId: number, key: string, location: number): FoundEntry {
		const { layout, prefix, suffix } = this.#locations.at(location);
		return { placeId, key, layout, locator: prefix === null ? null : prefix + key + suffix };
	}

	#transaction(work: () => void): void {
		const before = this.#revision;
		this.db.exec("BEGIN IMMEDIATE");
		try {
			work();
			this.#landmarks.settle();
			if (this.#revision !== before) this.db.prepare("UPDATE meta SET value = ? WHERE name = 'revision'").run([this.#revision]);
			this.db.exec("COMMIT");
		} catch (error) {
			if (this.db.inTransaction) this.db.exec("ROLLBACK");
			throw error;
		}
	}

	#applyBatch(batch: RowBatch, skip: ReadonlySet<string>): void {
		const { numbers, touched } = batch;
		const entries = this.known(batch.placeId);
		const types = batch.types.map((name) => this.#types.idOf(name));
		const locations = batch.locations.map((location) => this.#locations.idOf(location));
		for (let i = 0; i < batch.count; i++) {
			const at = i * COLUMNS;
			if (skip.has(batch.keys[i] as string)) continue;
			const hash = numbers[at + COLUMN.hash] as number;
			const known = numbers[at + COLUMN.known] as number;
			const accessedAt = orNull(numbers[at + COLUMN.accessedAt]);
			const row: Row = [
				0,
				Buffer.from(batch.ids.buffer, batch.ids.byteOffset + i * DIGEST_BYTES, DIGEST_BYTES),
				batch.placeId,
				types[numbers[at + COLUMN.type] as number] as number,
				locations[numbers[at + COLUMN.location] as number] as number,
				batch.keys[i] as string,
				batch.symbols[numbers[at + COLUMN.symbol] as number] ?? null,
				batch.sources[numbers[at + COLUMN.source] as number] ?? null,
				numbers[at + COLUMN.size] as number,
				orNull(numbers[at + COLUMN.createdAt]),
				numbers[at + COLUMN.createdSource] as number,
				accessedAt,
				orNull(numbers[at + COLUMN.expiresAt]),
				orNull(numbers[at + COLUMN.hitCount]),
				numbers[at + COLUMN.flags] as number,
				orNull(numbers[at + COLUMN.dataFingerprint]),
				orNull(numbers[at + COLUMN.metadataFingerprint]),
				0,
			];
			const slot = entries.find(hash);
			if (slot < 0) {
				this.#insert(row);
				entries.insert(hash, this.#lastRow, known, accessedAt);
			} else {
				this.#replace(entries.row(slot), row);
				entries.update(slot, known, accessedAt);
			}
		}
		for (let i = 0; i < touched.length; i += 2) {
			const slot = entries.find(touched[i] as number);
			if (slot < 0) continue;
			const accessedAt = touched[i + 1] as number;
			this.#flush();
			this.#touch.run([accessedAt, entries.row(slot)]);
			entries.update(slot, entries.fingerprint(slot), accessedAt);
		}
	}

	#insert(row: Row): void {
		if (this.#lastRow >= MAX_ROW) throw new HashCollision("row numbers have run out");
		row[AT.n] = ++this.#lastRow;
		row[AT.rev] = ++this.#revision;
		this.#landmarks.add(row[AT.place] as number, row[AT.created_at] as number | null, row[AT.id] as Buffer);
		if (this.#pending.length > 0 && this.#pending[2] !== row[AT.place]) this.#flush();
		if (this.#pending.length === 0) for (const name of SHARED_FIELDS) this.#pending.push(row[AT[name]] as number);
		for (const name of OWN_FIELDS) this.#pending.push(row[AT[name]] as Row[number]);
		if (this.#pending.length === SHARED_FIELDS.length + BULK_ROWS * OWN_FIELDS.length) {
			this.#bulk.run(this.#pending);
			this.#pending = [];
		}
		this.counters.add(this.#counted(row));
	}

	#replace(n: number, row: Row): void {
		this.#flush();
		const old = this.#select.get([n]) as Row | undefined;
		if (!old || !(old[AT.id] as Buffer).equals(row[AT.id] as Buffer)) throw new HashCollision();
		// What was only read again is as stale as before.
		if (old[AT.data_fp] === row[AT.data_fp] && old[AT.metadata_fp] === row[AT.metadata_fp])
			row[AT.flags] = (row[AT.flags] as number) | ((old[AT.flags] as number) & STALE);
		const changed = DESCRIBING.some((column) => old[column] !== row[column]);
		row[AT.n] = n;
		row[AT.rev] = changed ? ++this.#revision : (old[AT.rev] as number);
		if (!changed && old[AT.accessed_at] === row[AT.accessed_at] && old[AT.hit_count] === row[AT.hit_count]) return;
		this.#update.run([...row.slice(1), n]);
		if (!changed) return;
		if (old[AT.created_at] !== row[AT.created_at]) {
			this.#landmarks.remove(row[AT.place] as number, old[AT.created_at] as number | null, old[AT.id] as Buffer);
			this.#landmarks.add(row[AT.place] as number, row[AT.created_at] as number | null, row[AT.id] as Buffer);
		}
		this.counters.remove(this.#counted(old));
		this.counters.add(this.#counted(row));
	}

	#removeKey(placeId: number, key: string): void {
		const hash = this.hashOf(key);
		const known = this.known(placeId);
		const slot = known.find(hash);
		if (slot < 0) return;
		const row = this.#select.get([known.row(slot)]) as Row | undefined;
		// Another key with the same hash is not the one that is gone.
		if (row && row[AT.key] === key && row[AT.place] === placeId) this.#removeRow(row, hash);
	}

	#removeRow(row: Row, hash: number): void {
		this.#delete.run([row[AT.n]]);
		this.#landmarks.remove(row[AT.place] as number, row[AT.created_at] as number | null, row[AT.id] as Buffer);
		this.counters.remove(this.#counted(row));
		const known = this.#known.get(row[AT.place] as number);
		const slot = known ? known.find(hash) : -1;
		if (known && slot >= 0 && known.row(slot) === row[AT.n]) known.remove(slot);
	}

	/** Writes what waits for a full statement. */
	#flush(): void {
		const [n, revision, place] = this.#pending as [number, number, number];
		for (let row = 0, at = SHARED_FIELDS.length; at < this.#pending.length; row++, at += OWN_FIELDS.length) {
			this.#single.run([n + row, revision + row, place, ...this.#pending.slice(at, at + OWN_FIELDS.length)]);
		}
		this.#pending = [];
	}

	#counted(row: Row): Parameters<Counters["add"]>[0] {
		return {
			placeId: row[AT.place] as number,
			type: this.#types.nameOf(row[AT.type] as number),
			size: row[AT.size] as number,
			createdAt: row[AT.created_at] as number | null,
			expiresAt: row[AT.expires_at] as number | null,
			flags: row[AT.flags] as number,
		};
	}
}

function orNull(value: number | undefined): number | null {
	return value === undefined || Number.isNaN(value) ? null : value;
}
