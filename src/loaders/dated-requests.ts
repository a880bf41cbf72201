import { writeLocalTime } from "../backends/layouts/local-time.js";
import type { Recipe } from "../backends/writer.js";
import { DAY_MS } from "../core/clock.js";
import type { LoadRequest } from "./port.js";

export interface DatedOptions {
	readonly types: readonly string[];
	readonly source: string;
	/** Null: without dates. */
	readonly daysBack: number | null;
	readonly timeZone: string;
}

/** One request for each symbol and type, from so many days ago to the day of `at`. Fundamentals know no dates. */
export function datedRequests({ types, source, daysBack, timeZone }: DatedOptions, symbols: readonly string[], at: number): LoadRequest[] {
	const day = (instant: number): string => writeLocalTime(instant, timeZone).slice(0, 10);
	return symbols.flatMap((symbol) =>
		types.map((type) => {
			const dated = daysBack !== null && type !== "fundamentals";
			const dates = dated ? { startDate: day(at - daysBack * DAY_MS), endDate: day(at) } : { startDate: null, endDate: null };
			return { recipe: { symbol, type, source, ...dates }, key: null, copyOf: null };
		}),
	);
}

/** An entry that says what it was loaded with is asked for again with just that. */
export function requestAgain(types: readonly string[], recipe: Recipe | null): LoadRequest | null {
	return recipe !== null && types.includes(recipe.type) ? { recipe, key: null, copyOf: null } : null;
}
