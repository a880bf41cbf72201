import { randomBytes } from "node:crypto";
import type { Catalog } from "../catalog/port.js";
import { DAY_MS } from "../core/clock.js";
import { BACKEND_KINDS, type EntryRef } from "../core/entry.js";
import { CachewardenError } from "../core/errors.js";
import type { SelectedRefs, Selection, SelectPosition } from "../core/selection.js";
import type { Plan, SharedPlans } from "../plans/port.js";
import type { Dependencies } from "./dependencies.js";
import { badInput, checked, cleanupJobInput, selectionOf } from "./input.js";
import type { CleanupInput, Operations } from "./operations.js";
import { permit } from "./permission.js";
import { unrestorable } from "./unrestorable.js";

const PLAN_LIFE_MS = 15 * 60_000;
const MAX_SAMPLE = 100;
const WRITTEN_AT_ONCE = 10_000;
export const DEFAULT_DAYS = 7;

export function previewOperations(deps: Dependencies): Pick<Operations, "cleanupPreview"> {
	const { catalog, plans, clock, quarantine } = deps;
	return {
		async cleanupPreview(call, input: CleanupInput, all: boolean) {
			const actor = permit(call, "cleanupPreview");
			const given = checked(cleanupJobInput, { ...input, planId: null });
			if (input.planId !== null && input.planId !== undefined) throw badInput({ key: "error.planOfPreview", facts: {} });
			if (all && typeof given.olderThanDays === "number") throw badInput({ key: "error.allWithDays", facts: {} });
			const restriction = selectionOf(given, true);
			await catalog.refresh(restriction.backends ?? null);
			const createdAt = clock.now();
			const wanted: Selection = all
				? restriction
				: { ...restriction, createdBefore: createdAt - (given.olderThanDays ?? DEFAULT_DAYS) * DAY_MS };
			const { tallies, revision } = await catalog.summarize(wanted);
			const selection: Selection = { ...wanted, maxRevision: revision };
			const plan: Plan = {
				id: `p${randomBytes(12).toString("hex")}`,
				userId: actor.id,
				kind: all ? "CLEAR" : "CLEANUP",
				selection,
				epoch: catalog.epoch,
				createdAt,
				expiresAt: createdAt + PLAN_LIFE_MS,
			};
			await plans.save(plan);
			plans.shared?.write(plan, entriesOf(catalog, plan));
			return {
				planId: plan.id,
				expiresAt: plan.expiresAt,
				tallies,
				unrestorable: () =>
					unrestorable(
						{ catalog, survey: () => quarantine.survey(), limits: quarantine.limits },
						selection,
						tallies,
						given.quarantine ?? quarantine.limits.byDefault,
					),
				async sample(first: number) {
					if (!Number.isInteger(first) || first < 1 || first > MAX_SAMPLE) {
						throw badInput({ key: "error.outOfRange", facts: { name: "first", range: `1–${MAX_SAMPLE}`, value: first } });
					}
					const page = await catalog.page(
						selection,
						{ field: "CREATED_AT", direction: "ASC" },
						{ direction: "forward", limit: first, cursor: null },
					);
					return page.items.map((item) => item.node);
				},
			};
		},
	};
}

/** The plan, when this user may carry it out now with an operation of this kind. */
export async function usablePlan(
	{ plans, catalog, clock }: Pick<Dependencies, "plans" | "catalog" | "clock">,
	planId: string,
	userId: string,
	kind: Plan["kind"],
): Promise<Plan> {
	const plan = await plans.find(planId);
	if (plan === null || plan.expiresAt <= clock.now()) throw new CachewardenError("PLAN_STALE");
	if (plans.shared === null && plan.epoch !== catalog.epoch) throw new CachewardenError("PLAN_STALE");
	if (plan.userId !== userId || plan.kind !== kind) throw new CachewardenError("FORBIDDEN", { key: "error.planOfOtherKind", facts: {} });
	if (plans.shared !== null) {
		await refuseElsewhere(plans.shared, planId);
		await plans.shared.hold(planId);
	}
	return plan;
}

/** A root of the same name on another host holds other files. PLAN_STALE. */
export async function refuseElsewhere(shared: SharedPlans, planId: string): Promise<void> {
	const missing = await shared.missing(planId);
	if (missing.length === 0) return;
	const places = missing.flatMap(({ backend, places: names }) => names.map((name) => `${backend} ${name}`)).join(", ");
	throw new CachewardenError("PLAN_STALE", { key: "error.planElsewhere", facts: { places } });
}

/** What changes while it is read is of no plan any more. */
async function* entriesOf(catalog: Catalog, { selection }: Plan): AsyncGenerator<readonly EntryRef[]> {
	for (const backend of BACKEND_KINDS.filter((kind) => selection.backends?.includes(kind) ?? true)) {
		let after: SelectPosition | null = null;
		do {
			const { refs, next }: SelectedRefs = await catalog.select(backend, selection, after, WRITTEN_AT_ONCE);
			yield refs;
			after = next;
		} while (after !== null);
	}
}
