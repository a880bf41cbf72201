import { placesOf } from "../places.js";
import type { CatalogWorkerOptions } from "../protocol.js";
import { Counters } from "./counters.js";
import { type Connection, openDatabase, scalar } from "./database.js";
import { IndexWriter } from "./index-writer.js";
import { forgetPlace, type IndexedPlace, type IndexedPlaces, indexPlaces, saveAsOf } from "./places.js";
import { COUNT_INDEXES, INDEXES } from "./schema.js";

const CACHE_KIB = 8192;
const DROP_AT_ONCE = 500;

/** The catalog's file with everything in memory that belongs to it. When one of both is in doubt, both are opened again. */
export class OpenIndex {
	readonly counters: Counters;
	readonly writer: IndexWriter;
	readonly places: readonly IndexedPlace[];
	readonly epoch: string;
	/** Why the file that was there was thrown away. */
	readonly discarded: string | null;
	readonly #db: Connection;
	readonly #removed: readonly number[];
	readonly #trusted: boolean;
	#indexed: boolean;

	/** `ids` are the places' numbers from an earlier opening; `anew` throws the file away. */
	constructor(options: CatalogWorkerOptions, now: number, ids: readonly number[], anew: boolean) {
		this.counters = new Counters(now);
		let indexed: IndexedPlaces | null = null;
		const prepare = (db: Connection): IndexedPlaces => {
			const wanted = [...options.places, ...options.servers.flatMap(placesOf)];
			const found = indexPlaces(db, wanted, JSON.stringify(options.settings), ids);
			this.counters.rebuild(db, now);
			return found;
		};
		const { db, epoch, discarded } = openDatabase(options.path, CACHE_KIB, anew, (checked) => {
			indexed = prepare(checked);
		});
		const { places, removed, trusted }: IndexedPlaces = discarded === null && indexed ? indexed : prepare(db);
		this.#db = db;
		this.epoch = epoch;
		this.discarded = discarded;
		this.places = places;
		this.#removed = removed;
		this.#trusted = trusted;
		this.#indexed = scalar(db, COUNT_INDEXES) === INDEXES.length;
		const placeIds = places.map(({ id }) => id);
		this.writer = new IndexWriter(db, this.counters, placeIds, (Math.random() * 0x1_0000_0000) | 0);
	}

	/** Before the first load has ended there are none, and whatever needs them would read every row. */
	get indexed(): boolean {
		return this.#indexed;
	}

	/** What has to be in memory before rows may change; to be gone through to the end. */
	*fill(): Generator<void> {
		if (this.#indexed) this.writer.openLandmarks();
		yield* this.writer.load(this.#trusted);
	}

	takeTotals(all: boolean): ReturnType<Counters["take"]> {
		return this.counters.take(this.#db, all);
	}

	/**
	 * Brings ages and expiry to that moment. Not while there are rows without indexes: each would be read several times, which for
	 * millions takes longer than it is to the next moment, so that the indexes would never come.
	 */
	advance(now: number): void {
		if (!this.#indexed && this.counters.entries > 0) return;
		this.counters.advance(this.#db, now);
	}

	*createIndexes(): Generator<void> {
		for (const { name, unique, on } of INDEXES) {
			this.#db.exec(`CREATE ${unique ? "UNIQUE " : ""}INDEX IF NOT EXISTS ${name} ON ${on}`);
			yield;
		}
		this.writer.openLandmarks();
		this.#indexed = true;
	}

	/** Rows of places that the configuration no longer names. */
	*dropRemoved(): Generator<void> {
		for (const placeId of this.#removed) {
			while (this.writer.dropRows(placeId, DROP_AT_ONCE) > 0) yield;
			forgetPlace(this.#db, placeId);
			this.counters.drop(placeId);
		}
	}

	saveAsOf(placeId: number, asOf: number): void {
		saveAsOf(this.#db, placeId, asOf);
	}

	/** `tidy` leaves one file behind, with nothing to be taken over at the next start. */
	close(tidy: boolean): void {
		if (tidy) this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
		this.#db.close();
	}
}
