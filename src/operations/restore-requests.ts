import { CachewardenError } from "../core/errors.js";
import { hasEnded } from "../core/job.js";
import type { Dependencies } from "./dependencies.js";
import type { Operations } from "./operations.js";
import { isAdmin, permit } from "./permission.js";
import { recorded } from "./recorded.js";
import { visibleJob } from "./removal-requests.js";
import { submit } from "./submit.js";

export function restoreRequests(deps: Dependencies): Pick<Operations, "quarantine" | "restoreJob"> {
	const { jobs, quarantine } = deps;
	return {
		async quarantine(call) {
			const actor = permit(call, "quarantine");
			const held = await quarantine.held();
			if (isAdmin(actor)) return held;
			const owners = await Promise.all(held.map(({ jobId }) => jobs.get(jobId)));
			return held.filter((_, i) => owners[i]?.requestedBy === actor.id);
		},

		restoreJob(call, id, wait) {
			return recorded(deps, call, { name: "restoreJob", actionType: "cache_operation", details: { id } }, async (acting, ticket) => {
				const job = await visibleJob(deps, acting.actor, id);
				if (!hasEnded(job.status)) throw new CachewardenError("CONFLICT", { key: "error.quarantine.running", facts: { id } });
				if (!(await quarantine.held()).some(({ jobId }) => jobId === id))
					throw new CachewardenError("CONFLICT", { key: "error.quarantine.empty", facts: { id } });
				return submit(deps, acting, ticket, { kind: "RESTORE", input: { jobId: id }, idempotencyKey: null, wait });
			});
		},
	};
}
