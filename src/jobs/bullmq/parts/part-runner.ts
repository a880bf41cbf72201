import { type Job as EngineJob, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { CacheBackend } from "../../../backends/backend.js";
import type { PlaceGroup } from "../../../core/place-groups.js";
import type { FairQueue } from "../fair-queue.js";
import { removeWhileHeld } from "../fenced-backend.js";
import { Leases } from "../leases.js";
import { encodeOutcomes, type Part, type PartResult, partQueueOf, partShape } from "./part.js";

export interface PartRunnerOptions {
	/** On a connection that waits for its server. */
	readonly fair: FairQueue;
	readonly client: Redis;
	readonly enginePrefix: string;
	/** What this process can reach, and how. */
	readonly places: readonly { readonly group: PlaceGroup; readonly backend: CacheBackend }[];
	/** Parts at once, of each group. */
	readonly slots: number;
	readonly lockMs: number;
	readonly log: Pick<Logger, "info" | "warn">;
}

const LOOK_EVERY_MS = 250;
/** Deaths of its workers after which a part is no longer tried as it is. */
const MOST_STARTS = 10;
const ANY_NUMBER = 1_000_000;

interface Active {
	readonly part: Part;
	readonly controller: AbortController;
}

/**
 * Removes the entries of parts, as long as the attempt that sent them goes on and this process holds them. Knows nothing of jobs,
 * catalog or store.
 */
export class PartRunner {
	private readonly leases: Leases;
	private readonly workers: Worker<Part, PartResult>[];
	private readonly active = new Map<string, Active>();
	private readonly timer: NodeJS.Timeout;
	private closing = false;
	/** Parts that were begun or ended. */
	private signs = 0;
	private unattended: { readonly since: number; readonly signs: number } | null = null;

	constructor(private readonly options: PartRunnerOptions) {
		this.leases = new Leases(options.lockMs);
		this.workers = options.places.map(({ group, backend }) => this.work(group, backend));
		this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
	}

	/** How long parts have been waiting here while none was begun or ended, as it is looked at now and then. */
	async unattendedMs(): Promise<number> {
		const waiting = await Promise.all(this.workers.map((worker) => this.options.client.llen(worker.toKey("wait"))));
		if (waiting.every((count) => count === 0)) this.unattended = null;
		else if (this.unattended?.signs !== this.signs) this.unattended = { since: performance.now(), signs: this.signs };
		return this.unattended === null ? 0 : performance.now() - this.unattended.since;
	}

	/** What waited until now counts for nothing. */
	attended(): void {
		this.unattended = null;
	}

	/** Gives back what runs, with what was done of it, and ends. */
	async close(): Promise<void> {
		this.closing = true;
		clearInterval(this.timer);
		for (const worker of this.workers) void worker.pause(true).catch(() => undefined);
		for (const { controller } of this.active.values()) controller.abort("shutdown");
		await Promise.all(this.workers.map((worker) => worker.close()));
	}

	private work(group: PlaceGroup, backend: CacheBackend): Worker<Part, PartResult> {
		const { client, enginePrefix: prefix, lockMs, slots, log, fair } = this.options;
		const worker = new Worker<Part, PartResult>(partQueueOf(group), (job, token) => this.run(backend, job, token ?? ""), {
			connection: client,
			prefix,
			concurrency: slots,
			lockDuration: lockMs,
			stalledInterval: Math.max(500, Math.floor(lockMs / 4)),
			maxStalledCount: ANY_NUMBER,
			skipLockRenewal: true,
			runRetryDelay: 500,
		});
		worker.on("error", (error) => log.warn({ err: error }, "the queue's server did not answer; it is asked again"));
		const told = (job: { readonly id?: string | undefined } | undefined): void => {
			if (job?.id !== undefined) fair.tellPartEnded(job.id).catch(() => undefined);
		};
		worker.on("completed", told);
		worker.on("failed", told);
		return worker;
	}

	private async run(backend: CacheBackend, job: EngineJob<Part, PartResult>, token: string): Promise<PartResult> {
		const checked = partShape.safeParse(job.data);
		if (!checked.success) throw new UnrecoverableError("not a part of a job of this version");
		if (job.attemptsStarted > MOST_STARTS) throw new UnrecoverableError(`its workers died ${MOST_STARTS} times`);
		const part = checked.data;
		const { jobId, attempt, requestId, entries } = part;
		const id = job.id ?? "";
		// What an earlier worker had removed when it died counts, too.
		const resumed = part.resumed || job.attemptsStarted > 1;
		const controller = new AbortController();
		const { lease, release } = this.leases.take(job as EngineJob, token);
		lease.onLost(() => controller.abort("lost"));
		this.active.set(id, { part, controller });
		this.signs++;
		try {
			if (this.closing) controller.abort("shutdown");
			else if ((await this.options.fair.flowOf(jobId)) !== attempt) controller.abort("cancel");
			const outcomes = await removeWhileHeld(backend, lease, entries, { signal: controller.signal, resumed });
			if (!lease.held) throw new Error(`${id} was taken over by another worker`);
			this.options.log.info({ jobId, part: id, requestId, entries: entries.length, done: outcomes.length }, "a part of a job");
			return encodeOutcomes(entries, outcomes);
		} finally {
			release();
			this.active.delete(id);
			this.signs++;
		}
	}

	/** Stops what runs for an attempt that has ended. */
	private async look(): Promise<void> {
		const jobs = new Set([...this.active.values()].map(({ part }) => part.jobId));
		for (const jobId of jobs) {
			const attempt = await this.options.fair.flowOf(jobId).catch(() => undefined);
			if (attempt === undefined) continue;
			for (const { part, controller } of this.active.values())
				if (part.jobId === jobId && part.attempt !== attempt) controller.abort("cancel");
		}
	}
}
