import type { Logger } from "pino";
import type { Clock } from "../core/clock.js";
import { nextCronTime } from "../core/cron.js";
import { failureOf } from "../core/errors.js";
import { hasEnded, type Job } from "../core/job.js";
import type { Schedule, ScheduleRun } from "../core/schedule.js";
import type { JobEngine } from "../jobs/port.js";
import type { ScheduleStore } from "./port.js";

export interface SchedulerOptions {
	readonly schedules: ScheduleStore;
	readonly jobs: Pick<JobEngine, "get" | "onChange">;
	readonly clock: Clock;
	/** Has the cleanup accepted, as its owner, under a key that stands for this run: calling it again gives the same job. */
	readonly run: (schedule: Schedule, dueAt: number) => Promise<Job>;
	readonly log: Pick<Logger, "info" | "error">;
	/** Default 1,000. */
	readonly everyMs?: number;
}

export interface Scheduler {
	/** Runs what is due by now. A process that was away makes up for what it missed with one run a schedule. */
	runDue(): Promise<void>;
	close(): Promise<void>;
}

/** A run that was claimed and has no job after this was cut short by a crash, and is done again under the same key. */
const CLAIM_MS = 60_000;

/** Runs schedules as they fall due. Several processes may do so on the same store: each run is made once. */
export function startScheduler(options: SchedulerOptions): Scheduler {
	const { schedules, jobs, clock, log } = options;
	let turn: Promise<void> = Promise.resolve();

	async function accept(schedule: Schedule, at: number): Promise<void> {
		let run: ScheduleRun;
		try {
			const job = await options.run(schedule, at);
			run = { at, jobId: job.id, status: job.status, error: job.error };
		} catch (error) {
			log.error({ err: error, scheduleId: schedule.id }, "a schedule could not run");
			run = { at, jobId: null, status: "FAILED", error: failureOf(error) };
		}
		await schedules.change(schedule.id, { lastRun: run }, { lastRunAt: at });
	}

	/** A job that is kept no longer has ended, nobody knows how. */
	async function settle({ id }: Schedule, run: ScheduleRun): Promise<void> {
		const job = run.jobId === null ? null : await jobs.get(run.jobId);
		if (job !== null && !hasEnded(job.status)) return;
		const { status, error }: Pick<ScheduleRun, "status" | "error"> = job ?? {
			status: "FAILED",
			error: { code: "NOT_FOUND", said: { key: "error.jobNotFound", facts: {} } },
		};
		await schedules.change(id, { lastRun: { ...run, status, error } }, { lastJobId: run.jobId });
	}

	async function runOne(schedule: Schedule, now: number): Promise<void> {
		const { id, nextRunAt, lastRun, cron, timeZone } = schedule;
		if (lastRun !== null && !hasEnded(lastRun.status)) {
			if (lastRun.jobId !== null) await settle(schedule, lastRun);
			else if (lastRun.at < now - CLAIM_MS) await accept(schedule, lastRun.at);
		}
		if (nextRunAt === null || nextRunAt > now) return;
		const next = nextCronTime(cron, timeZone, now);
		const busy = (await schedules.get(id))?.lastRun;
		if (busy && !hasEnded(busy.status)) {
			if ((await schedules.change(id, { nextRunAt: next }, { nextRunAt })) !== null)
				log.info({ scheduleId: id, jobId: busy.jobId }, "a schedule fell due while its last run was still going on; it was left out");
			return;
		}
		const claimed = await schedules.change(
			id,
			{ nextRunAt: next, lastRun: { at: nextRunAt, jobId: null, status: "QUEUED", error: null } },
			{ nextRunAt },
		);
		if (claimed !== null) await accept(claimed, nextRunAt);
	}

	async function pass(): Promise<void> {
		const now = clock.now();
		for (const schedule of await schedules.list(null)) await runOne(schedule, now);
	}

	function runDue(): Promise<void> {
		turn = turn.then(pass).catch((error: unknown) => log.error({ err: error }, "schedules could not be read; tried again in a second"));
		return turn;
	}

	const stop = jobs.onChange((job) => {
		if (job.origin === "SCHEDULE" && hasEnded(job.status)) void runDue();
	});
	const timer = setInterval(() => void runDue(), options.everyMs ?? 1000).unref();
	return {
		runDue,
		async close() {
			clearInterval(timer);
			stop();
			await turn;
		},
	};
}
