import type { ComplexityEstimator } from "graphql-query-complexity";

/** Page size when none is given, and the largest there is. */
const DEFAULT_PAGE = 20;
const MAX_PAGE = 200;

type Cost = (options: Parameters<ComplexityEstimator>[0]) => number;

function plus(own: number): Cost {
	return ({ childComplexity }) => own + childComplexity;
}

/** A field costs 1 and what lies in it; these cost more, in units of one field. */
export const COST = {
	/** `fresh` may read the disk. */
	stats: (({ args, childComplexity }) => (args.fresh === true ? 100 : 5) + childComplexity) satisfies Cost,
	/** Reads the value itself. */
	preview: plus(20),
	/** Asks every layer. */
	health: plus(50),
	/** Goes over a selection that may be the whole catalog. */
	selection: plus(100),
	history: plus(50),
	/** A list that has no pages. */
	schedules: (({ childComplexity }) => 1 + 20 * childComplexity) satisfies Cost,
	auditStats: plus(100),
	/** Reads the whole log. */
	verify: plus(1000),
} as const;

/** What lies in a connection costs once for each entry of the page that was asked for. A size out of range is refused later, by name. */
export const pageCost: Cost = ({ args, childComplexity }) => {
	const asked = [args.first, args.last].find((size) => typeof size === "number") ?? DEFAULT_PAGE;
	return 1 + Math.min(MAX_PAGE, Math.max(1, asked)) * childComplexity;
};

/** The same for a list whose length has another default. */
export function listCost(defaultLength: number): Cost {
	return ({ args, childComplexity }) => 1 + Math.min(MAX_PAGE, Math.max(1, args.first ?? defaultLength)) * childComplexity;
}
