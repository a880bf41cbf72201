import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Actor } from "../core/actor.js";
import { cronProblem, nextCronTime } from "../core/cron.js";
import { CachewardenError } from "../core/errors.js";
import type { Job } from "../core/job.js";
import type { Schedule } from "../core/schedule.js";
import type { Dependencies } from "./dependencies.js";
import { badInput, checked, scheduledCleanupInput, selectionOf } from "./input.js";
import type { Operations } from "./operations.js";
import { isAdmin, permit } from "./permission.js";
import { recorded } from "./recorded.js";
import { removalRequests } from "./removal-requests.js";
import { present } from "./submit.js";

const MAX_SCHEDULES = 200;
const MAX_NAME = 100;

const changes = {
	name: z.string().trim().min(1).max(MAX_NAME),
	cron: z.string().trim().max(MAX_NAME),
	timeZone: z.string().max(MAX_NAME),
	cleanup: scheduledCleanupInput,
	paused: z.boolean(),
};
const createInput = z.object({ ...changes, timeZone: changes.timeZone.nullish(), paused: changes.paused.nullish() });
const updateInput = z.object({
	name: changes.name.nullish(),
	cron: changes.cron.nullish(),
	timeZone: changes.timeZone.nullish(),
	cleanup: changes.cleanup.nullish(),
	paused: changes.paused.nullish(),
});

type Timing = Pick<Schedule, "cron" | "timeZone" | "paused">;

function checkTiming({ cron, timeZone }: Timing): void {
	const problem = cronProblem(cron);
	if (problem !== null) throw badInput({ key: "error.badCron", facts: { cron, reason: problem } });
	if (!isTimeZone(timeZone)) throw badInput({ key: "error.outOfRange", facts: { name: "timeZone", range: "IANA", value: timeZone } });
}

function isTimeZone(name: string): boolean {
	try {
		return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
	} catch {
		return false;
	}
}

function nextRunOf({ cron, timeZone, paused }: Timing, now: number): number | null {
	return paused ? null : nextCronTime(cron, timeZone, now);
}

/** The schedule when the actor may see it: his own, ADMIN any. */
export async function visibleSchedule({ schedules }: Pick<Dependencies, "schedules">, actor: Actor, id: string): Promise<Schedule | null> {
	const schedule = await schedules.get(id);
	return schedule !== null && (isAdmin(actor) || schedule.ownerId === actor.id) ? schedule : null;
}

export function scheduleOperations(
	deps: Dependencies,
): Pick<Operations, "schedules" | "createSchedule" | "updateSchedule" | "deleteSchedule" | "runScheduleNow"> {
	const { schedules, audit, clock } = deps;
	const { cleanup } = removalRequests(deps);

	async function existing(actor: Actor, id: string): Promise<Schedule> {
		const schedule = await visibleSchedule(deps, actor, id);
		if (schedule === null) throw new CachewardenError("NOT_FOUND", { key: "error.scheduleNotFound", facts: {} });
		return schedule;
	}

	function done(ticket: string, details: Readonly<Record<string, unknown>>, jobId: string | null = null): Promise<void> {
		return audit.end(ticket, { success: true, error: null, details, jobId, finishedAt: clock.now() });
	}

	return {
		async schedules(call) {
			const actor = permit(call, "schedules");
			return schedules.list(isAdmin(actor) ? null : actor.id);
		},

		createSchedule(call, input) {
			const change = { name: "createSchedule", actionType: "schedule_management", details: { ...input } } as const;
			return recorded(deps, call, change, async ({ actor }, ticket) => {
				const given = checked(createInput, input);
				const timing = { cron: given.cron, timeZone: given.timeZone ?? "UTC", paused: given.paused ?? false };
				checkTiming(timing);
				selectionOf(given.cleanup, true);
				if ((await schedules.list(null)).length >= MAX_SCHEDULES)
					throw new CachewardenError("CONFLICT", { key: "error.tooManySchedules", facts: { max: MAX_SCHEDULES } });
				const now = clock.now();
				const schedule: Schedule = {
					id: `s${randomBytes(10).toString("hex")}`,
					name: given.name,
					...timing,
					input: present(given.cleanup),
					ownerId: actor.id,
					ownerName: actor.username,
					createdAt: now,
					updatedAt: now,
					nextRunAt: nextRunOf(timing, now),
					lastRun: null,
				};
				await schedules.add(schedule);
				await done(ticket, { id: schedule.id });
				return schedule;
			});
		},

		updateSchedule(call, id, input) {
			const change = { name: "updateSchedule", actionType: "schedule_management", details: { id, ...input } } as const;
			return recorded(deps, call, change, async ({ actor }, ticket) => {
				const before = await existing(actor, id);
				const { cleanup: selection, ...given } = checked(updateInput, input);
				const settings = { name: before.name, cron: before.cron, timeZone: before.timeZone, paused: before.paused, ...present(given) };
				checkTiming(settings);
				if (selection) selectionOf(selection, true);
				const now = clock.now();
				const sameTimes = settings.cron === before.cron && settings.timeZone === before.timeZone && settings.paused === before.paused;
				const after = await schedules.change(id, {
					...settings,
					...(selection ? { input: present(selection) } : {}),
					...(sameTimes ? {} : { nextRunAt: nextRunOf(settings, now) }),
					updatedAt: now,
				});
				if (after === null) throw new CachewardenError("NOT_FOUND", { key: "error.scheduleNotFound", facts: {} });
				await done(ticket, {});
				return after;
			});
		},

		deleteSchedule(call, id) {
			const change = { name: "deleteSchedule", actionType: "schedule_management", details: { id } } as const;
			return recorded(deps, call, change, async ({ actor }, ticket) => {
				const { name } = await existing(actor, id);
				await schedules.remove(id);
				await done(ticket, { name });
			});
		},

		runScheduleNow(call, id) {
			const change = { name: "runScheduleNow", actionType: "schedule_management", details: { id } } as const;
			return recorded(deps, call, change, async (acting, ticket) => {
				const before = await existing(acting.actor, id);
				const job = await cleanup({ ...acting, origin: "SCHEDULE" }, before.input);
				const lastRun = { at: clock.now(), jobId: job.id, status: job.status, error: job.error };
				const schedule = (await schedules.change(id, { lastRun })) ?? { ...before, lastRun };
				await done(ticket, {}, job.id);
				return { schedule, job };
			});
		},
	};
}

/** Has a schedule's cleanup accepted as its owner; asked again for the same time, it gives the same job. */
export function scheduledRun({ cleanup }: Pick<Operations, "cleanup">): (schedule: Schedule, dueAt: number) => Promise<Job> {
	return ({ id, ownerId, ownerName, input }, dueAt) =>
		cleanup(
			{
				// What he could do when he made it. Whoever takes the right away from him also pauses or deletes his schedules.
				actor: { id: ownerId, username: ownerName, roles: ["OPERATOR"], tokenExpiresAt: null, sessionId: null },
				origin: "SCHEDULE",
				requestId: `${id}-${dueAt}`,
				ipAddress: null,
				userAgent: null,
				locale: "en",
			},
			{ ...input, idempotencyKey: `${id}-${dueAt}` },
		);
}
