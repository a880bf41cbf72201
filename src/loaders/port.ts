/**
 * The port of loaders: where values come from that a refresh or a warm-up puts into the cache. One contract suite
 * (test/contract/loader.ts) holds every adapter to it.
 */
import type { CacheValue, Recipe, StoredAt } from "../backends/writer.js";
import type { BackendKind } from "../core/entry.js";

/** What is asked for: a value by what it is loaded with, or the copy of one that lies in another layer. */
export interface LoadRequest {
	readonly recipe: Recipe;
	/** The key of an entry that keeps it wherever it lies, as pickles do; null: the writer makes one. */
	readonly key: string | null;
	/** The entry that is copied; null where nothing is. */
	readonly copyOf: (StoredAt & { readonly backend: BackendKind; readonly createdAt: number | null }) | null;
}

export interface Loaded {
	readonly value: CacheValue;
	/** With the source that the value came from. */
	readonly recipe: Recipe;
	/** When the value was made; null: now. A copy is as old as what it was copied from. */
	readonly createdAt: number | null;
}

export interface Loader {
	readonly name: string;
	/** Recorded as the data source of what it loads; null for copies, which keep theirs. */
	readonly source: string | null;
	/** Types of entries that it has values for. */
	readonly types: readonly string[];
	/** A job ends after so many failures of this loader. */
	readonly stopAfterFailures: number;
	/** What a warm-up of these symbols asks for; `at` is the job's creation, so that a repetition asks for the same. */
	requests(symbols: readonly string[], at: number): Promise<readonly LoadRequest[]>;
	/** What is asked for to load this entry again; null when this loader has nothing for it. */
	requestFor(entry: { readonly backend: BackendKind; readonly key: string }, recipe: Recipe | null): Promise<LoadRequest | null>;
	/**
	 * Rejects with LOADER_FAILED, or with the signal's reason. Paced: at once, and in a second, no more than it was configured for,
	 * however many ask; failures that may pass are tried again, later each time.
	 */
	load(request: LoadRequest, signal: AbortSignal): Promise<Loaded>;
	close(): Promise<void>;
}
