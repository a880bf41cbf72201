/**
 * The port of the job engine: accepts operations at once, runs them, keeps what became of them. Embedded in the process,
 * or on Redis. One contract suite (test/contract/jobs.ts) holds every adapter to it.
 */
import type { ZodType } from "zod";
import type { Call } from "../core/actor.js";
import type { BackendKind, EntryRef } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import type { EntryFailure, Job, JobKind, JobStatus, StepProgress } from "../core/job.js";
import type { Page, PageRequest } from "../core/page.js";

export interface JobRequest {
	readonly kind: JobKind;
	/** Checked by the handler's schema when it is queued and again when it runs. */
	readonly input: Readonly<Record<string, unknown>>;
	/** Recorded before the job exists; ended by the engine with the job. */
	readonly auditTicket: string;
	readonly call: Call & { readonly actor: NonNullable<Call["actor"]> };
	readonly idempotencyKey: string | null;
}

/** A key that was used before gives the job of then, unless that one FAILED: it runs again as a new attempt. */
export interface Submission {
	readonly job: Job;
	readonly fresh: boolean;
}

export interface JobFilter {
	readonly kinds?: readonly JobKind[];
	readonly statuses?: readonly JobStatus[];
	readonly requestedBy?: string;
	readonly batchId?: string;
}

export interface QueueCounts {
	readonly engine: string;
	readonly queued: number;
	readonly running: number;
	readonly completed: number;
	readonly failed: number;
	readonly workers: number;
	readonly mine: { readonly pending: number; readonly processing: number; readonly concurrencyLimit: number };
}

export interface JobEngine {
	/** QUEUE_FULL, QUEUE_UNAVAILABLE, CONFLICT for a key used with another input, BAD_USER_INPUT. */
	submit(request: JobRequest): Promise<Submission>;
	get(id: string): Promise<Job | null>;
	/** The job that this user's key stands for, while the key is kept. */
	findByKey(userId: string, idempotencyKey: string): Promise<Job | null>;
	/** Newest first. */
	list(filter: JobFilter, page: PageRequest): Promise<Page<Job> & { readonly totalCount: number }>;
	/** In the order in which they happened. */
	failures(jobId: string, page: PageRequest): Promise<Page<EntryFailure> & { readonly totalCount: number }>;
	/** Takes effect within 1 s, between two deletions. A job that has ended stays as it is. */
	cancel(id: string): Promise<Job>;
	/** FAILED and CANCELLED jobs only, else CONFLICT. */
	retry(id: string, auditTicket: string): Promise<Job>;
	/** The job when it has ended, or as it is after `timeoutMs`. */
	waitForEnd(id: string, timeoutMs: number): Promise<Job>;
	counts(userId: string): Promise<QueueCounts>;
	/** Every new state of every job, in order for each job. A listener must not block. Returns the way to stop. */
	onChange(listener: (job: Job) => void): () => void;
	/** Picks up what an earlier process left, then takes work. */
	start(): Promise<void>;
	/** Takes no more work, hands back what runs, and ends. */
	close(): Promise<void>;
}

/** What became of one batch, by layer; added to the job's progress in the same transaction that closes the batch. */
export interface BatchResult {
	readonly backend: BackendKind;
	readonly deletedEntries: number;
	readonly freedBytes: number;
	readonly skippedEntries: number;
	/** Of jobs that load: what is in place now. Absent: nothing. */
	readonly loadedEntries?: number;
	readonly loadedBytes?: number;
	readonly failures: readonly EntryFailure[];
}

/**
 * What a handler is given. Batches and checkpoints are durable when their promises resolve; a report is on its way to everybody
 * then, and durable with the next of those or within half a second.
 */
export interface JobContext<Input> {
	/** As it stands now: its progress holds every batch that was ended. */
	readonly job: Job;
	readonly input: Input;
	/** Aborted by a cancel and by shutdown; the handler stops between two deletions and returns. */
	readonly signal: AbortSignal;
	/** What `saveCheckpoint` kept in an earlier attempt; null in the first. */
	readonly checkpoint: Readonly<Record<string, unknown>> | null;
	saveCheckpoint(checkpoint: Readonly<Record<string, unknown>>): Promise<void>;
	/** Entries of a batch that was begun and not ended when an earlier attempt died; null when there is none. */
	readonly openBatch: readonly EntryRef[] | null;
	/** How many entries of a layer a batch had best have: what is recorded, removed and counted together. Changes with the totals that were reported. */
	batchEntries(layer: BackendKind): number;
	/** Records a batch, and with it the checkpoint, before anything of it is deleted. */
	beginBatch(entries: readonly EntryRef[], checkpoint: Readonly<Record<string, unknown>>): Promise<void>;
	/**
	 * Adds the counts, keeps the checkpoint and closes the batch, in one transaction: none of the three without the others.
	 * An entry that is among the job's failures already (a batch that was handed back and begun again) is not counted twice.
	 */
	endBatch(result: BatchResult, checkpoint: Readonly<Record<string, unknown>>): Promise<void>;
	/** Sets the phase, totals by layer (entries selected), states of layers, and steps; counts come only from batches. Totals of layers add up to `matchedEntries`. */
	report(change: {
		readonly phase?: string;
		readonly layers?: readonly {
			readonly backend: BackendKind;
			readonly total?: number | null;
			readonly status?: JobStatus;
			readonly error?: Failure;
		}[];
		readonly steps?: readonly StepProgress[];
		/** Taken into the audit entry of the job's end, beside the counts; takes the place of what was reported before. */
		readonly details?: Readonly<Record<string, unknown>>;
	}): Promise<void>;
}

/** How one kind of job is done. It may be repeated without harm. A throw is FAILED with `failureOf(error)`. */
export interface JobHandler<Input = never> {
	readonly kind: JobKind;
	readonly input: ZodType<Input>;
	/** The status it ends with. */
	run(context: JobContext<Input>): Promise<"SUCCEEDED" | "PARTIALLY_FAILED" | "FAILED" | "CANCELLED">;
}
