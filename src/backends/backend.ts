/**
 * The port of a cache layer: what can be done to it besides being read into the catalog. One contract suite
 * (test/contract/backend.ts) holds every adapter to it.
 */
import type { BackendKind, EntryRef } from "../core/entry.js";
import type { Failure } from "../core/errors.js";

/** What became of one entry when its turn came. */
export type RemovalOutcome =
	| { readonly id: string; readonly outcome: "deleted"; readonly freedBytes: number }
	/** Gone already, or not what was selected any more: left alone. */
	| { readonly id: string; readonly outcome: "skipped"; readonly reason: "gone" | "changed" }
	| { readonly id: string; readonly outcome: "failed"; readonly failure: Failure };

export interface RemovalOptions {
	/**
	 * Checked between two deletions; what was done by then is in the answer, the rest is missing from it. A resumed batch is settled
	 * all the same: what is gone is counted and what is half is finished, but what is whole is left and missing from the answer.
	 */
	readonly signal: AbortSignal;
	/**
	 * These entries belong to a batch that a crash cut short. One that is gone counts as deleted with the bytes of its
	 * ref; one of whose two parts only a part is left is finished.
	 */
	readonly resumed: boolean;
	/**
	 * Asked right before each step that removes: for how many milliseconds nobody else can take the work over; 0 as soon as somebody
	 * may have, also before `signal` says so. For ever when absent.
	 */
	readonly heldForMs?: () => number;
}

/** One for each configured root, server or database, as `Backend` of the GraphQL contract. */
export interface BackendHealth {
	readonly id: string;
	readonly kind: BackendKind;
	readonly available: boolean;
	/** Directory, or host and database; never a password. */
	readonly location: string;
	readonly version: string | null;
	readonly latencyMs: number | null;
	readonly usedMemoryBytes: number | null;
	readonly error: Failure | null;
	readonly checkedAt: number;
}

export interface BackendStatus extends BackendHealth {
	/** Of the layer that the applications read first. */
	readonly primary: boolean;
}

/** The first bytes of a value. Binary values are described, never executed. */
export interface EntryPreview {
	readonly mediaType: string;
	readonly text: string | null;
	readonly truncated: boolean;
}

export interface CacheBackend {
	readonly kind: BackendKind;
	/** Names of the places (roots, namespaces, collections) that this backend looks after. */
	readonly places: readonly string[];
	/**
	 * Removes each entry of the batch that is still what its ref says, data and metadata together, and says what became
	 * of it. Check and removal of one entry stand next to each other. Never throws for a single entry.
	 */
	remove(entries: readonly EntryRef[], options: RemovalOptions): Promise<RemovalOutcome[]>;
	/** Null when the entry is gone. `maxBytes` 1 to 65,536. */
	preview(entry: EntryRef, maxBytes: number): Promise<EntryPreview | null>;
	/** Answers within 2 s, whatever the layer does. */
	health(): Promise<BackendHealth[]>;
	close(): Promise<void>;
}
