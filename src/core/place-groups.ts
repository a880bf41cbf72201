import type { BackendKind } from "./entry.js";

/** Places that a process can reach all or none of: a root, the namespaces of a Redis, the collections of a database. */
export interface PlaceGroup {
	readonly backend: BackendKind;
	readonly places: readonly string[];
	/** The same text in every process that means the same places, and in no other. */
	readonly identity: string;
}
