import { auditOperations } from "./audit-operations.js";
import { backendOperations } from "./backend-info.js";
import type { Dependencies } from "./dependencies.js";
import { entryOperations } from "./entries.js";
import { jobOperations } from "./job-operations.js";
import { loadRequests } from "./load-requests.js";
import { modelOperations } from "./models.js";
import type { Found, Operations, WorkflowOperations } from "./operations.js";
import { permit } from "./permission.js";
import { previewOperations } from "./preview.js";
import { refusal } from "./refuse.js";
import { removalRequests } from "./removal-requests.js";
import { restoreRequests } from "./restore-requests.js";
import { scheduleOperations, visibleSchedule } from "./schedules.js";
import { statsOperations } from "./stats.js";
import { viewerOperation } from "./viewer.js";

/** All operations over one set of adapters but the workflows, which are made of these. */
export function createOperations(deps: Dependencies): Omit<Operations, keyof WorkflowOperations> {
	const entries = entryOperations(deps);
	const jobs = jobOperations(deps);
	const audit = auditOperations(deps);
	return {
		...viewerOperation(),
		...statsOperations(deps),
		...entries,
		...backendOperations(deps),
		...previewOperations(deps),
		...removalRequests(deps),
		...restoreRequests(deps),
		...loadRequests(deps),
		...modelOperations(deps),
		...jobs,
		...audit,
		...refusal(deps),
		...scheduleOperations(deps),

		async node(call, id): Promise<Found | null> {
			const actor = permit(call, "node");
			if (id.startsWith("e")) {
				const entry = await entries.cacheEntry(call, id);
				return entry === null ? null : { kind: "entry", entry };
			}
			if (id.startsWith("j")) {
				const job = await jobs.job(call, id);
				return job === null ? null : { kind: "job", job };
			}
			if (id.startsWith("s")) {
				const schedule = await visibleSchedule(deps, actor, id);
				return schedule === null ? null : { kind: "schedule", schedule };
			}
			const entry = id.startsWith("a") ? await deps.audit.get(id) : null;
			return entry !== null && (actor.roles.includes("ADMIN") || entry.userId === actor.id) ? { kind: "audit", entry } : null;
		},
	};
}
