import type { Failure } from "./errors.js";
import type { JobStatus } from "./job.js";

/** One run of a schedule, as it is known so far. */
export interface ScheduleRun {
	/** The moment that it was due, or was asked for. */
	readonly at: number;
	/** Null until its job was accepted, and when it was not. */
	readonly jobId: string | null;
	readonly status: JobStatus;
	/** Why no job was made, or what the job failed with. */
	readonly error: Failure | null;
}

/** A cleanup that is repeated. It runs as its owner, who could have called it himself when he made it. */
export interface Schedule {
	/** `s` and lower-case letters and digits. */
	readonly id: string;
	readonly name: string;
	/** Five fields. */
	readonly cron: string;
	/** IANA name. */
	readonly timeZone: string;
	/** What the cleanup is given, without key and plan. */
	readonly input: Readonly<Record<string, unknown>>;
	readonly ownerId: string;
	readonly ownerName: string;
	readonly paused: boolean;
	readonly createdAt: number;
	readonly updatedAt: number;
	/** Null while it is paused. */
	readonly nextRunAt: number | null;
	readonly lastRun: ScheduleRun | null;
}
