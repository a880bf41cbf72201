import type { Logger } from "pino";
import type { AuditLog } from "../../audit/port.js";
import type { Clock } from "../../core/clock.js";
import { CachewardenError, type Failure, failureOf } from "../../core/errors.js";
import { hasEnded, type Job, type JobKind, type JobStatus } from "../../core/job.js";
import type { JobHandler } from "../port.js";
import { type BegunJob, type JobWrites, jobOf, OvertakenError } from "../records.js";
import type { Announcer } from "./announcer.js";
import { isPassing } from "./availability.js";
import { outcomeOf } from "./job-outcome.js";
import { JobReporter } from "./job-reporter.js";
import type { LiveJob } from "./live-job.js";

const RETRY_STORE_MS = 1000;

export interface RunnerOptions {
	readonly calls: JobWrites;
	readonly audit: Pick<AuditLog, "end">;
	readonly clock: Clock;
	readonly log: Pick<Logger, "warn" | "error">;
	readonly handlers: ReadonlyMap<JobKind, JobHandler<unknown>>;
	readonly announcer: Announcer;
	/** Several workers take part in large jobs. Default false. */
	readonly sharesOut?: boolean;
	/** Aborted when the engine closes. */
	readonly closing: AbortSignal;
}

interface Ended {
	readonly status: JobStatus;
	readonly error: Failure | null;
}

/** Left: it stands as its last durable step says, and somebody runs it again. */
export type RunOutcome = "ended" | "handed back" | "left";

/** Takes one job through an attempt to its end, or back to the queue. */
export class JobRunner {
	constructor(private readonly options: RunnerOptions) {}

	/** Never throws: what cannot be kept is tried again, and after a shutdown left to whoever runs it next. */
	async run(live: LiveJob): Promise<RunOutcome> {
		const { log, clock, calls } = this.options;
		const { id } = live.job;
		const reporter = new JobReporter(live, calls, this.options, () => this.publish(live));
		try {
			const at = clock.now();
			const begun = await this.persistently(() => calls.begin({ id, attempt: live.job.attempts, sequence: live.reservation, at }));
			if (begun === null) return "left";
			live.begun(begun, at);
			this.publish(live);
			const { status, error } = await this.attempt(live, begun, reporter);
			await reporter.settle();
			const { reason } = live.controller.signal;
			const stopped = status === "CANCELLED" && (reason === "shutdown" || reason === "lost");
			if (!stopped) return (await this.finish(live, status, error)) ? "ended" : "left";
			live.restored(await calls.handBack(reporter.step()));
			this.publish(live);
			return "handed back";
		} catch (error) {
			if (error instanceof OvertakenError) log.warn({ jobId: id }, "a job was taken over by another process; this one left it");
			else log.error({ err: error, jobId: id }, "the state of a job could not be kept; it goes on with whoever runs it next");
			return "left";
		}
	}

	private async attempt(live: LiveJob, begun: BegunJob, reporter: JobReporter): Promise<Ended> {
		const { signal } = live.controller;
		const { kind, id, input } = live.job;
		// A batch that a crash left open is the handler's to count, also when the job was cancelled meanwhile.
		if (signal.aborted && begun.openBatch === null) return { status: "CANCELLED", error: null };
		try {
			const handler = this.options.handlers.get(kind);
			if (handler === undefined) throw new Error(`no handler for ${kind}`);
			return { status: await handler.run(reporter.context(checkedInput(handler, input), begun)), error: null };
		} catch (error) {
			if (signal.aborted) return { status: "CANCELLED", error: null };
			this.options.log.error({ err: error, jobId: id, kind }, "a job failed");
			return { status: "FAILED", error: failureOf(error) };
		}
	}

	/**
	 * The end is durable first, then in the audit log, then known to everybody; a crash in between is made up for at the next
	 * start. False when the engine was closed before it was durable.
	 */
	async finish(live: LiveJob, status: JobStatus, error: Failure | null): Promise<boolean> {
		const { calls, clock, announcer } = this.options;
		const { layers } = live.report;
		if (status === "CANCELLED" || status === "FAILED")
			live.setReport({ ...live.report, layers: layers.map((layer) => (hasEnded(layer.status) ? layer : { ...layer, status })) });
		const { id, attempts: attempt } = live.job;
		const step = { id, attempt, sequence: live.lastSequence(), at: clock.now(), report: live.takeReport() };
		const failure = error ?? (status === "FAILED" ? (layers.find((layer) => layer.error !== null)?.error ?? null) : null);
		const stored = await this.persistently(() => calls.end({ ...step, status, error: failure }));
		if (stored === null) return false;
		await this.record(jobOf(stored), live.ticket);
		announcer.tell(live.ended(stored));
		return true;
	}

	/** Ends the job's ticket; may be repeated. */
	async record(job: Job, ticket: string): Promise<void> {
		const { audit, calls, log } = this.options;
		const done = await this.persistently(async () => {
			await audit.end(ticket, outcomeOf(job));
			await calls.recorded(job.id);
			return true;
		});
		if (done === null) log.warn({ jobId: job.id }, "the audit entry of a job is written at the next start");
	}

	/** Tries until the store takes it, as when a disk was full for a while; null when the engine is closed meanwhile. */
	private async persistently<T>(call: () => Promise<T>): Promise<T | null> {
		const { closing, log } = this.options;
		for (;;) {
			try {
				return await call();
			} catch (error) {
				const passing = isPassing(error) || (error instanceof CachewardenError && error.code === "AUDIT_UNAVAILABLE");
				if (!passing) throw error;
				if (closing.aborted) return null;
				log.error({ err: error }, "the state of a job could not be kept; tried again in a second");
				await pause(RETRY_STORE_MS, closing);
			}
		}
	}

	/** False when a durable step has to reserve more sequence numbers first. */
	private publish(live: LiveJob): boolean {
		const job = live.next(this.options.clock.now());
		if (job === null) return false;
		this.options.announcer.tell(job);
		return true;
	}
}

/** BAD_USER_INPUT for what the handler does not take, or when there is none. */
export function checkedInput(handler: JobHandler<unknown> | undefined, input: unknown): unknown {
	const checked = handler?.input.safeParse(input);
	if (checked?.success !== true) throw new CachewardenError("BAD_USER_INPUT", undefined, { cause: checked?.error });
	return checked.data;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		function done(): void {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		}
		const timer = setTimeout(done, ms);
		signal.addEventListener("abort", done);
	});
}
