import type { Logger } from "pino";
import type { Clock } from "../../core/clock.js";
import { jobOf, type QueuedRecords, type StoredJob } from "../records.js";
import type { BullQueue } from "./bull-queue.js";
import type { FairQueue, QueuedJob } from "./fair-queue.js";
import { writeProgress } from "./teller.js";

export interface ReconcilerOptions {
	readonly instance: string;
	readonly fair: FairQueue;
	readonly bull: BullQueue;
	readonly records: QueuedRecords;
	readonly clock: Clock;
	/** What runs in this process just now. */
	readonly runsHere: (id: string) => boolean;
	/** Writes the audit entry of a job that ended without it. */
	readonly record: (stored: StoredJob) => Promise<void>;
	readonly log: Pick<Logger, "info" | "warn">;
}

const EVERY_MS = 1_000;
/** Longer than a pass: another process takes over when the leader is gone. */
const LEADS_MS = 2_000;
/** An end is given this long to reach the audit log by whoever ended it. */
const RECORD_AFTER_MS = 5_000;
/** More jobs than this are put in order, and compared, less often. */
const MANY = 5_000;

/**
 * Compares the records, which are the truth, with the fair queue and with the engine, and mends what a crash between two steps
 * left: once a second, in one process at a time. What is mended was seen wrong twice, so that nobody's next step is overtaken.
 */
export class Reconciler {
	private suspects = new Map<string, string>();
	private timer: NodeJS.Timeout | null = null;
	private running: Promise<void> = Promise.resolve();
	private closed = false;

	constructor(private readonly options: ReconcilerOptions) {}

	start(): void {
		this.next(0);
	}

	async close(): Promise<void> {
		this.closed = true;
		if (this.timer !== null) clearTimeout(this.timer);
		await this.running;
	}

	private next(ms: number): void {
		if (this.closed) return;
		this.timer = setTimeout(() => {
			this.running = this.turn();
		}, ms);
	}

	private async turn(): Promise<void> {
		let pause = EVERY_MS;
		try {
			if (await this.options.fair.leads(this.options.instance, LEADS_MS)) pause = (await this.pass()) > MANY ? 5 * EVERY_MS : EVERY_MS;
		} catch (error) {
			if (!this.closed) this.options.log.warn({ err: error }, "the queue could not be compared with the records; tried again in a second");
		}
		this.next(pause);
	}

	/** How many jobs there are that have not ended. */
	private async pass(): Promise<number> {
		const { fair, records, bull, clock, record } = this.options;
		const queued = await fair.jobs();
		const unfinished = await records.read.unfinished();
		const suspects = new Map<string, string>();
		for (const stored of unfinished) {
			const { id } = stored.facts;
			const problem = await this.problemOf(stored, queued.get(id));
			if (problem === null) continue;
			if (this.suspects.get(id) === problem) await this.mend(stored, queued.get(id));
			else suspects.set(id, problem);
		}
		const known = new Set(unfinished.map(({ facts }) => facts.id));
		for (const job of queued.values()) if (!known.has(job.id)) await this.remove(job);
		this.suspects = suspects;
		if (await fair.rebuild()) this.options.log.info("the queue's lists were made anew");
		for (const stored of await records.read.unrecorded(clock.now() - RECORD_AFTER_MS)) await record(stored);
		bull.kick();
		return unfinished.length;
	}

	/** Null when all is as it should be. */
	private async problemOf({ facts: { id, status, attempts } }: StoredJob, job: QueuedJob | undefined): Promise<string | null> {
		if (this.options.runsHere(id)) return null;
		if (job === undefined) return `missing ${attempts}`;
		if (job.state === "waiting") return job.run === attempts + 1 || status === "RUNNING" ? null : `${job.value} at ${attempts}`;
		return (await this.options.bull.isAlive(job, status === "RUNNING")) ? null : job.value;
	}

	private async mend({ facts, ...rest }: StoredJob, job: QueuedJob | undefined): Promise<void> {
		const { fair, bull, log } = this.options;
		const run = facts.attempts + 1;
		log.info({ jobId: facts.id, state: job?.state ?? "missing" }, "a job that was lost on its way is queued again");
		await bull.forget({ id: facts.id, run });
		if (job === undefined) await fair.push({ id: facts.id, run, userId: facts.requestedBy }, 0);
		else {
			await bull.forget(job);
			await fair.requeue(job.id, run, job.value);
		}
		await writeProgress(fair, jobOf({ facts, ...rest }));
	}

	/** It has ended, or was taken back before it was queued. */
	private async remove(job: QueuedJob): Promise<void> {
		const { fair, records } = this.options;
		if (this.options.runsHere(job.id)) return;
		await fair.finish(job.id, job.run);
		const stored = await records.read.get(job.id);
		if (stored !== null) await writeProgress(fair, jobOf(stored));
	}
}
