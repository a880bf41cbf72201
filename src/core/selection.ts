import type { BackendKind, EntryRef, EntryStatus } from "./entry.js";

/**
 * What a list, a preview or a change is about. Absent means no restriction. An empty list matches nothing; operations
 * that change something refuse it before it gets here.
 */
export interface Selection {
	readonly backends?: readonly BackendKind[];
	readonly types?: readonly string[];
	readonly symbols?: readonly string[];
	readonly sources?: readonly string[];
	readonly statuses?: readonly EntryStatus[];
	readonly ids?: readonly string[];
	/** Literal, case-sensitive. */
	readonly keyContains?: string;
	/** Strictly before: an entry of exactly this time is kept. Entries without a creation time never match. Python's byte code always does. */
	readonly createdBefore?: number;
	readonly minBytes?: number;
	/** Only entries whose last change the catalog saw at or before this revision: what a plan held when it was made. */
	readonly maxRevision?: number;
}

export const ENTRY_ORDER_FIELDS = ["CREATED_AT", "LAST_ACCESSED_AT", "SIZE", "KEY", "HIT_COUNT"] as const;
export type EntryOrderField = (typeof ENTRY_ORDER_FIELDS)[number];
export type SortDirection = "ASC" | "DESC";

export interface EntryOrder {
	readonly field: EntryOrderField;
	readonly direction: SortDirection;
}

/** Where a selection that is read piece by piece goes on. Opaque; JSON as it is. */
export type SelectPosition = number | string;

/** A piece of a selection; `next` is null at its end. */
export interface SelectedRefs {
	readonly refs: readonly EntryRef[];
	readonly next: SelectPosition | null;
}
