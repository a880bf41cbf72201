/**
 * The port of the index of entries. Reading it never touches a cache layer; it says of itself as of when it is true.
 */
import type { BackendKind, Entry, EntryRef, EntryTally } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import type { Page, PageRequest } from "../core/page.js";
import type { EntryOrder, SelectedRefs, Selection, SelectPosition } from "../core/selection.js";

/** Entries and bytes under one age; the last bucket has no bound. */
export interface AgeTally {
	readonly maxAgeSeconds: number | null;
	readonly entries: number;
	readonly bytes: number;
}

export interface LayerStats {
	readonly backend: BackendKind;
	readonly available: boolean;
	readonly entries: number;
	readonly bytes: number;
	readonly oldestEntryAt: number | null;
	readonly newestEntryAt: number | null;
	/** Hits and misses of the whole server, whoever asked it and for whatever, since it started; null where nothing counts them. */
	readonly hits: number | null;
	readonly misses: number | null;
	readonly error: Failure | null;
	/** Everything that happened before this moment is in the numbers; 0 before the first scan has ended. */
	readonly asOf: number;
}

export interface CatalogStats {
	readonly expiredEntries: number;
	readonly byType: readonly EntryTally[];
	readonly byAge: readonly AgeTally[];
	readonly layers: readonly LayerStats[];
	/** The oldest `asOf` of the layers. */
	readonly asOf: number;
}

/** One place: a root, namespace or collection, and how well it is known. */
export interface PlaceStatus {
	readonly backend: BackendKind;
	readonly place: string;
	readonly location: string;
	readonly asOf: number;
	/** Entries read so far by a scan that runs now; null when none does. */
	readonly scanning: number | null;
	/** False when changes are only found by reconciliation, with the reason in `watchProblem`. */
	readonly watched: boolean;
	readonly watchProblem: string | null;
	readonly brokenMetadata: number;
	readonly error: Failure | null;
}

export interface SelectionSummary {
	/** Entries and bytes by backend and type. */
	readonly tallies: readonly EntryTally[];
	/** The newest revision in the catalog: with it as `maxRevision`, the same selection gives the same entries and nothing newer. */
	readonly revision: number;
}

/** A part of the whole list, by number. */
export interface EntrySlice {
	readonly entries: readonly Entry[];
	/** Of the whole list, at the same moment. */
	readonly total: number;
}

export interface Catalog {
	/** From counters: no row is read. */
	stats(backends: readonly BackendKind[] | null): CatalogStats;
	page(selection: Selection, order: EntryOrder, page: PageRequest): Promise<Page<Entry>>;
	/**
	 * Entries of the list of everything in the order CREATED_AT DESC, as `page` gives it, from the one with number `offset` on (0 is the
	 * first); up to `limit`. It costs the same at any depth.
	 */
	slice(offset: number, limit: number): Promise<EntrySlice>;
	/** Entries and bytes; from counters when nothing but backends and types restricts it. */
	count(selection: Selection): Promise<{ readonly entries: number; readonly bytes: number }>;
	summarize(selection: Selection): Promise<SelectionSummary>;
	/** In the order asked for; unknown ids are missing. */
	entries(ids: readonly string[]): Promise<Entry[]>;
	/**
	 * Up to `limit` entries of the selection in one layer, in an order that only moves forward: `after` is the `next` of the call before. `next` is
	 * null at the end. Entries removed or added meanwhile disturb nothing.
	 */
	select(backend: BackendKind, selection: Selection, after: SelectPosition | null, limit: number): Promise<SelectedRefs>;
	refs(ids: readonly string[]): Promise<EntryRef[]>;
	/** What an operation removed; the totals follow at once, without waiting for the watch. */
	forget(ids: readonly string[]): Promise<void>;
	/** Marks entries as expired softly, or takes the mark away. A value that is written anew takes it away too. Unknown ids are passed over. */
	markStale(ids: readonly string[], stale: boolean): Promise<void>;
	/** Resolves when everything that happened before the call is in the catalog; reconciles first whenever that is in doubt. */
	refresh(backends: readonly BackendKind[] | null): Promise<void>;
	status(): readonly PlaceStatus[];
	/** Called after totals have changed, at most every 100 ms. Returns the way to stop. */
	onChange(listener: () => void): () => void;
	/** Changes when the catalog was made anew: revisions of another epoch mean nothing. */
	readonly epoch: string;
	close(): Promise<void>;
}
