/**
 * What is durable of jobs: their states, counts, checkpoints, batches and failures, whichever engine runs them. In the embedded
 * store, or on MongoDB, shared by many processes. One contract suite (test/contract/job-records.ts) holds both to it.
 */
import type { BackendKind } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import type { EntryFailure, Job, JobStatus, LayerProgress, StepProgress } from "../core/job.js";
import type { Page, PageRequest } from "../core/page.js";
import type { JobFilter } from "./port.js";
import { batchIdOf } from "./splitting.js";

/** Deaths of its process after which a job is given up (queue.md). */
export const MAX_DEATHS = 3;

/** What the handler said last; counts are apart. */
export interface Report {
	readonly phase: string | null;
	readonly layers: readonly Pick<LayerProgress, "backend" | "status" | "total" | "error">[];
	readonly steps: readonly StepProgress[];
	readonly details?: Readonly<Record<string, unknown>>;
	/** Several workers take part in it. */
	readonly split?: true;
}

export const EMPTY_REPORT: Report = { phase: null, layers: [], steps: [] };

export interface LayerCounts {
	readonly deletedEntries: number;
	readonly freedBytes: number;
	readonly failedEntries: number;
	readonly skippedEntries: number;
	readonly loadedEntries?: number;
	readonly loadedBytes?: number;
}
export type Counts = Readonly<Partial<Record<BackendKind, LayerCounts>>>;

export const NO_COUNTS: LayerCounts = { deletedEntries: 0, freedBytes: 0, failedEntries: 0, skippedEntries: 0 };

/** A job as it is kept, with what only the engine needs. */
export interface StoredJob {
	/** Everything of the job but its progress. */
	readonly facts: Omit<Job, "progress">;
	/** No state that was published has a higher one. */
	readonly sequence: number;
	readonly updatedAt: number;
	readonly report: Report;
	readonly counts: Counts;
	/** JSON. */
	readonly checkpoint: string | null;
	readonly ticket: string;
	readonly cancelRequested: boolean;
	/** How often a process died over it since it was queued. */
	readonly deaths: number;
}

export type JobState = Pick<StoredJob, "facts" | "sequence" | "updatedAt" | "report" | "counts">;

/** The job as everybody sees it. */
export function jobOf({ facts, sequence, updatedAt, report, counts }: JobState, etaSeconds: number | null = null): Job {
	const layers: LayerProgress[] = report.layers.map((layer) => ({ ...layer, ...(counts[layer.backend] ?? NO_COUNTS) }));
	for (const [backend, layerCounts] of Object.entries(counts) as [BackendKind, LayerCounts][])
		if (!layers.some((layer) => layer.backend === backend))
			layers.push({ backend, status: facts.status, total: null, error: null, ...layerCounts });
	return {
		...facts,
		batchId: report.split ? batchIdOf(facts.id) : null,
		progress: {
			sequence,
			phase: report.phase,
			matchedEntries: layers.reduce((sum, layer) => sum + (layer.total ?? 0), 0),
			layers,
			steps: report.steps,
			...(report.details === undefined ? {} : { details: report.details }),
			etaSeconds,
			at: updatedAt,
		},
	};
}

/** What every durable step carries along: the reserved sequence, the time, and the report when it changed. */
export interface Step {
	readonly id: string;
	/** The attempt that takes it: records that are shared refuse the step of one that was overtaken (`OvertakenError`). */
	readonly attempt: number;
	readonly sequence: number;
	readonly at: number;
	readonly report: Report | null;
}

export interface NewJob extends Omit<Job, "progress" | "batchId" | "status" | "startedAt" | "finishedAt" | "attempts" | "error"> {
	readonly ticket: string;
	readonly idempotencyKey: string | null;
	readonly inputDigest: string;
}

export interface BegunJob extends StoredJob {
	/** JSON of the entries of a batch that an earlier attempt began and did not end. */
	readonly openBatch: string | null;
}

/** One batch as it ends. */
export type EndedBatch = Step &
	Omit<LayerCounts, "failedEntries"> & {
		readonly backend: BackendKind;
		readonly failures: readonly EntryFailure[];
		readonly checkpoint: string;
	};

export interface JobWrites {
	/**
	 * Keeps a new job, or runs the one that FAILED under its key again; a key that was used within a day gives its job. QUEUE_FULL,
	 * CONFLICT for a key of another input.
	 */
	submit(submission: {
		readonly job: NewJob;
		readonly maxQueued: number;
	}): Promise<{ readonly stored: StoredJob; readonly fresh: boolean }>;
	retry(again: { readonly id: string; readonly ticket: string; readonly now: number }): Promise<StoredJob>;
	begin(step: Omit<Step, "report">): Promise<BegunJob>;
	report(step: Step): Promise<void>;
	checkpoint(step: Step & { readonly checkpoint: string }): Promise<void>;
	beginBatch(step: Step & { readonly entries: string; readonly checkpoint: string }): Promise<void>;
	/** The layer's counts with this batch in them. */
	endBatch(batch: EndedBatch): Promise<LayerCounts>;
	end(step: Step & { readonly status: JobStatus; readonly error: Failure | null }): Promise<StoredJob>;
	handBack(step: Step): Promise<StoredJob>;
	requestCancel(id: string): Promise<void>;
	/** Its entry is in the audit log. */
	recorded(id: string): Promise<void>;
	/** Forgets some jobs that ended before the time, and says how many; to be repeated until there are none. */
	pruneSome(before: number): Promise<number>;
}

export interface JobReads {
	get(id: string): Promise<StoredJob | null>;
	findByKey(key: { readonly userId: string; readonly key: string; readonly now: number }): Promise<StoredJob | null>;
	/** Newest first. */
	list(query: { readonly filter: JobFilter; readonly page: PageRequest }): Promise<Page<StoredJob> & { readonly totalCount: number }>;
	/** In the order in which they happened. */
	failures(query: { readonly jobId: string; readonly page: PageRequest }): Promise<Page<EntryFailure> & { readonly totalCount: number }>;
	countByStatus(): Promise<Partial<Record<JobStatus, number>>>;
	/** Of audit intents that the engine will end. */
	unfinishedTickets(): Promise<readonly string[]>;
}

/** What an engine needs that queues elsewhere than in the records. */
export interface QueuedWrites extends JobWrites {
	/**
	 * Takes back what could not be queued: a new job is gone, one that was to run again has FAILED again. False when it has begun
	 * meanwhile, and then it stays. Its ticket is the caller's to end.
	 */
	withdraw(queued: { readonly id: string; readonly attempt: number; readonly now: number }): Promise<boolean>;
	/** The process that ran this attempt is gone: QUEUED again, one death more. Null when somebody else was first. */
	orphaned(attempt: { readonly id: string; readonly attempt: number; readonly now: number }): Promise<StoredJob | null>;
}

export interface QueuedReads extends JobReads {
	/** Those of one user. */
	countByStatusOf(userId: string): Promise<Partial<Record<JobStatus, number>>>;
	/** QUEUED and RUNNING, the oldest first. */
	unfinished(): Promise<readonly StoredJob[]>;
	/** Ended before the time, and not in the audit log yet. */
	unrecorded(before: number): Promise<readonly StoredJob[]>;
	/** Which of these somebody wants to stop. */
	cancelRequested(ids: readonly string[]): Promise<readonly string[]>;
}

export interface QueuedRecords {
	readonly write: QueuedWrites;
	readonly read: QueuedReads;
}

/** Another attempt has taken the job over: this one must not change anything any more. */
export class OvertakenError extends Error {
	constructor(id: string) {
		super(`another attempt at ${id} has begun`);
		this.name = "OvertakenError";
	}
}

/** The place that keeps the records did not do what it was asked for; it may later. */
export class RecordsFailure extends Error {
	constructor(cause: unknown) {
		super(cause instanceof Error ? cause.message : String(cause), { cause });
		this.name = "RecordsFailure";
	}
}
