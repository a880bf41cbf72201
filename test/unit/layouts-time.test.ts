import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { parseWrittenTime } from "../../src/backends/layouts/local-time.js";

const iso = (text: string, zone: string): string | null => {
	const at = parseWrittenTime(text, zone);
	return at === null ? null : new Date(at).toISOString();
};

describe("a time written by the field's programs", () => {
	it.each([
		["2026-11-22T10:15:30.123456", "UTC", "2026-11-22T10:15:30.123Z"],
		["2026-11-22T10:15:30.999999", "UTC", "2026-11-22T10:15:30.999Z"],
		["2026-11-22T10:15:30", "Asia/Shanghai", "2026-11-22T02:15:30.000Z"],
		["2026-11-22 10:15:30.5", "Asia/Kolkata", "2026-11-22T04:45:30.500Z"],
		["2026-11-22T10:15", "America/New_York", "2026-11-22T15:15:00.000Z"],
		["2026-11-22T10:15:30Z", "Asia/Shanghai", "2026-11-22T10:15:30.000Z"],
		["2026-11-22T10:15:30.123456+08:00", "America/New_York", "2026-11-22T02:15:30.123Z"],
		["2026-11-22T10:15:30-0330", "UTC", "2026-11-22T13:45:30.000Z"],
		["2028-02-29T23:59:59.999", "UTC", "2028-02-29T23:59:59.999Z"],
	])("%s in %s is %s", (text, zone, expected) => {
		expect(iso(text, zone)).toBe(expected);
	});

	it.each([
		["occurred twice: the first", "2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00.000Z"],
		["just after the repeated hour", "2026-10-25T03:00:00", "Europe/Berlin", "2026-10-25T02:00:00.000Z"],
		["just before the gap", "2026-03-29T01:59:59", "Europe/Berlin", "2026-03-29T00:59:59.000Z"],
		["skipped: by the offset before", "2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
		["just after the gap", "2026-03-29T03:00:00", "Europe/Berlin", "2026-03-29T01:00:00.000Z"],
		["skipped half an hour", "2026-10-04T02:15:00", "Australia/Lord_Howe", "2026-10-03T15:45:00.000Z"],
		["after half an hour skipped", "2026-10-04T02:30:00", "Australia/Lord_Howe", "2026-10-03T15:30:00.000Z"],
		["a day that was skipped whole", "2011-12-30T12:00:00", "Pacific/Apia", "2011-12-30T22:00:00.000Z"],
		["summer time in China, 1988", "1988-07-01T12:00:00", "Asia/Shanghai", "1988-07-01T03:00:00.000Z"],
	])("that %s", (_what, text, zone, expected) => {
		expect(iso(text, zone)).toBe(expected);
	});

	it.each([
		"",
		"2026-11-22",
		"22.11.2026 10:00",
		"2026-13-01T00:00:00",
		"2026-00-01T00:00:00",
		"2026-02-29T00:00:00",
		"2026-04-31T00:00:00",
		"2026-01-00T00:00:00",
		"2026-01-01T24:00:00",
		"2026-01-01T00:60:00",
		"2026-01-01T00:00:60",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00 ",
		"0001-01-01T00:00:00",
		"1969-12-31T23:59:59",
		"２０２６-01-01T00:00:00",
		"NaN",
	])("is not %j", (text) => {
		expect(parseWrittenTime(text, "UTC")).toBeNull();
	});

	it("read back is the moment it was written, or the earlier one that looked the same", () => {
		const zones = [
			"UTC",
			"Asia/Shanghai",
			"Europe/Berlin",
			"America/New_York",
			"Australia/Lord_Howe",
			"America/St_Johns",
			"Africa/Casablanca",
			"Pacific/Apia",
		];
		for (const zone of zones) {
			const wall = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
			fc.assert(
				fc.property(fc.integer({ min: Date.UTC(1990, 0) / 1000, max: Date.UTC(2037, 0) / 1000 }), (second) => {
					const text = wall.format(second * 1000);
					const read = parseWrittenTime(text, zone) as number;
					expect(wall.format(read)).toBe(text);
					expect(read).toBeLessThanOrEqual(second * 1000);
				}),
				{ numRuns: 300 },
			);
		}
	});
});
