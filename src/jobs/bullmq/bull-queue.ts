import { type Job as EngineJob, Queue, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { type Admitted, type FairQueue, QUEUE_NAME } from "./fair-queue.js";
import { type Lease, Leases } from "./leases.js";

export interface BullQueueOptions {
	/** The same queue on a connection that waits for its server. */
	readonly fair: FairQueue;
	readonly enginePrefix: string;
	/** Jobs at once in this process; 0 for one that only hands in. */
	readonly slots: number;
	readonly lockMs: number;
	readonly keepCompleted: { readonly count: number; readonly ageSeconds: number };
	/** Does the job. `again`: it goes back to the queue, for this run. A throw is tried again, later and later, three times. */
	readonly perform: (job: Admitted, lease: Lease) => Promise<"done" | { readonly again: number }>;
	readonly log: Pick<Logger, "warn" | "error">;
}

/** What lies in the engine for one run of a job. */
export type EngineData = Admitted;
type Engine = Queue<EngineData, string>;

const TAKE_AT_ONCE = 100;
const DISPATCH_EVERY_MS = 500;
const TOGETHER_MS = 2;
/** Of the engine's priorities: after those that have none. */
const AFTERWARDS = 1;
const TRIES = 3;
const FIRST_PAUSE_MS = 1_000;
/** Of stalls, which are not counted here: the records count the deaths. */
const ANY_NUMBER = 1_000_000;

export function engineIdOf({ id, run }: Pick<Admitted, "id" | "run">): string {
	return `${id}-${run}`;
}

/**
 * Between the fair queue and BullMQ: hands it as many jobs as there are free slots, runs what it gives to this process, and keeps the
 * fair queue true to both.
 */
export class BullQueue {
	readonly queue: Engine;
	private readonly worker: Worker<EngineData, string> | null = null;
	private readonly leases: Leases;
	private readonly timer: NodeJS.Timeout;
	private dispatching: Promise<void> | null = null;
	private asked = false;
	private readonly finishing = new Set<Promise<void>>();
	private closed = false;

	constructor(
		private readonly options: BullQueueOptions,
		private readonly connection: Redis,
	) {
		const { enginePrefix: prefix, lockMs, slots, log } = options;
		this.leases = new Leases(lockMs);
		this.queue = new Queue(QUEUE_NAME, { connection, prefix });
		this.queue.on("error", (error) => log.warn({ err: error }, "the queue's server did not answer; it is asked again"));
		if (slots > 0) {
			this.worker = new Worker<EngineData, string>(QUEUE_NAME, (job, token) => this.run(job, token ?? ""), {
				connection,
				prefix,
				concurrency: slots,
				lockDuration: lockMs,
				stalledInterval: Math.max(500, Math.floor(lockMs / 4)),
				maxStalledCount: ANY_NUMBER,
				// Renewed by the leases, which also know when it is too late.
				skipLockRenewal: true,
				runRetryDelay: 500,
				removeOnComplete: { count: options.keepCompleted.count, age: options.keepCompleted.ageSeconds },
				removeOnFail: { count: options.keepCompleted.count, age: options.keepCompleted.ageSeconds },
			});
			this.worker.on("error", (error) => log.warn({ err: error }, "the queue's server did not answer; it is asked again"));
		}
		this.timer = setInterval(() => this.kick(), DISPATCH_EVERY_MS);
	}

	/** Something may be free to start. */
	kick(): void {
		this.asked = true;
		this.dispatching ??= this.dispatch().finally(() => {
			this.dispatching = null;
			if (this.asked && !this.closed) this.kick();
		});
	}

	/** Whether a run will come to something in the engine. What has `begun` and lost its lock is the engine's to give to another worker. */
	async isAlive(job: Pick<Admitted, "id" | "run">, begun: boolean): Promise<boolean> {
		const id = engineIdOf(job);
		const state = await this.queue.getJobState(id);
		if (state !== "active" || begun) return state !== "unknown" && state !== "completed" && state !== "failed";
		// Nobody says so where no worker is left: who had taken it died before it began.
		return (await this.connection.exists(`${this.queue.toKey(id)}:lock`)) === 1;
	}

	/** Takes out what has ended there, so that the same run can be put in again. */
	async forget(job: Pick<Admitted, "id" | "run">): Promise<void> {
		await this.queue.remove(engineIdOf(job));
	}

	/** Takes no more work; what runs is the caller's to stop. */
	pause(): void {
		this.closed = true;
		clearInterval(this.timer);
		void this.worker?.pause(true).catch(() => undefined);
	}

	/** To be called when nothing runs any more, or what runs is to be left behind. */
	async close(): Promise<void> {
		this.pause();
		await this.dispatching;
		await Promise.all(this.finishing);
		await this.worker?.close(true);
		await this.queue.close();
	}

	private async dispatch(): Promise<void> {
		const { fair, log } = this.options;
		while (this.asked && !this.closed) {
			// What becomes free meanwhile is filled with one step.
			await new Promise((turn) => setTimeout(turn, TOGETHER_MS));
			this.asked = false;
			try {
				const taken = await fair.take(TAKE_AT_ONCE);
				if (taken.length === 0) continue;
				this.asked = taken.length === TAKE_AT_ONCE;
				await this.queue.addBulk(
					taken.map(({ job, only }) => ({
						name: "job",
						data: job,
						opts: {
							jobId: engineIdOf(job),
							// Whoever has nothing in the engine yet comes before those who have, in the next free slot.
							...(only ? {} : { priority: AFTERWARDS }),
							attempts: TRIES,
							backoff: { type: "exponential", delay: FIRST_PAUSE_MS },
						},
					})),
				);
			} catch (error) {
				if (!this.closed) log.warn({ err: error }, "jobs could not be handed to the queue engine; tried again in a moment");
				return;
			}
		}
	}

	private async run(job: EngineJob<EngineData, string>, token: string): Promise<string> {
		const { fair, perform } = this.options;
		const { data } = job;
		if (typeof data?.id !== "string" || typeof data.run !== "number") throw new UnrecoverableError("not a job of this program");
		if (!(await fair.start(data.id, data.run))) return "superseded";
		const { lease, release } = this.leases.take(job as EngineJob, token);
		try {
			const outcome = await perform(data, lease);
			if (outcome !== "done") {
				await fair.requeue(data.id, outcome.again, null);
				return "handed back";
			}
			// The engine goes on meanwhile; what is lost here is found by comparing with the records.
			const finished = fair.finish(data.id, data.run).then(
				() => this.kick(),
				() => undefined,
			);
			this.finishing.add(finished);
			void finished.then(() => this.finishing.delete(finished));
			return "done";
		} finally {
			release();
			this.kick();
		}
	}
}
