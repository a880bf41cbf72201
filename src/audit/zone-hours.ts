import { CachewardenError } from "../core/errors.js";
import type { AuditStats } from "./port.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** Adds counts up by the hour of the day in a zone; each count lies within one quarter of an hour from `at` on. */
export function hoursIn(timeZone: string): (counts: readonly { readonly at: number; readonly count: number }[]) => AuditStats["byHour"] {
	let format: Intl.DateTimeFormat;
	try {
		format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", hourCycle: "h23" });
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		throw new CachewardenError("BAD_USER_INPUT", {
			key: "error.outOfRange",
			facts: { name: "timeZone", range: "Area/City", value: timeZone },
		});
	}
	return (counts) => {
		const sums = HOURS.map(() => 0);
		for (const { at, count } of counts) {
			const hour = Number(format.format(at));
			sums[hour] = (sums[hour] ?? 0) + count;
		}
		return HOURS.map((hour) => ({ hour, count: sums[hour] ?? 0 }));
	};
}
