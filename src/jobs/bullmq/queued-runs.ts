import type { Clock } from "../../core/clock.js";
import type { Failure } from "../../core/errors.js";
import { hasEnded, type Job } from "../../core/job.js";
import { MAX_DEATHS, type QueuedRecords } from "../records.js";
import type { JobRunner } from "../running/job-runner.js";
import { LiveJob } from "../running/live-job.js";
import { isSplit } from "../splitting.js";
import { type CurrentRun, currentRun } from "./current-run.js";
import type { Admitted } from "./fair-queue.js";
import type { Lease } from "./leases.js";
import type { PartSender } from "./parts/part-sender.js";

export interface QueuedRunsOptions {
	readonly records: QueuedRecords;
	readonly clock: Clock;
	readonly runner: JobRunner;
	readonly closing: AbortSignal;
	/** Null before the process takes work. `alsoAlone`: it removes what is little itself. */
	readonly sharing: () => { readonly sender: PartSender; readonly alsoAlone: boolean } | null;
}

/** The jobs that this process runs. */
export class QueuedRuns {
	private readonly live = new Map<string, LiveJob>();
	private readonly running = new Map<string, Promise<unknown>>();

	constructor(private readonly options: QueuedRunsOptions) {}

	/** As it stands here, further than the records know; undefined when it does not run here. */
	get(id: string): Job | undefined {
		return this.live.get(id)?.job;
	}

	has(id: string): boolean {
		return this.running.has(id);
	}

	get ids(): string[] {
		return [...this.running.keys()];
	}

	cancel(id: string): void {
		this.live.get(id)?.controller.abort("cancel");
	}

	/** Asks all to stop, and resolves when they have. */
	async handBack(): Promise<void> {
		for (const live of this.live.values()) live.controller.abort("shutdown");
		await Promise.all(this.running.values());
	}

	/** One run that the engine gave to this process. A throw lets the engine try again a little later. */
	perform(job: Admitted, lease: Lease): Promise<"done" | { readonly again: number }> {
		const performed = this.performOne(job, lease);
		const settled = performed.catch(() => undefined).finally(() => this.running.delete(job.id));
		this.running.set(job.id, settled);
		return performed;
	}

	private async performOne({ id }: Admitted, lease: Lease): Promise<"done" | { readonly again: number }> {
		const { records, clock } = this.options;
		let stored = await records.read.get(id);
		if (stored?.facts.status === "RUNNING") {
			// Whoever ran it is gone: the engine would not have given it out otherwise.
			stored = await records.write.orphaned({ id, attempt: stored.facts.attempts, now: clock.now() });
			if (stored === null) throw new Error(`${id} is being taken over by another process`);
		}
		if (stored === null || hasEnded(stored.facts.status)) return "done";
		const live = new LiveJob(stored);
		if (stored.deaths >= MAX_DEATHS) {
			const interrupted: Failure = { code: "INTERRUPTED", said: { key: "error.interrupted", facts: {} } };
			if (await this.options.runner.finish(live, "FAILED", interrupted)) return "done";
			throw new Error(`the end of ${id} could not be kept`);
		}
		this.live.set(id, live);
		lease.onLost(() => live.controller.abort("lost"));
		if (this.options.closing.aborted) live.controller.abort("shutdown");
		try {
			const outcome = await currentRun.run(this.runOf(live, lease), () => this.options.runner.run(live));
			if (outcome === "ended") return "done";
			if (outcome === "handed back") return { again: live.job.attempts + 1 };
			throw new Error(`the run of ${id} was cut short`);
		} finally {
			this.live.delete(id);
		}
	}

	/** With parts once it is known how much there is to remove, and where this process is not to remove anything itself. */
	private runOf(live: LiveJob, lease: Lease): CurrentRun {
		const { sharing } = this.options;
		const shared = sharing();
		const { id: jobId, requestId, requestedBy: userId } = live.job;
		const run = {
			jobId,
			requestId,
			userId,
			lease,
			get attempt() {
				return live.job.attempts;
			},
			get share(): CurrentRun["share"] {
				if (shared === null || (shared.alsoAlone && !isSplit(live.job))) return null;
				if (live.report.split !== true) live.setReport({ ...live.report, split: true });
				return (own, entries, options) => shared.sender.remove(own, run, entries, options);
			},
		};
		return run;
	}

	/** A cancel reaches who runs the job, also when the message is lost. */
	async lookForCancels(): Promise<void> {
		const ids = [...this.live.keys()];
		if (ids.length === 0) return;
		const wanted = await this.options.records.read.cancelRequested(ids).catch(() => []);
		for (const id of wanted) this.live.get(id)?.controller.abort("cancel");
	}
}
