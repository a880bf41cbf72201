import type { AuditOutcome } from "../../audit/port.js";
import { type Job, progressTotals } from "../../core/job.js";

/** What the audit log says of a job that has ended. */
export function outcomeOf(job: Job): AuditOutcome {
	const { deletedEntries, freedBytes, failedEntries, skippedEntries, loadedEntries, loadedBytes } = progressTotals(job);
	const { layers, steps, matchedEntries } = job.progress;
	const loads = job.kind === "REFRESH" || job.kind === "WARM_UP" || job.kind === "RESTORE";
	const error = job.error ?? layers.find((layer) => layer.error !== null)?.error ?? null;
	return {
		success: job.status === "SUCCEEDED",
		error: job.status === "CANCELLED" ? { code: "CANCELLED", said: { key: "error.cancelled", facts: {} } } : error,
		details: {
			status: job.status,
			attempts: job.attempts,
			matchedEntries,
			deletedEntries,
			freedBytes,
			failedEntries,
			skippedEntries,
			...(loads ? { loadedEntries, loadedBytes } : {}),
			...job.progress.details,
			...(layers.length === 0
				? {}
				: {
						byBackend: layers.map((layer) => ({
							backend: layer.backend,
							status: layer.status,
							deletedEntries: layer.deletedEntries,
							freedBytes: layer.freedBytes,
							failedEntries: layer.failedEntries,
							skippedEntries: layer.skippedEntries,
							...(loads ? { loadedEntries: layer.loadedEntries ?? 0 } : {}),
						})),
					}),
			...(steps.length === 0
				? {}
				: {
						steps: steps.map(({ name, status, durationMs, error: failed }) => ({
							name,
							status,
							durationMs,
							...(failed === null ? {} : { error: failed.code }),
						})),
					}),
		},
		jobId: job.id,
		finishedAt: job.finishedAt ?? job.progress.at,
	};
}
