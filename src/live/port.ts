/** The port of live events: what every subscriber reads, whichever process made it happen. */
import type { AuditEntry } from "../audit/port.js";
import type { BackendStatus } from "../backends/backend.js";
import type { Job } from "../core/job.js";

/** Thrown to a reader who fell so far behind that what he has not read can no longer be kept for him. */
export class SlowConsumerError extends Error {
	constructor() {
		super("the subscriber reads too slowly; it may come back with its last cursor");
		this.name = "SlowConsumerError";
	}
}

/**
 * Iterators are hand-written (`return()` ends them at once, also while a `next()` is pending) and hold a bounded queue
 * each: job states and totals coalesce to the newest, audit entries never do; a reader that falls too far behind gets
 * `SlowConsumerError` and comes back with its cursor.
 */
export interface Live {
	/** The state now, then its changes until it ends; then done. */
	job(id: string): AsyncIterableIterator<Job>;
	/** Changes of every job that `sees`; never done. */
	jobs(sees: (job: Job) => boolean): AsyncIterableIterator<Job>;
	/** After `after` first what was recorded since, in order, without gap or repeat; then what comes. */
	audit(
		after: string | null,
		sees: (entry: AuditEntry) => boolean,
	): AsyncIterableIterator<{ readonly cursor: string; readonly entry: AuditEntry }>;
	/** Ticks when totals changed, at most once per interval. */
	stats(minIntervalMs: number): AsyncIterableIterator<void>;
	/** A backend whenever it is in another state than before: available, primary, version, error. */
	backends(): AsyncIterableIterator<BackendStatus>;
}

/** How events of other processes come to this one. */
export interface LiveSource {
	state(): {
		readonly kind: "starting" | "stream" | "polling";
		/** Between a change and its arrival here, milliseconds; null before the first. */
		readonly lagMs: number | null;
		readonly restarts: number;
	};
}
