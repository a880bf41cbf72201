/** What every history of totals must do. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { DAY_MS, HOUR_MS } from "../../src/core/clock.js";
import type { HistorySample, StatsHistory } from "../../src/history/port.js";

const MINUTE_MS = 60_000;
const NOON = Date.UTC(2026, 4, 10, 12);

export interface HistoryHarness {
	/** Opens the same history again when called again. */
	open(): Promise<StatsHistory>;
	/** A job's batch that deleted this much was closed at that time. */
	deleted(at: number, entries: number, bytes: number): Promise<void>;
	close(): Promise<void>;
}

function sample(at: number, totalEntries: number): HistorySample {
	return {
		at,
		totalEntries,
		totalBytes: totalEntries * 10,
		byType: [{ type: "news", entries: totalEntries, bytes: totalEntries * 10 }],
		hits: null,
		misses: 4,
	};
}

export function historyContract(name: string, makeHarness: () => HistoryHarness): void {
	describe(`totals over time, ${name}`, () => {
		let harness: HistoryHarness;
		let history: StatsHistory;
		beforeEach(async () => {
			harness = makeHarness();
			history = await harness.open();
		});
		afterEach(() => harness.close());

		async function entries(since: number, until: number, bucket: "MINUTE" | "HOUR" | "DAY") {
			return (await history.points(since, until, bucket)).map(({ at, totalEntries }) => [at, totalEntries]);
		}

		it("keep the last sample of each bucket, by minute, hour and day, over restarts", async () => {
			await history.record(sample(NOON, 1));
			await history.record(sample(NOON + 30_000, 2));
			await history.record(sample(NOON + MINUTE_MS, 3));
			history = await harness.open();
			await history.record(sample(NOON + MINUTE_MS + 5000, 4));
			await history.record(sample(NOON + HOUR_MS, 5));
			expect(await entries(NOON, NOON + 2 * HOUR_MS, "MINUTE")).toEqual([
				[NOON, 2],
				[NOON + MINUTE_MS, 4],
				[NOON + HOUR_MS, 5],
			]);
			expect(await entries(NOON, NOON + 2 * HOUR_MS, "HOUR")).toEqual([
				[NOON, 4],
				[NOON + HOUR_MS, 5],
			]);
			expect(await entries(NOON, NOON + 2 * HOUR_MS, "DAY")).toEqual([[NOON - 12 * HOUR_MS, 5]]);
			expect(await entries(NOON + 30_000, NOON + 30_000, "MINUTE")).toEqual([[NOON, 2]]);
			expect((await history.points(NOON, NOON, "MINUTE"))[0]).toEqual({ ...sample(NOON, 2), deletedEntries: 0, freedBytes: 0 });
		});

		it("add up what was deleted in each bucket, once", async () => {
			await history.record(sample(NOON, 100));
			await harness.deleted(NOON + 1000, 5, 50);
			await harness.deleted(NOON + 2000, 7, 70);
			await harness.deleted(NOON + 10 * MINUTE_MS, 1, 10);
			history = await harness.open();
			await history.record(sample(NOON + 3000, 88));
			const minutes = await history.points(NOON, NOON + HOUR_MS, "MINUTE");
			expect(minutes.map(({ at, totalEntries, deletedEntries, freedBytes }) => [at, totalEntries, deletedEntries, freedBytes])).toEqual([
				[NOON, 88, 12, 120],
				[NOON + 10 * MINUTE_MS, 88, 1, 10],
			]);
			expect((await history.points(NOON, NOON + HOUR_MS, "DAY"))[0]).toMatchObject({ deletedEntries: 13, freedBytes: 130 });
		});

		it("keep minutes for a day, hours for 30 days and days for two years", async () => {
			await history.record(sample(NOON, 1));
			await history.record(sample(NOON + DAY_MS + MINUTE_MS, 2));
			expect(await entries(0, NOON + 800 * DAY_MS, "MINUTE")).toEqual([[NOON + DAY_MS + MINUTE_MS, 2]]);
			expect(await entries(0, NOON + 800 * DAY_MS, "HOUR")).toHaveLength(2);
			await history.record(sample(NOON + 40 * DAY_MS, 3));
			expect(await entries(0, NOON + 800 * DAY_MS, "HOUR")).toHaveLength(1);
			expect(await entries(0, NOON + 800 * DAY_MS, "DAY")).toHaveLength(3);
			await history.record(sample(NOON + 750 * DAY_MS, 4));
			expect(await entries(0, NOON + 800 * DAY_MS, "DAY")).toHaveLength(2);
		});
	});
}
