import type { Actor } from "../core/actor.js";
import { CachewardenError } from "../core/errors.js";
import type { Job, JobKind } from "../core/job.js";
import { hasEnded } from "../core/job.js";
import type { OperationName } from "../core/roles.js";
import type { Dependencies } from "./dependencies.js";
import { pageOf } from "./input.js";
import type { Operations } from "./operations.js";
import { isAdmin, permit } from "./permission.js";
import { recorded } from "./recorded.js";
import { visibleJob } from "./removal-requests.js";

const MAX_PAGE = 200;
const DEFAULT_PAGE = 20;
const CLEANING: readonly JobKind[] = ["CLEANUP", "CLEAR"];

/** What a job does needs the same permission when it is run again. */
const OPERATION_OF: Partial<Record<JobKind, OperationName>> = {
	CLEANUP: "cleanup",
	CLEAR: "clear",
	DELETE: "deleteEntries",
	RESTORE: "restoreJob",
	REFRESH: "refresh",
	WARM_UP: "warmUp",
	SYNC: "syncDataSource",
	CONFIG_CHANGE: "updateModelConfig",
};

export function jobOperations(
	deps: Dependencies,
): Pick<Operations, "job" | "jobs" | "jobFailures" | "queueStats" | "cancelJob" | "retryJob" | "cleanupProgress" | "jobProgress"> {
	const { jobs, audit, live, clock } = deps;

	/** The stream of one job, or of all that the actor may see. */
	async function watch(actor: Actor, jobId: string | null, kinds: readonly JobKind[] | null): Promise<AsyncIterableIterator<Job>> {
		if (jobId === null)
			return live.jobs((job) => (isAdmin(actor) || job.requestedBy === actor.id) && (kinds === null || kinds.includes(job.kind)));
		const job = await visibleJob(deps, actor, jobId);
		if (kinds !== null && !kinds.includes(job.kind)) throw new CachewardenError("NOT_FOUND", { key: "error.jobNotFound", facts: {} });
		return live.job(jobId);
	}

	return {
		async job(call, id) {
			const actor = permit(call, "job");
			const job = await jobs.get(id);
			return job !== null && (isAdmin(actor) || job.requestedBy === actor.id) ? job : null;
		},

		async jobs(call, filter, page) {
			const actor = permit(call, "jobs");
			const request = pageOf(page, MAX_PAGE, DEFAULT_PAGE);
			if (isAdmin(actor)) return jobs.list(filter ?? {}, request);
			if (filter?.requestedBy !== undefined && filter.requestedBy !== actor.id)
				return { items: [], hasNextPage: false, hasPreviousPage: false, totalCount: 0 };
			return jobs.list({ ...filter, requestedBy: actor.id }, request);
		},

		async jobFailures(call, jobId, page) {
			await visibleJob(deps, permit(call, "job"), jobId);
			return jobs.failures(jobId, pageOf(page, MAX_PAGE, DEFAULT_PAGE));
		},

		async queueStats(call) {
			return jobs.counts(permit(call, "queueStats").id);
		},

		cancelJob(call, id) {
			return recorded(deps, call, { name: "cancelJob", actionType: "queue_operation", details: { id } }, async ({ actor }, ticket) => {
				await visibleJob(deps, actor, id);
				const job = await jobs.cancel(id);
				await audit.end(ticket, { success: true, error: null, details: { status: job.status }, jobId: id, finishedAt: clock.now() });
				return job;
			});
		},

		retryJob(call, id) {
			return recorded(deps, call, { name: "retryJob", actionType: "queue_operation", details: { id } }, async (acting, ticket) => {
				const job = await visibleJob(deps, acting.actor, id);
				const operation = OPERATION_OF[job.kind];
				if (operation !== undefined) permit(acting, operation);
				if (!hasEnded(job.status)) throw new CachewardenError("CONFLICT", { key: "error.jobNotRetryable", facts: { status: job.status } });
				return jobs.retry(id, ticket);
			});
		},

		async cleanupProgress(call, jobId) {
			return watch(permit(call, "cleanupProgress"), jobId, CLEANING);
		},

		async jobProgress(call, jobId, kinds) {
			return watch(permit(call, "jobProgress"), jobId, kinds);
		},
	};
}
