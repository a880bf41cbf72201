import type { BackendKind } from "../../core/entry.js";
import { type Job, progressTotals } from "../../core/job.js";
import { type JobState, jobOf, type LayerCounts, type Report, type StoredJob } from "../records.js";

/** Sequence numbers reserved with every durable step, so that most states need no step of their own. */
const RESERVED = 1000;
const ETA_AFTER_MS = 1000;

/**
 * A job that has not ended, as this process holds it. Counts are those that are durable; the report may be ahead of the
 * store for a moment. `sequence` never passes what the store has reserved.
 */
export class LiveJob {
	readonly controller = new AbortController();
	private state: JobState;
	private reserved: number;
	private seen: Job;
	/** When this attempt began and what was done by then, for the estimate. */
	private attempt: { readonly at: number; readonly processed: number } | null = null;
	reportDirty = false;
	readonly ticket: string;

	constructor(stored: StoredJob) {
		this.state = stored;
		this.reserved = stored.sequence;
		this.ticket = stored.ticket;
		this.seen = jobOf(stored);
		if (stored.cancelRequested) this.controller.abort("cancel");
	}

	/** The job as it was last published. */
	get job(): Job {
		return this.seen;
	}

	/** The sequence that the next durable step reserves. */
	get reservation(): number {
		return this.state.sequence + RESERVED;
	}

	/** The report for the next durable step; null when the store has it. */
	takeReport(): Report | null {
		if (!this.reportDirty) return null;
		this.reportDirty = false;
		return this.state.report;
	}

	reserve(upTo: number): void {
		this.reserved = Math.max(this.reserved, upTo);
	}

	begun(stored: StoredJob, at: number): void {
		this.state = { ...stored, sequence: this.state.sequence };
		this.attempt = { at, processed: progressTotals(this.seen).processed };
		this.reserve(stored.sequence);
	}

	restored(stored: StoredJob): void {
		this.state = { ...stored, sequence: this.state.sequence };
		this.reserve(stored.sequence);
	}

	addCounts(backend: BackendKind, counts: LayerCounts): void {
		this.state = { ...this.state, counts: { ...this.state.counts, [backend]: counts } };
	}

	get report(): Report {
		return this.state.report;
	}

	setReport(report: Report): void {
		this.state = { ...this.state, report };
		this.reportDirty = true;
	}

	/** The next state for everybody; null when the reservation is used up and a durable step has to come first. */
	next(at: number): Job | null {
		if (this.state.sequence >= this.reserved) return null;
		this.state = { ...this.state, sequence: this.state.sequence + 1, updatedAt: at };
		const job = jobOf(this.state);
		this.seen = { ...job, progress: { ...job.progress, etaSeconds: this.eta(job, at) } };
		return this.seen;
	}

	/** The sequence of the state that the job ends with; nothing is published before that any more. */
	lastSequence(): number {
		this.reserved = this.state.sequence;
		return this.state.sequence + 1;
	}

	ended(stored: StoredJob): Job {
		this.state = stored;
		this.reserved = stored.sequence;
		this.seen = jobOf(stored);
		return this.seen;
	}

	/** From the pace of this attempt. */
	private eta(job: Job, at: number): number | null {
		const { processed, total } = progressTotals(job);
		if (this.attempt === null || total === null || at - this.attempt.at < ETA_AFTER_MS) return null;
		const done = processed - this.attempt.processed;
		if (done <= 0) return null;
		return Math.max(0, ((total - processed) * (at - this.attempt.at)) / done / 1000);
	}
}
