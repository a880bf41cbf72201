import type { z } from "zod";
import { DAY_MS } from "../core/clock.js";
import { CachewardenError } from "../core/errors.js";
import type { JobHandler } from "../jobs/port.js";
import type { Plan } from "../plans/port.js";
import type { Dependencies } from "./dependencies.js";
import { cleanupJobInput, clearJobInput, selectionOf } from "./input.js";
import { DEFAULT_DAYS } from "./preview.js";
import { type Removal, removeSelection } from "./remove-selection.js";

type HandlerDependencies = Pick<Dependencies, "catalog" | "backends" | "plans" | "quarantine">;

/** A job that was accepted in time keeps its plan, also when the fifteen minutes end while it waits. */
async function plannedSelection({ plans, catalog }: HandlerDependencies, planId: string, kind: Plan["kind"]): Promise<Plan["selection"]> {
	const plan = await plans.find(planId);
	if (plan === null || plan.kind !== kind || plan.epoch !== catalog.epoch) throw new CachewardenError("PLAN_STALE");
	return plan.selection;
}

export function cleanupHandler(deps: HandlerDependencies): JobHandler<z.infer<typeof cleanupJobInput>> {
	return {
		kind: "CLEANUP",
		input: cleanupJobInput,
		async run(context) {
			const { input, job } = context;
			const selection = input.planId
				? await plannedSelection(deps, input.planId, "CLEANUP")
				: { ...selectionOf(input, true), createdBefore: job.createdAt - (input.olderThanDays ?? DEFAULT_DAYS) * DAY_MS };
			return removeSelection({ ...deps, context, ...holding(deps, input) }, selection);
		},
	};
}

/** Files go into quarantine where the job says so. */
function holding({ quarantine }: HandlerDependencies, input: { readonly quarantine?: boolean | null | undefined }): Pick<Removal, "hold"> {
	return input.quarantine ? { hold: (...order) => quarantine.hold(...order) } : {};
}

export function clearHandler(deps: HandlerDependencies): JobHandler<z.infer<typeof clearJobInput>> {
	return {
		kind: "CLEAR",
		input: clearJobInput,
		async run(context) {
			const { input } = context;
			const selection = input.planId ? await plannedSelection(deps, input.planId, "CLEAR") : selectionOf(input, true);
			return removeSelection({ ...deps, context, ...holding(deps, input) }, selection);
		},
	};
}
