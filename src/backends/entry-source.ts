/**
 * The port through which the catalog reads a layer that is a server. The catalog loads the adapter's module into a thread of
 * its own, so that nothing it parses is in the way of the event loop, and opens the source there by its one export
 * `openSource`. One contract suite (test/contract/entry-source.ts) holds every adapter to it.
 */
import type { BackendKind, CreatedAtSource, EntryFingerprint } from "../core/entry.js";

/** What any layer tells of an entry. `DescribedEntry` of the file layouts is one. */
export interface ReportedEntry {
	readonly key: string;
	readonly type: string;
	readonly symbol: string | null;
	readonly source: string | null;
	readonly size: number;
	readonly createdAt: number | null;
	readonly createdAtSource: CreatedAtSource;
	readonly lastAccessedAt: number | null;
	readonly expiresAt: number | null;
	readonly hitCount?: number | null;
	readonly orphaned: boolean;
	readonly brokenMetadata: boolean;
	readonly locator: string | null;
	readonly fingerprint: EntryFingerprint;
}

/** Keys of one place that may have changed, or that something may have been missed: then only a scan can tell. */
export interface SourceListener {
	changed(place: string, keys: readonly string[]): void;
	broken(place: string | null, reason: string): void;
}

/** Hits and misses of the whole server, since it started; null where it keeps none. */
export interface SourceCounters {
	readonly hits: number | null;
	readonly misses: number | null;
}

export interface EntrySource {
	readonly kind: BackendKind;
	/** Names of the configured namespaces or collections. Whatever lies in none of them is never read. */
	readonly places: readonly string[];
	/** One pass over the server serves several places: `scan` is called with all that are due. Otherwise with one at a time. */
	readonly onePass: boolean;
	/**
	 * Every entry of the places, in batches of at most 2,000 of one place each; an entry that neither comes nor goes meanwhile at
	 * least once. The next batch is read while `deliver` works on the one before, and no further ahead. Paced, so that other
	 * clients keep breathing. Rejects with BACKEND_UNAVAILABLE or BACKEND_TIMEOUT, or as `signal` says; what was delivered by then
	 * is true all the same.
	 */
	scan(places: readonly string[], deliver: Deliver, signal: AbortSignal): Promise<void>;
	/** These entries (at most 2,000 keys) as they are now; those that are gone, or not of the place, are missing from the answer. */
	read(place: string, keys: readonly string[]): Promise<readonly ReportedEntry[]>;
	/**
	 * Reports changes from now on, as hints. Answers, for each place, why it can't be followed, or null. Rejects when the server
	 * can't be reached. After a lost connection it goes on by itself and reports `broken`; it may then be called again, and tells
	 * what can be followed now.
	 */
	watch(listener: SourceListener): Promise<ReadonlyMap<string, string | null>>;
	/** Resolves when everything that happened before the call has been told to the listener; false when that is not certain. */
	barrier(): Promise<boolean>;
	/** Asks the server, so that it also tells whether it answers: rejects within 1.5 s when it does not. */
	counters(): Promise<SourceCounters>;
	close(): Promise<void>;
}

export type Deliver = (place: string, entries: readonly ReportedEntry[]) => Promise<void>;

/** What the module of an adapter exports as `openSource`. Connects lazily; the options can be cloned to another thread. */
export type OpenSource<Options> = (options: Options) => EntrySource;
