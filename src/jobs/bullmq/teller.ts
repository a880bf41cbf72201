import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { RemovalOutcome } from "../../backends/backend.js";
import { DAY_MS } from "../../core/clock.js";
import { hasEnded, type Job, progressTotals } from "../../core/job.js";
import type { FairQueue } from "./fair-queue.js";

const EVERY_MS = 100;
const AGAIN_MS = 1_000;
export const KEPT_SECONDS = (7 * DAY_MS) / 1000;

/** What the original system's programs read of a job (queue.md). */
export function progressFields(job: Job): Record<string, string | number> {
	const { processed, total, percent, deletedEntries, freedBytes } = progressTotals(job);
	return {
		status: job.status,
		phase: job.progress.phase ?? "",
		processed,
		total: total ?? "",
		percent: percent === null ? "" : Math.round(percent * 100) / 100,
		deleted_entries: deletedEntries,
		freed_bytes: freedBytes,
		updated_at: new Date(job.progress.at).toISOString(),
	};
}

export async function writeProgress(fair: FairQueue, job: Job): Promise<void> {
	await fair.tell(job.id, job.progress.sequence, hasEnded(job.status) ? KEPT_SECONDS : 0, progressFields(job));
}

/** A part of a job that was shared out, once it is done. */
export async function tellPart(fair: FairQueue, id: string, total: number, outcomes: readonly RemovalOutcome[]): Promise<void> {
	let [deleted, freedBytes] = [0, 0];
	for (const outcome of outcomes) {
		if (outcome.outcome !== "deleted") continue;
		deleted++;
		freedBytes += outcome.freedBytes;
	}
	await fair.tell(id, 1, KEPT_SECONDS, {
		status: outcomes.length === total ? "SUCCEEDED" : "CANCELLED",
		phase: "delete",
		processed: outcomes.length,
		total,
		percent: total === 0 ? 100 : Math.round((outcomes.length / total) * 10_000) / 100,
		deleted_entries: deleted,
		freed_bytes: freedBytes,
		updated_at: new Date().toISOString(),
	});
}

/** Brings new states of jobs to the other processes and into the progress hashes: the newest of each job, ten times a second, the last at once. */
export class Teller {
	private readonly newest = new Map<string, Job>();
	private timer: NodeJS.Timeout | null = null;
	private sending: Promise<void> = Promise.resolve();
	private closed = false;

	constructor(
		private readonly fair: FairQueue,
		private readonly client: Redis,
		private readonly channel: string,
		private readonly instance: string,
		private readonly log: Pick<Logger, "warn">,
	) {}

	tell(job: Job): void {
		if (this.closed) return;
		this.newest.set(job.id, job);
		if (hasEnded(job.status)) void this.flush();
		else this.later(EVERY_MS);
	}

	/** Resolves when what was told by now has been sent, or could not be. */
	flush(): Promise<void> {
		if (this.timer !== null) clearTimeout(this.timer);
		this.timer = null;
		this.sending = this.sending.then(() => this.send());
		return this.sending;
	}

	close(): void {
		this.closed = true;
		if (this.timer !== null) clearTimeout(this.timer);
		this.timer = null;
		this.newest.clear();
	}

	private later(ms: number): void {
		this.timer ??= setTimeout(() => void this.flush(), ms);
	}

	private async send(): Promise<void> {
		const jobs = [...this.newest.values()];
		this.newest.clear();
		try {
			await Promise.all(
				jobs.map(async (job) => {
					await writeProgress(this.fair, job);
					await this.client.publish(this.channel, JSON.stringify({ from: this.instance, job }));
				}),
			);
		} catch (error) {
			if (this.closed) return;
			this.log.warn({ err: error }, "the progress of jobs could not be told to other processes; tried again in a second");
			for (const job of jobs) if (!this.newest.has(job.id)) this.newest.set(job.id, job);
			this.later(AGAIN_MS);
		}
	}
}
