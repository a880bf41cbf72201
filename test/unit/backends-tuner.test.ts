import { describe, expect, it } from "@jest/globals";
import { Tuner } from "../../src/backends/disk/tuner.js";

/** Removes batches on a device where so many workers manage so many entries a millisecond; the numbers of workers used. */
function workersOn(rate: (workers: number, batch: number) => number, batches: number, entries = 2000): number[] {
	const tuner = new Tuner();
	return Array.from({ length: batches }, (_, batch) => {
		const workers = tuner.workersFor(entries);
		tuner.record(workers, entries, entries / rate(workers, batch));
		return workers;
	});
}

function share(used: readonly number[], workers: number): number {
	return used.filter((it) => it === workers).length / used.length;
}

describe("the number of removal workers", () => {
	it("grows to the most where each more is worth it", () => {
		const used = workersOn((workers) => workers ** 0.7, 200);
		expect(used[0]).toBe(4);
		expect(share(used.slice(8), 8)).toBeGreaterThan(0.8);
		expect(Math.min(...used)).toBeGreaterThanOrEqual(4);
	});

	it("falls to one where more are in each other's way, and tries seldom", () => {
		const used = workersOn((workers) => 1 / workers ** 0.5, 300);
		expect(share(used.slice(60), 1)).toBeGreaterThan(0.8);
		expect(Math.max(...used.slice(60))).toBe(2);
	});

	it("stops where one more is not worth it", () => {
		const used = workersOn((workers) => Math.min(workers, 4), 300);
		expect(share(used, 4)).toBeGreaterThan(0.75);
	});

	it("follows a device that changes its mind", () => {
		const used = workersOn((workers, batch) => (batch < 100 ? workers : 1 / workers), 400);
		expect(used[90]).toBe(8);
		expect(share(used.slice(250), 1)).toBeGreaterThan(0.7);
	});

	it("gives a small batch to few, and tries nothing that the batches are too small for", () => {
		const tuner = new Tuner();
		expect([0, 1, 127, 128, 255, 256, 10_000].map((entries) => tuner.workersFor(entries))).toEqual([1, 1, 1, 2, 2, 4, 4]);
		const used = workersOn((workers) => workers, 200, 300);
		expect(Math.max(...used)).toBe(4);
		expect(share(used, 4)).toBeGreaterThan(0.7);
	});
});
