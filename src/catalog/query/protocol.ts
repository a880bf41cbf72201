import type { BackendKind, Entry, EntryRef, EntryTally } from "../../core/entry.js";
import type { Page, PageRequest } from "../../core/page.js";
import type { EntryOrder, SelectedRefs, Selection, SelectPosition } from "../../core/selection.js";
import type { EntrySlice, SelectionSummary } from "../port.js";
import type { NamedPlace } from "./rows.js";

/** What every question comes with: the places there are, and the injected clock's time. */
export interface Asked {
	readonly places: readonly NamedPlace[];
	readonly now: number;
}

/** Functions of a query worker; it reads the index and nothing else. */
export interface QueryWorkerApi {
	/** The file that is there now. */
	open(): void;
	page(asked: Asked, selection: Selection, order: EntryOrder, page: PageRequest): Page<Entry>;
	slice(asked: Asked, offset: number, limit: number): EntrySlice;
	tallies(asked: Asked, selection: Selection): readonly EntryTally[];
	summarize(asked: Asked, selection: Selection): SelectionSummary;
	entries(asked: Asked, ids: readonly string[]): Entry[];
	refs(asked: Asked, ids: readonly string[]): EntryRef[];
	select(asked: Asked, backend: BackendKind, selection: Selection, after: SelectPosition | null, limit: number): SelectedRefs;
	/** Ends the thread. */
	close(): void;
}
