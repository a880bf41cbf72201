import type { Logger } from "pino";
import type { AuditLog } from "../../audit/port.js";
import { canonicalJson } from "../../core/canonical-json.js";
import { type Clock, DAY_MS, HOUR_MS } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import { hasEnded, type Job, type JobKind } from "../../core/job.js";
import { workerUrl } from "../../core/worker-url.js";
import type { CallsOf } from "../../store/procedures.js";
import { sortableId } from "../../store/sortable-id.js";
import type { Store } from "../../store/store.js";
import type { JobEngine, JobHandler } from "../port.js";
import { jobOf, type QueuedRecords, type StoredJob } from "../records.js";
import { Announcer } from "../running/announcer.js";
import { available } from "../running/availability.js";
import { checkedInput, JobRunner } from "../running/job-runner.js";
import { LiveJob } from "../running/live-job.js";
import { FairQueue } from "./fair-queue.js";
import type { storeModule } from "./job-procedures.js";

type JobCalls = CallsOf<typeof storeModule>;

export interface EmbeddedJobsOptions {
	readonly store: Store;
	readonly audit: Pick<AuditLog, "end">;
	readonly clock: Clock;
	readonly handlers: readonly JobHandler<unknown>[];
	/** Jobs at once, of all users together. */
	readonly concurrency: number;
	readonly concurrencyPerUser: number;
	/** Waiting jobs beyond this are refused with QUEUE_FULL. */
	readonly maxQueued: number;
	readonly keepDays: number;
	readonly log: Pick<Logger, "info" | "warn" | "error">;
}

const CANCEL_WITHIN_MS = 1000;
/** How long a closing engine waits for handlers to stop between two deletions. */
const HAND_BACK_WITHIN_MS = 5000;

function loadModule(store: Store): Promise<JobCalls> {
	return store.use<typeof storeModule>("jobs", workerUrl(import.meta.url, "./job-procedures.js"), null);
}

/** Tickets that unfinished jobs are going to end: for `openEmbeddedAudit`, which takes every other open intent for interrupted. */
export async function ticketsOfUnfinishedJobs(store: Store): Promise<readonly string[]> {
	return (await loadModule(store)).read.unfinishedTickets();
}

/** The same records, for an engine that queues elsewhere. */
export function openEmbeddedRecords(store: Store): Promise<QueuedRecords> {
	return loadModule(store);
}

/** The job engine of one process, on its store. The caller closes it before audit log and store. */
export async function openEmbeddedJobs(options: EmbeddedJobsOptions): Promise<JobEngine> {
	return new EmbeddedJobs(options, await loadModule(options.store));
}

class EmbeddedJobs implements JobEngine {
	private readonly handlers: ReadonlyMap<JobKind, JobHandler<unknown>>;
	private readonly unfinished = new Map<string, LiveJob>();
	private readonly running = new Map<string, Promise<void>>();
	private readonly queue: FairQueue;
	private readonly announcer: Announcer;
	private readonly runner: JobRunner;
	private readonly closing = new AbortController();
	private started = false;
	private pruning: Promise<void> = Promise.resolve();
	private pruningEveryHour: NodeJS.Timeout | null = null;

	constructor(
		private readonly options: EmbeddedJobsOptions,
		private readonly calls: JobCalls,
	) {
		this.handlers = new Map(options.handlers.map((handler) => [handler.kind, handler]));
		this.queue = new FairQueue(options.concurrencyPerUser);
		this.announcer = new Announcer(options.log);
		const { handlers, announcer } = this;
		this.runner = new JobRunner({ ...options, calls: calls.write, handlers, announcer, closing: this.closing.signal });
	}

	async submit(request: Parameters<JobEngine["submit"]>[0]) {
		this.refuseWhenClosing();
		const { kind, call, idempotencyKey } = request;
		const input = checkedInput(this.handlers.get(kind), request.input) as Job["input"];
		const now = this.options.clock.now();
		const { stored, fresh } = await available(
			this.calls.write.submit({
				job: {
					id: sortableId("j", now),
					kind,
					requestedBy: call.actor.id,
					username: call.actor.username,
					origin: call.origin,
					requestId: call.requestId,
					input,
					createdAt: now,
					ticket: request.auditTicket,
					idempotencyKey,
					inputDigest: canonicalJson({ kind, input }),
				},
				maxQueued: this.options.maxQueued,
			}),
		);
		if (fresh) this.accept(stored);
		return { job: this.seen(stored), fresh };
	}

	async retry(id: string, auditTicket: string) {
		this.refuseWhenClosing();
		const stored = await available(this.calls.write.retry({ id, ticket: auditTicket, now: this.options.clock.now() }));
		this.accept(stored);
		return this.seen(stored);
	}

	async get(id: string) {
		const live = this.unfinished.get(id);
		if (live !== undefined) return live.job;
		const stored = await available(this.calls.read.get(id));
		return stored === null ? null : this.seen(stored);
	}

	async findByKey(userId: string, key: string) {
		const stored = await available(this.calls.read.findByKey({ userId, key, now: this.options.clock.now() }));
		return stored === null ? null : this.seen(stored);
	}

	async list(filter: Parameters<JobEngine["list"]>[0], page: Parameters<JobEngine["list"]>[1]) {
		const stored = await available(this.calls.read.list({ filter, page }));
		return { ...stored, items: stored.items.map(({ cursor, node }) => ({ cursor, node: this.seen(node) })) };
	}

	failures(jobId: string, page: Parameters<JobEngine["failures"]>[1]) {
		return available(this.calls.read.failures({ jobId, page }));
	}

	async cancel(id: string) {
		const live = this.unfinished.get(id);
		if (live === undefined) return this.existing(id);
		if (this.queue.remove(live.job.requestedBy, id)) {
			if (await this.runner.finish(live, "CANCELLED", null)) this.forget(live);
			return this.existing(id);
		}
		await available(this.calls.write.requestCancel(id));
		live.controller.abort("cancel");
		return this.waitForEnd(id, CANCEL_WITHIN_MS);
	}

	async waitForEnd(id: string, timeoutMs: number) {
		const next = this.announcer.nextEnd(id, timeoutMs);
		try {
			const now = await this.existing(id);
			return hasEnded(now.status) ? now : ((await next.ended) ?? (await this.existing(id)));
		} finally {
			next.stop();
		}
	}

	async counts(userId: string) {
		const stored = await available(this.calls.read.countByStatus());
		const { pending, processing } = this.queue.counts(userId);
		return {
			engine: "embedded",
			queued: this.unfinished.size - this.running.size,
			running: this.running.size,
			completed: (stored.SUCCEEDED ?? 0) + (stored.PARTIALLY_FAILED ?? 0) + (stored.CANCELLED ?? 0),
			failed: stored.FAILED ?? 0,
			workers: this.options.concurrency,
			mine: { pending, processing, concurrencyLimit: this.options.concurrencyPerUser },
		};
	}

	onChange(listener: (job: Job) => void) {
		return this.announcer.onChange(listener);
	}

	async start() {
		const { waiting, unrecorded } = await this.calls.write.recover(this.options.clock.now());
		for (const stored of unrecorded) await this.runner.record(jobOf(stored), stored.ticket);
		for (const stored of waiting) if (!this.unfinished.has(stored.facts.id)) this.enqueue(new LiveJob(stored));
		this.started = true;
		this.startJobs();
		this.prune();
		this.pruningEveryHour = setInterval(() => this.prune(), HOUR_MS).unref();
	}

	async close() {
		if (this.closing.signal.aborted) return;
		this.closing.abort();
		if (this.pruningEveryHour !== null) clearInterval(this.pruningEveryHour);
		for (const id of this.running.keys()) this.unfinished.get(id)?.controller.abort("shutdown");
		let timer: NodeJS.Timeout | undefined;
		const patience = new Promise<void>((resolve) => {
			timer = setTimeout(resolve, HAND_BACK_WITHIN_MS);
		});
		await Promise.race([Promise.all([...this.running.values(), this.pruning]), patience]);
		clearTimeout(timer);
		if (this.running.size > 0)
			this.options.log.warn({ jobs: [...this.running.keys()] }, "jobs did not stop in time; they go on at the next start");
	}

	private refuseWhenClosing(): void {
		if (this.closing.signal.aborted) throw new CachewardenError("QUEUE_UNAVAILABLE");
	}

	private async existing(id: string): Promise<Job> {
		const job = await this.get(id);
		if (job === null) throw new CachewardenError("NOT_FOUND", { key: "error.jobNotFound", facts: {} });
		return job;
	}

	/** A job that runs here is further than the store knows, and has not ended for anybody before its audit entry is there. */
	private seen(stored: StoredJob): Job {
		return this.unfinished.get(stored.facts.id)?.job ?? jobOf(stored);
	}

	private accept(stored: StoredJob): void {
		const live = new LiveJob(stored);
		this.enqueue(live);
		this.announcer.tell(live.job);
		this.startJobs();
	}

	private enqueue(live: LiveJob): void {
		this.unfinished.set(live.job.id, live);
		this.queue.add(live.job.requestedBy, live.job.id);
	}

	private startJobs(): void {
		while (this.started && !this.closing.signal.aborted && this.running.size < this.options.concurrency) {
			const id = this.queue.take();
			const live = id === null ? undefined : this.unfinished.get(id);
			if (live === undefined) return;
			this.running.set(live.job.id, this.runToEnd(live));
		}
	}

	private async runToEnd(live: LiveJob): Promise<void> {
		const { id, requestedBy } = live.job;
		if ((await this.runner.run(live)) === "ended") this.forget(live);
		this.running.delete(id);
		this.queue.done(requestedBy);
		this.startJobs();
	}

	/** The same job may have been queued anew by now. */
	private forget(live: LiveJob): void {
		if (this.unfinished.get(live.job.id) === live) this.unfinished.delete(live.job.id);
	}

	/** In the background: an engine that was not opened for long may hold much that is old. */
	private prune(): void {
		const { clock, keepDays, log } = this.options;
		const before = clock.now() - keepDays * DAY_MS;
		this.pruning = this.pruning
			.then(() => this.pruneSlices(before))
			.catch((error: unknown) => log.error({ err: error }, "old jobs could not be removed; tried again in an hour"));
	}

	private async pruneSlices(before: number): Promise<void> {
		let removed: number;
		do removed = await this.calls.write.pruneSome(before);
		while (removed > 0 && !this.closing.signal.aborted);
	}
}
