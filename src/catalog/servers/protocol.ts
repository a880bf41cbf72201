/** What the catalog worker and the thread of a source say to each other. Either side calls the other. */
import type { SourceCounters } from "../../backends/entry-source.js";
import type { KnownEntriesView } from "../index/known-entries.js";
import type { RowBatch } from "../index/row-batch.js";
import type { ServerOptions, ServerPlace } from "../places.js";

export type SourceWorkerOptions = Pick<ServerOptions, "module" | "options">;

export interface SourceScanOrder {
	/** Every message of a scan bears it: those of one that was given up mean nothing. */
	readonly scan: number;
	/** Of the hashes of keys. */
	readonly salt: number;
	readonly places: readonly { readonly place: ServerPlace; readonly known: KnownEntriesView; readonly entries: number }[];
}

export interface SourceReading {
	/** What is there, whether or not it differs from what is known. */
	readonly batch: RowBatch;
	readonly missing: readonly string[];
}

/** Functions of the source's thread. */
export interface SourceWorkerApi {
	/** Of places that the source reads in one pass. For each of them the hashes of all entries that are there (`HashSet`). */
	scan(order: SourceScanOrder): Promise<readonly Float64Array[]>;
	onePass(): boolean;
	cancel(): void;
	read(place: ServerPlace, salt: number, keys: readonly string[]): Promise<SourceReading>;
	watch(): Promise<ReadonlyMap<string, string | null>>;
	/** True when everything that happened before the call has been reported and worked off. */
	barrier(): Promise<boolean>;
	counters(): Promise<SourceCounters>;
	close(): Promise<void>;
}

/** Functions of the catalog worker, answered when the work is done: nothing runs ahead of it. */
export interface SourceHostApi {
	take(scan: number, batch: RowBatch): Promise<void>;
	changed(place: string, keys: readonly string[]): Promise<void>;
	broken(place: string | null, reason: string): void;
}

export interface SourceEvent {
	readonly scan: number;
	/** Seen so far. */
	readonly entries: number;
}
