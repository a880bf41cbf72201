/** What every store of schedules must do. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Schedule } from "../../src/core/schedule.js";
import type { ScheduleStore } from "../../src/schedules/port.js";

export interface SchedulesHarness {
	/** Opens the same schedules again when called again. */
	open(): Promise<ScheduleStore>;
	close(): Promise<void>;
}

export function scheduleOf(id: string, change: Partial<Schedule> = {}): Schedule {
	return {
		id,
		name: id,
		cron: "0 3 * * *",
		timeZone: "Asia/Shanghai",
		input: { olderThanDays: 7, types: ["news"] },
		ownerId: "alice",
		ownerName: "Alice",
		paused: false,
		createdAt: 1,
		updatedAt: 2,
		nextRunAt: 1000,
		lastRun: null,
		...change,
	};
}

export function schedulesContract(name: string, makeHarness: () => SchedulesHarness): void {
	describe(`kept schedules, ${name}`, () => {
		let harness: SchedulesHarness;
		let schedules: ScheduleStore;
		beforeEach(async () => {
			harness = makeHarness();
			schedules = await harness.open();
		});
		afterEach(() => harness.close());

		it("are found as they were added, the oldest first, also after a restart", async () => {
			const error = { code: "QUEUE_FULL", said: { key: "error.queueFull", facts: {} } } as const;
			const all = [
				scheduleOf("s2", { createdAt: 1, lastRun: { at: 5, jobId: null, status: "FAILED", error } }),
				scheduleOf("s1", { createdAt: 2, ownerId: "bob" }),
				scheduleOf("s3", { createdAt: 3, paused: true, nextRunAt: null }),
			];
			for (const one of all) await schedules.add(one);
			for (let start = 0; start < 2; start++) {
				expect(await schedules.list(null)).toEqual(all);
				expect(await schedules.list("bob")).toEqual([all[1]]);
				expect(await schedules.get("s3")).toEqual(all[2]);
				expect(await schedules.get("s4")).toBeNull();
				schedules = await harness.open();
			}
		});

		it("are changed in what is named, and removed once", async () => {
			await schedules.add(scheduleOf("s1"));
			const lastRun = { at: 7, jobId: "j1", status: "RUNNING", error: null } as const;
			expect(await schedules.change("s1", { name: "new", lastRun, nextRunAt: null })).toEqual(
				scheduleOf("s1", { name: "new", lastRun, nextRunAt: null }),
			);
			expect(await schedules.get("s1")).toMatchObject({ name: "new", lastRun });
			expect(await schedules.change("s9", { name: "x" })).toBeNull();
			expect([await schedules.remove("s1"), await schedules.remove("s1")]).toEqual([true, false]);
			expect(await schedules.list(null)).toEqual([]);
		});

		it("are changed by one of many who saw the same state", async () => {
			await schedules.add(scheduleOf("s1"));
			const claims = await Promise.all(
				Array.from({ length: 8 }, (_, i) => schedules.change("s1", { nextRunAt: 2000 + i }, { nextRunAt: 1000 })),
			);
			expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
			await schedules.change("s1", { lastRun: { at: 9, jobId: null, status: "QUEUED", error: null } });
			const lastRun = { at: 9, jobId: "j1", status: "RUNNING", error: null } as const;
			expect(await schedules.change("s1", { lastRun }, { lastJobId: "j0" })).toBeNull();
			expect(await schedules.change("s1", { lastRun }, { lastRunAt: 8 })).toBeNull();
			expect(await schedules.change("s1", { lastRun }, { lastJobId: null, lastRunAt: 9 })).toMatchObject({ lastRun });
		});
	});
}
