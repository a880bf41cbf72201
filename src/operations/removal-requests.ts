import { digestFromEntryId } from "../core/entry-id.js";
import { CachewardenError } from "../core/errors.js";
import type { Job } from "../core/job.js";
import type { Dependencies } from "./dependencies.js";
import { failingAs } from "./failing.js";
import { badInput, checked, cleanupInput, clearInput, deleteJobInput, refusePlanWithSelection, selectionOf } from "./input.js";
import type { Operations } from "./operations.js";
import { usablePlan } from "./preview.js";
import { type ActingCall, recorded } from "./recorded.js";
import { present, submit } from "./submit.js";

const MAX_FAILURES_SHOWN = 1000;
const MAX_ID_SHOWN = 80;

export function removalRequests(deps: Dependencies): Pick<Operations, "cleanup" | "clear" | "deleteEntries"> {
	/** A plan is checked when the job is accepted. A repeated key needs no living plan: it only asks for the job of then. */
	async function checkPlan(
		call: ActingCall,
		planId: string | null | undefined,
		idempotencyKey: string | null,
		kind: "CLEANUP" | "CLEAR",
	): Promise<void> {
		if (planId === null || planId === undefined) return;
		if (idempotencyKey !== null && (await deps.jobs.findByKey(call.actor.id, idempotencyKey)) !== null) return;
		await usablePlan(deps, planId, call.actor.id, kind);
	}

	/** The job keeps what was decided when it was accepted; false is what jobs without the word do. */
	function withDefault<T extends { readonly quarantine?: boolean | null | undefined }>(given: T): T {
		return { ...given, quarantine: (given.quarantine ?? deps.quarantine.limits.byDefault) ? true : null };
	}

	return {
		cleanup(call, input) {
			return recorded(deps, call, { name: "cleanup", actionType: "cache_operation", details: { ...input } }, async (acting, ticket) => {
				const { wait, idempotencyKey = null, ...given } = withDefault(checked(cleanupInput, input));
				refusePlanWithSelection(given);
				selectionOf(given, true);
				await checkPlan(acting, given.planId, idempotencyKey, "CLEANUP");
				return failingAs("CACHE_CLEANUP_FAILED", () =>
					submit(deps, acting, ticket, { kind: "CLEANUP", input: present(given), idempotencyKey, wait: wait ?? false }),
				);
			});
		},

		clear(call, input) {
			return recorded(deps, call, { name: "clear", actionType: "cache_operation", details: { ...input } }, async (acting, ticket) => {
				const { wait, confirm, idempotencyKey = null, ...given } = withDefault(checked(clearInput, input));
				if (!confirm) throw badInput({ key: "error.confirm", facts: {} });
				refusePlanWithSelection(given);
				selectionOf(given, true);
				await checkPlan(acting, given.planId, idempotencyKey, "CLEAR");
				return failingAs("CACHE_CLEAR_FAILED", () =>
					submit(deps, acting, ticket, { kind: "CLEAR", input: present(given), idempotencyKey, wait: wait ?? false }),
				);
			});
		},

		deleteEntries(call, ids) {
			return recorded(deps, call, { name: "deleteEntries", actionType: "cache_operation", details: { ids } }, async (acting, ticket) => {
				const strange = ids.find((id) => digestFromEntryId(id) === null);
				if (strange !== undefined) throw badInput({ key: "error.badId", facts: { id: strange.slice(0, MAX_ID_SHOWN) } });
				const input = checked(deleteJobInput, { ids: [...new Set(ids)] });
				const job = await submit(deps, acting, ticket, { kind: "DELETE", input, idempotencyKey: null, wait: true });
				const { items: failures } = await deps.jobs.failures(job.id, { direction: "forward", limit: MAX_FAILURES_SHOWN, cursor: null });
				const errors = failures.map((item) => item.node);
				const kept = new Set(errors.map((error) => error.entryId));
				const done = job.status !== "QUEUED" && job.status !== "RUNNING" && job.error === null;
				const freedBytes = job.progress.layers.reduce((sum, layer) => sum + layer.freedBytes, 0);
				return { job, deletedIds: done ? input.ids.filter((id) => !kept.has(id)) : [], freedBytes, errors };
			});
		},
	};
}

/** A job that the caller may see, else NOT_FOUND: whose it is stays unsaid. */
export async function visibleJob(
	{ jobs }: Dependencies,
	actor: { readonly id: string; readonly roles: readonly string[] },
	id: string,
): Promise<Job> {
	const job = await jobs.get(id);
	if (job === null || (job.requestedBy !== actor.id && !actor.roles.includes("ADMIN")))
		throw new CachewardenError("NOT_FOUND", { key: "error.jobNotFound", facts: {} });
	return job;
}
