/** What the watch worker and its link say to each other. Messages keep their order. */
import type { FolderPlace } from "../places.js";

export interface WatchWorkerOptions {
	/** Where the sentinel lies: its event proves that everything before it has been delivered. */
	readonly dataDir: string;
	/** Null takes half of the kernel's limit. */
	readonly burstLimit: number | null;
}

export type ToWatchWorker =
	/** Once, before anything else. */
	| { readonly kind: "watch"; readonly places: readonly FolderPlace[] }
	| { readonly kind: "barrier"; readonly id: number }
	/** A message of changes has been worked off. */
	| { readonly kind: "done" }
	/** Set the watches of a place up anew. */
	| { readonly kind: "renew"; readonly placeId: number };

export type FromWatchWorker =
	/** From now on every change is reported; or, with a problem, none is. */
	| { readonly kind: "established"; readonly placeId: number; readonly problem: string | null }
	/** Paths relative to the root. */
	| { readonly kind: "changed"; readonly placeId: number; readonly paths: readonly string[] }
	| { readonly kind: "barrier"; readonly ids: readonly number[] }
	| { readonly kind: "broken"; readonly reason: string };
