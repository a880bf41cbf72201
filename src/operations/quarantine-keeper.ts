import type { AuditLog } from "../audit/port.js";
import type { RemovalOptions, RemovalOutcome } from "../backends/backend.js";
import type { HeldList, Quarantine, Unfit } from "../backends/quarantine.js";
import type { Coordination } from "../coordination/port.js";
import type { Clock } from "../core/clock.js";
import type { EntryRef } from "../core/entry.js";
import { type Failure, failureOf } from "../core/errors.js";
import { hasEnded } from "../core/job.js";
import type { JobEngine } from "../jobs/port.js";

export interface QuarantineLimits {
	readonly keepMs: number;
	readonly maxBytes: number;
	/** What a cleanup or clear does that does not say. */
	readonly byDefault: boolean;
}

export interface KeeperParts {
	readonly quarantine: Quarantine;
	readonly limits: QuarantineLimits;
	readonly audit: Pick<AuditLog, "begin" | "end">;
	readonly coordination: Coordination;
	readonly clock: Clock;
	/** Only for asking; the engine is opened after the handlers that need this. */
	readonly jobs: () => Pick<JobEngine, "get">;
}

/** What one job has in quarantine. */
export interface HeldJob {
	readonly jobId: string;
	readonly entries: number;
	readonly bytes: number;
	readonly since: number;
	/** When it is let go, unless the room is needed before. */
	readonly until: number;
}

const EVERY_MS = 60_000;
const KEEPER = { id: "cachewarden", username: "cachewarden", sessionId: null };

/** Held while something of the job is brought back or let go: never both. */
export function lockOf(jobId: string): string {
	return `quarantine:${jobId}`;
}

/** Keeps quarantine within its time and its size. What it lets go is in the audit log. */
export class QuarantineKeeper {
	readonly limits: QuarantineLimits;
	private seen = { entries: 0, bytes: 0 };
	private readonly ending = new AbortController();

	constructor(private readonly parts: KeeperParts) {
		this.limits = parts.limits;
	}

	/** As last looked at, at most a minute ago. */
	get totals(): { readonly entries: number; readonly bytes: number } {
		return this.seen;
	}

	/** The oldest first. */
	async held(): Promise<HeldJob[]> {
		const jobs = byJob(await this.parts.quarantine.lists(), this.limits.keepMs);
		this.seen = jobs.reduce((sum, { entries, bytes }) => ({ entries: sum.entries + entries, bytes: sum.bytes + bytes }), {
			entries: 0,
			bytes: 0,
		});
		return jobs.sort((a, b) => a.since - b.since);
	}

	survey(): Promise<Unfit[]> {
		return this.parts.quarantine.survey();
	}

	/** As the port's; makes room by letting go of the oldest, and leaves in the cache what there is no room for all the same. */
	async hold(jobId: string, entries: readonly EntryRef[], options: RemovalOptions): Promise<RemovalOutcome[]> {
		const { quarantine } = this.parts;
		// Room was made for a resumed batch when it was begun.
		const room = options.resumed ? Number.POSITIVE_INFINITY : await this.roomFor(jobId, sizeOf(entries));
		let taken = 0;
		const fitting: EntryRef[] = [];
		const left: EntryRef[] = [];
		for (const entry of entries) {
			if (taken + entry.size > room) left.push(entry);
			else {
				taken += entry.size;
				fitting.push(entry);
			}
		}
		const outcomes = fitting.length === 0 ? [] : await quarantine.hold(jobId, fitting, options);
		await this.held();
		const failure: Failure = { code: "CONFLICT", said: { key: "error.quarantine.full", facts: { max: this.limits.maxBytes } } };
		return [...outcomes, ...left.map(({ id }): RemovalOutcome => ({ id, outcome: "failed", failure }))];
	}

	/** Bytes that can be taken in for the job. */
	private async roomFor(jobId: string, bytes: number): Promise<number> {
		const { maxBytes } = this.limits;
		for (const job of await this.held()) {
			if (this.seen.bytes + bytes <= maxBytes) break;
			if (job.jobId !== jobId && (await this.hasEnded(job.jobId))) await this.letGo(job.jobId, "size");
		}
		return maxBytes - this.seen.bytes;
	}

	/** Looks after quarantine now and then until it is stopped. */
	start(failed: (error: unknown) => void): () => Promise<void> {
		let work = Promise.resolve();
		const look = (): void => {
			work = work
				.then(() => this.look())
				.catch((error: unknown) => {
					if (!this.ending.signal.aborted) failed(error);
				});
		};
		look();
		const timer = setInterval(look, EVERY_MS).unref();
		return async () => {
			clearInterval(timer);
			this.ending.abort();
			await work;
		};
	}

	/** Finishes what killed processes left half, and lets go of what has been there long enough or is too much. */
	private async look(): Promise<void> {
		const lease = await this.parts.coordination.lock("quarantine", this.ending.signal);
		try {
			const open = new Set((await this.parts.quarantine.lists()).filter((list) => list.open).map(({ jobId }) => jobId));
			for (const jobId of open) if (await this.hasEnded(jobId)) await this.parts.quarantine.settle(jobId);
			for (const { jobId, until } of await this.held()) {
				this.ending.signal.throwIfAborted();
				const reason = until <= this.parts.clock.now() ? "time" : this.seen.bytes > this.limits.maxBytes ? "size" : null;
				if (reason !== null && (await this.hasEnded(jobId))) await this.letGo(jobId, reason);
			}
		} finally {
			await lease.release();
		}
	}

	/** True also for a job that nobody knows any more. */
	private async hasEnded(jobId: string): Promise<boolean> {
		const job = await this.parts.jobs().get(jobId);
		return job === null || hasEnded(job.status);
	}

	private async letGo(jobId: string, reason: "time" | "size"): Promise<void> {
		const { quarantine, audit, coordination, clock } = this.parts;
		const lease = await coordination.lock(lockOf(jobId), this.ending.signal);
		try {
			const intent = { actor: KEEPER, actionType: "cache_operation", action: "purgeQuarantine", details: { jobId, reason } } as const;
			const nobody = { requestId: null, ipAddress: null, userAgent: null };
			const ticket = await audit.begin({ ...intent, ...nobody, origin: "SCHEDULE", startedAt: clock.now() });
			const end = { jobId, finishedAt: clock.now() };
			try {
				const gone = await quarantine.discard(jobId);
				await audit.end(ticket, { success: true, error: null, details: { ...gone }, ...end });
			} catch (error) {
				await audit.end(ticket, { success: false, error: failureOf(error), details: {}, ...end });
				throw error;
			}
			await this.held();
		} finally {
			await lease.release();
		}
	}
}

function sizeOf(entries: readonly EntryRef[]): number {
	return entries.reduce((sum, { size }) => sum + size, 0);
}

function byJob(lists: readonly HeldList[], keepMs: number): HeldJob[] {
	const jobs = new Map<string, HeldJob>();
	for (const { jobId, entries, bytes, since } of lists) {
		const before = jobs.get(jobId) ?? { entries: 0, bytes: 0, since: 0 };
		const latest = Math.max(before.since, since);
		jobs.set(jobId, { jobId, entries: before.entries + entries, bytes: before.bytes + bytes, since: latest, until: latest + keepMs });
	}
	return [...jobs.values()];
}
