/** Where a removal takes its entries from: the catalog as it is when the job begins, or a plan as it was written down. */
import type { Catalog } from "../catalog/port.js";
import { BACKEND_KINDS, type BackendKind } from "../core/entry.js";
import { CachewardenError } from "../core/errors.js";
import type { SelectedRefs, Selection, SelectPosition } from "../core/selection.js";
import type { Plan, PlannedLayers, SharedPlans } from "../plans/port.js";
import type { Dependencies } from "./dependencies.js";
import { refuseElsewhere } from "./preview.js";

export interface RemovalSource {
	/** Revisions and positions of another mean nothing. */
	readonly epoch: string;
	readonly backends: readonly BackendKind[];
	/** Entries of each layer, and the newest change that belongs to the job: what came later is left alone. */
	count(kinds: readonly BackendKind[]): Promise<{ readonly entries: ReadonlyMap<BackendKind, number>; readonly revision: number }>;
	select(backend: BackendKind, revision: number, after: SelectPosition | null, limit: number): Promise<SelectedRefs>;
}

export function catalogSource(catalog: Catalog, wanted: Selection): RemovalSource {
	return {
		get epoch() {
			return catalog.epoch;
		},
		backends: wanted.backends ?? BACKEND_KINDS,
		async count(kinds) {
			const { tallies, revision } = await catalog.summarize({ ...wanted, backends: kinds });
			const entries = new Map(kinds.map((kind) => [kind, 0]));
			for (const tally of tallies) entries.set(tally.backend, (entries.get(tally.backend) ?? 0) + tally.entries);
			return { entries, revision: wanted.maxRevision ?? revision };
		},
		select: (backend, revision, after, limit) => catalog.select(backend, { ...wanted, maxRevision: revision }, after, limit),
	};
}

/** What has gone or changed since the preview is skipped by its layer. */
function writtenSource(shared: SharedPlans, { id, selection }: Plan, layers: PlannedLayers): RemovalSource {
	return {
		epoch: `plan ${id}`,
		backends: selection.backends ?? BACKEND_KINDS,
		count: async (kinds) => ({ entries: new Map(kinds.map((kind) => [kind, layers[kind]?.entries ?? 0])), revision: 0 }),
		async select(backend, _revision, after, limit) {
			const layer = layers[backend];
			return layer === undefined ? { refs: [], next: null } : shared.read(id, { backend, ...layer }, after, limit);
		},
	};
}

/**
 * The entries of a plan, whichever server made it. A job that was accepted in time keeps its plan, also when the fifteen minutes end while
 * it waits. PLAN_STALE; null when `signal` was aborted first.
 */
export async function plannedSource(
	{ plans, catalog }: Pick<Dependencies, "plans" | "catalog">,
	planId: string,
	kind: Plan["kind"],
	signal: AbortSignal,
): Promise<RemovalSource | null> {
	const plan = await plans.find(planId);
	if (plan === null || plan.kind !== kind) throw new CachewardenError("PLAN_STALE");
	const { shared } = plans;
	if (shared !== null) {
		const layers = await shared.written(planId, signal);
		if (signal.aborted) return null;
		await refuseElsewhere(shared, planId);
		if (layers !== null) return writtenSource(shared, plan, layers);
	}
	if (plan.epoch === catalog.epoch) return catalogSource(catalog, plan.selection);
	throw new CachewardenError("PLAN_STALE", shared === null ? undefined : { key: "error.planUnwritten", facts: {} });
}
