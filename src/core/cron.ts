import { CronExpressionParser } from "cron-parser";

/** Minute, hour, day of month, month, day of week. Seconds, nicknames and hashed fields are not among them. */
const FIVE_FIELDS = /^[\d*/,?#LW-]+(\s+[\d*/,?#LW-]+){2}\s+[\dA-Z*/,?-]+\s+[\dA-Z*/,?#L-]+$/i;
const HASHED = /\bH\b/i;

/** Why the expression is none, in the parser's words; null when it is one. */
export function cronProblem(cron: string): string | null {
	if (!FIVE_FIELDS.test(cron) || HASHED.test(cron)) return "minute hour day month weekday";
	try {
		CronExpressionParser.parse(cron, { tz: "UTC" });
		return null;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	}
}

/**
 * The first moment after `afterMs` that the expression names in the time zone; null when there is none. Where clocks are put forward, what
 * falls into the hour that is left out comes right after it; where they are put back, it comes once.
 */
export function nextCronTime(cron: string, timeZone: string, afterMs: number): number | null {
	try {
		return CronExpressionParser.parse(cron, { tz: timeZone, currentDate: new Date(afterMs) })
			.next()
			.getTime();
	} catch {
		return null;
	}
}
