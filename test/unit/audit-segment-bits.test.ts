import { describe, expect, it } from "@jest/globals";
import { GatheredSegments, SEGMENT } from "../../src/audit/mongodb/segment-bits.js";

function sealed(gathered: GatheredSegments, from: number, to: number): void {
	for (let sequence = from; sequence <= to; sequence++) gathered.sealed(sequence, () => `entry ${sequence}`);
}

describe("segments of the keyword index that are gathered while their entries are sealed", () => {
	it("are given once, when each of their entries was sealed here", () => {
		const gathered = new GatheredSegments();
		sealed(gathered, 1, SEGMENT - 1);
		expect(gathered.take(0)).toBeNull();
		sealed(gathered, SEGMENT, SEGMENT + 1);
		const all = [...(gathered.take(0)?.slices.values() ?? [])];
		// Every entry has the bits of "entry".
		expect(all.filter((slice) => slice.every((byte) => byte === 0xff)).length).toBeGreaterThanOrEqual(3);
		expect(gathered.take(0)).toBeNull();
		expect(gathered.take(1)).toBeNull();
	});

	it("are not given when one entry was not sealed here, at whichever end", () => {
		const gathered = new GatheredSegments();
		sealed(gathered, 2, SEGMENT);
		expect(gathered.take(0)).toBeNull();
		sealed(gathered, SEGMENT + 1, 2 * SEGMENT - 5);
		sealed(gathered, 2 * SEGMENT - 3, 2 * SEGMENT);
		expect(gathered.take(1)).toBeNull();
		sealed(gathered, 2 * SEGMENT + 1, 3 * SEGMENT);
		expect(gathered.take(2)).not.toBeNull();
	});

	it("are no more than two, the newest", () => {
		const gathered = new GatheredSegments();
		sealed(gathered, 1, 3 * SEGMENT);
		expect([0, 1, 2].map((segment) => gathered.take(segment) !== null)).toEqual([false, true, true]);
	});
});
