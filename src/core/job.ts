import type { Origin } from "./actor.js";
import type { BackendKind } from "./entry.js";
import type { Failure } from "./errors.js";

export const JOB_KINDS = ["CLEANUP", "CLEAR", "DELETE", "RESTORE", "REFRESH", "WARM_UP", "SYNC", "CONFIG_CHANGE"] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export const JOB_STATUSES = ["QUEUED", "RUNNING", "SUCCEEDED", "PARTIALLY_FAILED", "FAILED", "CANCELLED"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export function hasEnded(status: JobStatus): boolean {
	return status !== "QUEUED" && status !== "RUNNING";
}

/** What one layer's share of a job has come to. `processed` = loaded + deleted + failed + skipped. */
export interface LayerProgress {
	readonly backend: BackendKind;
	readonly status: JobStatus;
	readonly total: number | null;
	readonly deletedEntries: number;
	readonly freedBytes: number;
	readonly failedEntries: number;
	readonly skippedEntries: number;
	/** Put in place, with the bytes of their values; absent for jobs that load nothing. */
	readonly loadedEntries?: number;
	readonly loadedBytes?: number;
	/** Why the layer as a whole failed; single entries are in the job's failures. */
	readonly error: Failure | null;
}

export interface StepProgress {
	readonly name: string;
	readonly status: JobStatus;
	readonly durationMs: number | null;
	readonly error: Failure | null;
}

/** The state of a job at one moment. Sums over layers are derived (`progressTotals`), never stored twice. */
export interface JobProgress {
	/** Strictly rises over the job's whole life, restarts included. */
	readonly sequence: number;
	/** What it is doing just now: `select`, `delete`, … or null. */
	readonly phase: string | null;
	readonly matchedEntries: number;
	readonly layers: readonly LayerProgress[];
	readonly steps: readonly StepProgress[];
	/** What the audit log is told of the job beside its counts; absent for none. */
	readonly details?: Readonly<Record<string, unknown>>;
	readonly etaSeconds: number | null;
	readonly at: number;
}

export interface Job {
	/** `j` and lower-case letters and digits: the same text in every way in. */
	readonly id: string;
	readonly batchId: string | null;
	readonly kind: JobKind;
	readonly status: JobStatus;
	/** The id of the user. */
	readonly requestedBy: string;
	readonly username: string;
	readonly origin: Origin;
	readonly requestId: string;
	/** As validated; safe to show. */
	readonly input: Readonly<Record<string, unknown>>;
	readonly createdAt: number;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	/** How often it was started; 0 while it waits for the first time. */
	readonly attempts: number;
	readonly progress: JobProgress;
	readonly error: Failure | null;
}

/** An entry that could not be removed. */
export interface EntryFailure {
	readonly entryId: string;
	readonly failure: Failure;
}

export interface ProgressTotals {
	readonly processed: number;
	readonly total: number | null;
	readonly percent: number | null;
	readonly deletedEntries: number;
	readonly freedBytes: number;
	readonly failedEntries: number;
	readonly skippedEntries: number;
	readonly loadedEntries: number;
	readonly loadedBytes: number;
}

export function progressTotals(job: Pick<Job, "status" | "progress">): ProgressTotals {
	let deletedEntries = 0;
	let freedBytes = 0;
	let failedEntries = 0;
	let skippedEntries = 0;
	let loadedEntries = 0;
	let loadedBytes = 0;
	let total: number | null = null;
	for (const layer of job.progress.layers) {
		deletedEntries += layer.deletedEntries;
		freedBytes += layer.freedBytes;
		failedEntries += layer.failedEntries;
		skippedEntries += layer.skippedEntries;
		loadedEntries += layer.loadedEntries ?? 0;
		loadedBytes += layer.loadedBytes ?? 0;
		if (layer.total !== null) total = (total ?? 0) + layer.total;
	}
	const counts = { deletedEntries, freedBytes, failedEntries, skippedEntries, loadedEntries, loadedBytes };
	const processed = deletedEntries + failedEntries + skippedEntries + loadedEntries;
	if (job.status === "SUCCEEDED" || job.status === "PARTIALLY_FAILED")
		return { processed, total: total ?? processed, percent: 100, ...counts };
	const percent = total === null ? null : total === 0 ? 100 : Math.min(100, (100 * processed) / total);
	return { processed, total, percent, ...counts };
}
