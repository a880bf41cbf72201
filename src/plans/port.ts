/** The port of kept previews: what exactly a cleanup or clear may remove. Embedded, or shared by several servers. */
import type { Selection } from "../core/selection.js";

export interface Plan {
	readonly id: string;
	/** The user who made it; nobody else may use it. */
	readonly userId: string;
	readonly kind: "CLEANUP" | "CLEAR";
	/** With `createdBefore` and `maxRevision` fixed when the plan was made. */
	readonly selection: Selection;
	/** The catalog's epoch: revisions of another mean nothing, so the plan is stale then. */
	readonly epoch: string;
	readonly createdAt: number;
	readonly expiresAt: number;
}

export interface PlanStore {
	/** Keeps the user's five newest plans. */
	save(plan: Plan): Promise<void>;
	/** Expired plans are still found for a day, so that a job that was accepted in time can run. */
	find(id: string): Promise<Plan | null>;
}
