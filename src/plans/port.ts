/** The port of kept previews: what exactly a cleanup or clear may remove. Embedded, or shared by several servers. */
import type { BackendKind, EntryRef } from "../core/entry.js";
import type { PlaceGroup } from "../core/place-groups.js";
import type { SelectedRefs, Selection, SelectPosition } from "../core/selection.js";

export interface Plan {
	readonly id: string;
	/** The user who made it; nobody else may use it. */
	readonly userId: string;
	readonly kind: "CLEANUP" | "CLEAR";
	/** With `createdBefore` and `maxRevision` fixed when the plan was made. */
	readonly selection: Selection;
	/** The catalog's epoch: revisions of another mean nothing. */
	readonly epoch: string;
	readonly createdAt: number;
	readonly expiresAt: number;
}

export interface PlanStore {
	/** Keeps the user's five newest plans. */
	save(plan: Plan): Promise<void>;
	/** Expired plans are still found for a day, so that a job that was accepted in time can run. */
	find(id: string): Promise<Plan | null>;
	/** Null where nobody but this process carries plans out. */
	readonly shared: SharedPlans | null;
	close(): Promise<void>;
}

/** Of one layer of a plan that was written down. */
export interface PlannedLayer {
	readonly entries: number;
	readonly chunks: number;
}
export type PlannedLayers = Readonly<Partial<Record<BackendKind, PlannedLayer>>>;

/**
 * Plans that any server may carry out: each is kept entry by entry, with what proves that an entry is still the one that was seen, so that no
 * other server's catalog is asked.
 */
export interface SharedPlans {
	/** Writes the entries of a saved plan down behind the call; `close` waits for it a moment. */
	write(plan: Plan, entries: AsyncIterable<readonly EntryRef[]>): void;
	/** A job was accepted for it: it stays until a day after it expired, however many newer ones there are. */
	hold(planId: string): Promise<void>;
	/** Places of the plan that this process does not have, or has elsewhere. */
	missing(planId: string): Promise<readonly PlaceGroup[]>;
	/** Waits as long as somebody writes. Null when it was never finished, or `signal` was aborted first. */
	written(planId: string, signal: AbortSignal): Promise<PlannedLayers | null>;
	/** As `Catalog.select`, in the order in which they were written. PLAN_STALE when some are not there any more. */
	read(
		planId: string,
		layer: PlannedLayer & { readonly backend: BackendKind },
		after: SelectPosition | null,
		limit: number,
	): Promise<SelectedRefs>;
}
