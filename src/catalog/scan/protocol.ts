/** What scanner and walkers say to each other. */
import type { LayoutName, LayoutSettings } from "../../backends/layouts/layout.js";
import type { KnownEntriesView } from "../index/known-entries.js";
import type { RowBatch } from "../index/row-batch.js";
import type { FolderPlace } from "../places.js";

/** Index of each shared counter in `WalkOrder.shared`. */
export const SHARED = { waitingBatches: 0, entries: 1, cancelled: 2 } as const;
export const SHARED_WORDS = 3;
/** A walker pauses while so many batches wait for the writer. */
export const MAX_WAITING_BATCHES = 6;
export const BATCH_ROWS = 2000;

/** Finer than there are walkers, so that the one with more to list can get less to read. */
export const SHARES = 64;

export interface PlaceOrder {
	readonly place: FolderPlace;
	readonly layouts: readonly LayoutName[];
	readonly known: KnownEntriesView;
	/** How many entries the catalog has of it. */
	readonly entries: number;
}

export interface WalkOrder {
	/**
	 * A walker takes the groups whose hash falls to its part, from the first of `SHARES` up to the last but one, so that nobody
	 * else sees any file of them.
	 */
	readonly from: number;
	readonly to: number;
	/** Whether the data files are walked through. */
	readonly data: boolean;
	/** Whether folders of metadata files are: one walker lists them for all. */
	readonly metadata: boolean;
	/** Of an earlier walk: what each walker saw, by walker and place (`HashSet`). */
	readonly seen: readonly (readonly Float64Array[])[];
	readonly places: readonly PlaceOrder[];
	/** Of the hashes of keys. */
	readonly salt: number;
	readonly settings: LayoutSettings;
	readonly shared: SharedArrayBuffer;
}

/** A folder or file that could not be looked at; what lies there is not known. */
export interface WalkProblem {
	readonly placeId: number;
	/** Relative to the root, empty for the root itself. */
	readonly path: string;
	readonly code: string;
}

export type WalkerMessage =
	| { readonly kind: "batch"; readonly batch: RowBatch }
	| {
			readonly kind: "done";
			/** For each place of the order the hashes of all entries that are there (`HashSet`). */
			readonly seen: readonly Float64Array[];
			/** For each place the hashes of keys with a metadata file whose data is for others to look at. */
			readonly foreign: readonly Float64Array[];
			readonly problems: readonly WalkProblem[];
	  };
