import { describe, expect, it } from "@jest/globals";
import { cronProblem, nextCronTime } from "../../src/core/cron.js";

function next(cron: string, timeZone: string, after: string): string | null {
	const at = nextCronTime(cron, timeZone, Date.parse(after));
	return at === null ? null : new Date(at).toISOString();
}

describe("cron expressions", () => {
	it.each(["* * * * *", "0 3 * * 1-5", "*/15 0,12 1 JAN sun", "0 0 L * *", "30 4 1,15 * 5"])("%s is one", (cron) => {
		expect(cronProblem(cron)).toBeNull();
	});

	it.each(["", "* * * *", "0 0 0 * * *", "@daily", "61 * * * *", "* 24 * * *", "H 3 * * *", "0 3 * * 9", "a b c d e", "0 3 * * *; rm"])(
		"%s is none",
		(cron) => {
			expect(cronProblem(cron)).not.toBeNull();
		},
	);

	it("is read in its time zone, strictly after the moment", () => {
		expect(next("0 3 * * *", "Asia/Shanghai", "2026-03-01T18:59:00Z")).toBe("2026-03-01T19:00:00.000Z");
		expect(next("0 3 * * *", "Asia/Shanghai", "2026-03-01T19:00:00Z")).toBe("2026-03-02T19:00:00.000Z");
		expect(next("0 3 * * 1-5", "UTC", "2026-11-27T04:00:00Z")).toBe("2026-11-30T03:00:00.000Z");
	});

	it("comes once where clocks change", () => {
		// Berlin: 02:00 becomes 03:00 on 29 March 2026, and 03:00 becomes 02:00 on 25 October.
		expect(next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z")).toBe("2026-03-29T01:30:00.000Z");
		expect(next("30 2 * * *", "Europe/Berlin", "2026-03-29T01:30:00Z")).toBe("2026-03-30T00:30:00.000Z");
		const autumn = next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z") as string;
		expect(next("30 2 * * *", "Europe/Berlin", autumn)).toBe("2026-10-26T01:30:00.000Z");
	});

	it("may name no moment at all", () => {
		expect(next("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z")).toBeNull();
	});
});
