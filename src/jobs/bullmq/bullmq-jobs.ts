import type { Logger } from "pino";
import type { AuditLog } from "../../audit/port.js";
import { canonicalJson } from "../../core/canonical-json.js";
import { type Clock, DAY_MS, HOUR_MS } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import { hasEnded, type Job, type JobKind } from "../../core/job.js";
import type { PlaceGroup } from "../../core/place-groups.js";
import { sortableId } from "../../store/sortable-id.js";
import type { JobEngine, JobHandler } from "../port.js";
import { jobOf, OvertakenError, type QueuedRecords, type StoredJob } from "../records.js";
import { Announcer } from "../running/announcer.js";
import { available } from "../running/availability.js";
import { checkedInput, JobRunner } from "../running/job-runner.js";
import { LiveJob } from "../running/live-job.js";
import { type Accounting, accounted } from "./accounted-writes.js";
import { BullQueue } from "./bull-queue.js";
import { openQueueConnections, type QueueAddress, type QueueConnections } from "./connection.js";
import { FairQueue } from "./fair-queue.js";
import { handIn } from "./hand-in.js";
import { PartRunner, type PartRunnerOptions } from "./parts/part-runner.js";
import { PartSender } from "./parts/part-sender.js";
import { type Owner, QueueClaim } from "./queue-owner.js";
import { QueuedRuns } from "./queued-runs.js";
import { Reconciler } from "./reconciler.js";
import { Teller } from "./teller.js";
import { ToldStates } from "./told-states.js";

export interface BullmqJobsOptions extends Accounting {
	readonly address: QueueAddress;
	readonly enginePrefix: string;
	readonly viewPrefix: string;
	readonly records: QueuedRecords;
	readonly audit: Pick<AuditLog, "end">;
	readonly clock: Clock;
	readonly handlers: readonly JobHandler<unknown>[];
	/** Jobs at once in this process. */
	readonly concurrency: number;
	readonly concurrencyPerUser: number;
	readonly maxQueued: number;
	readonly keepDays: number;
	/** After this long without a sign of life a process is taken for dead, and what it ran for another's. Default 10,000. */
	readonly lockMs?: number;
	/** False: this process takes work once it has handed some in, as a command does. Default true. */
	readonly takesWork?: boolean;
	/** Which places workers of parts can have, and what of them this process has. */
	readonly parts: {
		readonly groups: readonly PlaceGroup[];
		readonly own: PartRunnerOptions["places"];
	};
	/** Null: nobody looks whether others are at work on the queue. */
	readonly owner: Owner | null;
	readonly log: Pick<Logger, "info" | "warn" | "error">;
}

const CANCEL_WITHIN_MS = 1_000;
const HAND_BACK_WITHIN_MS = 5_000;
const ALIVE_EVERY_MS = 1_000;
const ALIVE_FOR_MS = 5_000;
const LOOK_FOR_CANCEL_MS = 500;
const DEFAULT_LOCK_MS = 10_000;
const KEPT_IN_ENGINE = { count: 1_000, ageSeconds: DAY_MS / 1000 };

/**
 * The job engine on Redis: any number of processes on one queue. Refuses a server that would lose jobs; one that cannot be
 * reached yet is waited for, and jobs are refused until it is there.
 */
export async function openBullmqJobs(options: BullmqJobsOptions): Promise<BullmqJobs> {
	const { connections, connected } = await openQueueConnections(options.address, options.log);
	try {
		const engine = new BullmqJobs(options, connections);
		if (connected && options.takesWork !== false) await engine.queueClaim.make(connections.producer);
		engine.open();
		return engine;
	} catch (error) {
		for (const connection of Object.values(connections)) connection.disconnect();
		throw error;
	}
}

/** With what this process itself has done, where everybody sees what all do. */
export type { BullmqJobs };

class BullmqJobs implements JobEngine {
	private readonly instance = sortableId("w", Date.now());
	private readonly handlers: ReadonlyMap<JobKind, JobHandler<unknown>>;
	private readonly announcer: Announcer;
	private readonly runner: JobRunner;
	private readonly closing = new AbortController();
	/** Hands in, and refuses at once when the server is away. */
	private readonly producing: FairQueue;
	/** The same, waiting for the server. */
	private readonly fair: FairQueue;
	private readonly teller: Teller;
	private readonly states: ToldStates;
	private readonly runs: QueuedRuns;
	private readonly timers: NodeJS.Timeout[] = [];
	readonly queueClaim: QueueClaim;
	private taking = false;
	private bull: BullQueue | null = null;
	private reconciler: Reconciler | null = null;
	private sender: PartSender | null = null;
	private parts: PartRunner | null = null;
	private pruning: Promise<void> = Promise.resolve();

	constructor(
		private readonly options: BullmqJobsOptions,
		private readonly connections: QueueConnections,
	) {
		const { records, log } = options;
		this.handlers = new Map(options.handlers.map((handler) => [handler.kind, handler]));
		this.announcer = new Announcer(log);
		this.producing = new FairQueue(connections.producer, options);
		this.fair = new FairQueue(connections.worker, options);
		this.queueClaim = new QueueClaim({ ...options, key: `${this.fair.prefix}owner` });
		this.teller = new Teller(this.fair, connections.worker, this.channel("states"), this.instance, log);
		const { handlers, announcer } = this;
		const { signal: closing } = this.closing;
		this.runner = new JobRunner({ ...options, calls: accounted(records.write, options), handlers, announcer, closing, sharesOut: true });
		this.states = new ToldStates(announcer, this.teller, this.instance);
		const sharing = () => (this.sender === null ? null : { sender: this.sender, alsoAlone: this.parts !== null });
		this.runs = new QueuedRuns({ ...options, runner: this.runner, closing, sharing });
	}

	/** Each connection does what it was asked to as soon as its server is there, and again when it comes back. */
	open(): void {
		const { listener, producer } = this.connections;
		producer.on("ready", () => void this.queueClaim.check(producer));
		listener.on("message", (channel: string, text: string) => {
			if (channel === this.channel("parts")) this.sender?.hear(text);
			else if (channel === this.channel("cancel")) this.runs.cancel(text);
			else this.states.hear(text);
		});
		listener.subscribe(this.channel("states"), this.channel("cancel"), this.channel("parts")).catch(() => undefined);
	}

	async submit(request: Parameters<JobEngine["submit"]>[0]) {
		await this.refuseWhenUnfit();
		const { kind, call, idempotencyKey } = request;
		const { records, maxQueued } = this.options;
		const input = checkedInput(this.handlers.get(kind), request.input) as Job["input"];
		const now = this.options.clock.now();
		const { stored, fresh } = await available(
			records.write.submit({
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
				maxQueued,
			}),
		);
		if (fresh) await this.enqueue(stored);
		return { job: this.seen(stored), fresh };
	}

	async retry(id: string, auditTicket: string) {
		await this.refuseWhenUnfit();
		const stored = await available(this.options.records.write.retry({ id, ticket: auditTicket, now: this.options.clock.now() }));
		await this.enqueue(stored);
		return this.seen(stored);
	}

	async get(id: string) {
		const live = this.runs.get(id);
		if (live !== undefined) return live;
		const stored = await available(this.options.records.read.get(id));
		return stored === null ? null : this.seen(stored);
	}

	async findByKey(userId: string, key: string) {
		const stored = await available(this.options.records.read.findByKey({ userId, key, now: this.options.clock.now() }));
		return stored === null ? null : this.seen(stored);
	}

	async list(filter: Parameters<JobEngine["list"]>[0], page: Parameters<JobEngine["list"]>[1]) {
		const stored = await available(this.options.records.read.list({ filter, page }));
		return { ...stored, items: stored.items.map(({ cursor, node }) => ({ cursor, node: this.seen(node) })) };
	}

	failures(jobId: string, page: Parameters<JobEngine["failures"]>[1]) {
		return available(this.options.records.read.failures({ jobId, page }));
	}

	async cancel(id: string) {
		const stored = await available(this.options.records.read.get(id));
		if (stored === null) throw notFound();
		if (hasEnded(stored.facts.status)) return this.existing(id);
		if (stored.facts.status === "QUEUED" && (await this.endWaiting(stored))) return this.existing(id);
		await available(this.options.records.write.requestCancel(id));
		this.runs.cancel(id);
		// Whoever runs it also looks for himself.
		this.connections.producer.publish(this.channel("cancel"), id).catch(() => undefined);
		return this.waitForEnd(id, CANCEL_WITHIN_MS);
	}

	async waitForEnd(id: string, timeoutMs: number) {
		const deadline = performance.now() + timeoutMs;
		for (;;) {
			// A message from another process may be lost, so the records are asked now and then.
			const next = this.announcer.nextEnd(id, Math.max(0, Math.min(1000, deadline - performance.now())));
			try {
				const now = await this.existing(id);
				if (hasEnded(now.status)) return now;
				const ended = await next.ended;
				if (ended !== null) return ended;
				if (performance.now() >= deadline) return await this.existing(id);
			} finally {
				next.stop();
			}
		}
	}

	async counts(userId: string) {
		const { read } = this.options.records;
		const [all, mine] = await available(Promise.all([read.countByStatus(), read.countByStatusOf(userId)]));
		return {
			engine: "bullmq",
			queued: all.QUEUED ?? 0,
			running: all.RUNNING ?? 0,
			completed: (all.SUCCEEDED ?? 0) + (all.PARTIALLY_FAILED ?? 0) + (all.CANCELLED ?? 0),
			failed: all.FAILED ?? 0,
			// A server that is away has no workers.
			workers: await this.producing.capacity().catch(() => 0),
			mine: { pending: mine.QUEUED ?? 0, processing: mine.RUNNING ?? 0, concurrencyLimit: this.options.concurrencyPerUser },
		};
	}

	onChange(listener: (job: Job) => void) {
		return this.announcer.onChange(listener);
	}

	/** States of jobs that this process made: each is made by one. */
	onOwnChange(listener: (job: Job) => void) {
		return this.states.onOwn(listener);
	}

	async start() {
		if (this.options.takesWork ?? true) await this.takeWork();
	}

	private async takeWork(): Promise<void> {
		if (this.bull !== null || this.taking || this.queueClaim.isLost || this.closing.signal.aborted) return;
		// The engine gives up on a connection that was never there.
		if (this.connections.worker.status !== "ready") {
			this.connections.worker.once("ready", () => void this.takeWork());
			return;
		}
		this.taking = true;
		try {
			await this.queueClaim.make(this.connections.worker);
		} catch (error) {
			if (error instanceof CachewardenError) this.queueClaim.lose();
			else this.connections.worker.once("ready", () => void this.takeWork());
			return;
		} finally {
			this.taking = false;
		}
		if (this.closing.signal.aborted) return;
		const { options, fair, instance } = this;
		// The limit too: a server that lost everything has lost it.
		const alive = async (): Promise<void> => {
			if (this.connections.worker.status !== "ready") return;
			await this.queueClaim.keep(this.connections.worker).catch(() => undefined);
			if (this.queueClaim.isLost) {
				// What runs here goes on to its end.
				this.bull?.pause();
				return this.reconciler?.close();
			}
			await fair.setLimit(options.concurrencyPerUser).catch(() => undefined);
			await fair.register(instance, options.concurrency, ALIVE_FOR_MS).catch(() => undefined);
		};
		const bull = new BullQueue(
			{
				...options,
				fair,
				slots: options.concurrency,
				lockMs: options.lockMs ?? DEFAULT_LOCK_MS,
				keepCompleted: KEPT_IN_ENGINE,
				perform: (job, lease) => this.runs.perform(job, lease),
			},
			this.connections.worker,
		);
		this.bull = bull;
		const working = { ...options, fair, client: this.connections.worker, lockMs: options.lockMs ?? DEFAULT_LOCK_MS };
		if (options.parts.groups.length > 0) this.sender = new PartSender({ ...working, groups: options.parts.groups });
		if (options.parts.own.length > 0) this.parts = new PartRunner({ ...working, places: options.parts.own, slots: options.concurrency });
		await alive();
		this.reconciler = new Reconciler({
			...options,
			instance,
			fair,
			bull,
			runsHere: (id) => this.runs.has(id),
			record: async (stored) => {
				await this.runner.record(jobOf(stored), stored.ticket);
				this.announcer.tell(jobOf(stored));
			},
		});
		this.reconciler.start();
		bull.kick();
		this.timers.push(
			setInterval(() => void alive(), ALIVE_EVERY_MS),
			setInterval(() => void this.runs.lookForCancels(), LOOK_FOR_CANCEL_MS),
			setInterval(() => this.prune(), HOUR_MS),
		);
		this.prune();
	}

	async close() {
		if (this.closing.signal.aborted) return;
		this.closing.abort();
		for (const timer of this.timers) clearInterval(timer);
		this.bull?.pause();
		const handedBack = this.runs.handBack();
		let timer: NodeJS.Timeout | undefined;
		const patience = new Promise<void>((resolve) => {
			timer = setTimeout(resolve, HAND_BACK_WITHIN_MS);
		});
		const { producer, worker, listener } = this.connections;
		// Without its server nothing can be handed back in the queue; the records say what goes on.
		if (worker.status !== "ready") for (const connection of [producer, worker, listener]) connection.disconnect();
		const settled = Promise.all([handedBack, this.pruning, this.parts?.close()])
			.then(() => this.fair.register(this.instance, this.options.concurrency, 0))
			.then(() => (this.bull === null ? undefined : this.queueClaim.release(worker)))
			.then(() => this.teller.flush())
			.then(() => this.reconciler?.close());
		await Promise.race([settled.catch(() => undefined), patience]);
		if (this.runs.ids.length > 0) this.options.log.warn({ jobs: this.runs.ids }, "jobs did not stop in time; others go on with them");
		this.teller.close();
		await Promise.race([Promise.all([this.bull?.close(), this.sender?.close()]).catch(() => undefined), patience]);
		clearTimeout(timer);
		for (const connection of [producer, worker, listener]) connection.disconnect();
	}

	private channel(name: "states" | "cancel" | "parts"): string {
		return `${this.producing.prefix}${name}`;
	}

	private async refuseWhenUnfit(): Promise<void> {
		if (this.closing.signal.aborted) throw new CachewardenError("QUEUE_UNAVAILABLE");
		this.queueClaim.refuseWhenUnfit();
		// Another server's queue must not even be handed anything.
		const { producer } = this.connections;
		if (this.options.takesWork === false && this.bull === null && producer.status === "ready") await this.queueClaim.make(producer);
	}

	private async existing(id: string): Promise<Job> {
		const job = await this.get(id);
		if (job === null) throw notFound();
		return job;
	}

	/** A job that runs here is further than the records know, and has not ended for anybody before its audit entry is there. */
	private seen(stored: StoredJob): Job {
		return this.runs.get(stored.facts.id) ?? jobOf(stored);
	}

	private async enqueue(stored: StoredJob): Promise<void> {
		await handIn(stored, { ...this.options, fair: this.producing });
		this.announcer.tell(this.seen(stored));
		if (this.options.takesWork === false) await this.takeWork();
		this.bull?.kick();
	}

	/** False when it has begun meanwhile. */
	private async endWaiting(stored: StoredJob): Promise<boolean> {
		const live = new LiveJob(stored);
		try {
			if (!(await this.runner.finish(live, "CANCELLED", null))) return false;
		} catch (error) {
			if (error instanceof OvertakenError) return false;
			throw error;
		}
		this.producing.finish(stored.facts.id, null).catch(() => undefined);
		return true;
	}

	/** In the background: records that were not looked at for long may hold much that is old. */
	private prune(): void {
		const { clock, keepDays, log, records } = this.options;
		const before = clock.now() - keepDays * DAY_MS;
		this.pruning = this.pruning
			.then(async () => {
				while ((await records.write.pruneSome(before)) > 0 && !this.closing.signal.aborted);
			})
			.catch((error: unknown) => log.error({ err: error }, "old jobs could not be removed; tried again in an hour"));
	}
}

function notFound(): CachewardenError {
	return new CachewardenError("NOT_FOUND", { key: "error.jobNotFound", facts: {} });
}
