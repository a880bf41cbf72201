/** Where a subscription stands, so that it goes on there when it is opened again. */

type Variables = Readonly<Record<string, unknown>>;

export interface Position {
	/** For opening it, the first time and again. */
	variables(): Variables;
	/** Takes a result; false for one that the reader has had before. */
	passes(result: unknown): boolean;
	/** False when opening it again would leave a gap that nobody notices. */
	readonly resumable: boolean;
	/** Sets where to begin; null when it begins somewhere already, or nowhere in particular. */
	readonly beginAt: ((cursor: string) => void) | null;
}

/** The one field of a subscription, under which name it is answered, and its arguments. */
const FIELD = /\bsubscription\b[^{]*\{\s*(?:(\w+)\s*:\s*)?(\w+)\s*(\([^)]*\))?/;

/** What each subscription needs for going on: the audit log its last cursor, a job's progress its last sequence, others nothing. */
export function positionOf(query: string, variables: Variables): Position {
	const [, alias, field = "", given = ""] = FIELD.exec(query) ?? [];
	const key = alias ?? field;
	if (field === "auditLogAdded") return auditPosition(key, /\bafter\s*:\s*\$(\w+)/.exec(given)?.[1], variables);
	if (field === "jobProgress" || field === "cleanupProgress") return progressPosition(key, variables);
	return { variables: () => variables, passes: () => true, resumable: true, beginAt: null };
}

/** `cursorVariable` is the one that stands for `after`. */
function auditPosition(key: string, cursorVariable: string | undefined, given: Variables): Position {
	if (cursorVariable === undefined) return { variables: () => given, passes: () => true, resumable: false, beginAt: null };
	let variables = given;
	let resumable = true;
	const beginAt = (cursor: string): void => {
		variables = { ...variables, [cursorVariable]: cursor };
	};
	return {
		variables: () => variables,
		passes(result) {
			const cursor = answerIn(result, key)?.cursor;
			if (typeof cursor === "string") beginAt(cursor);
			else resumable = false;
			return true;
		},
		get resumable() {
			return resumable;
		},
		get beginAt() {
			return (variables[cursorVariable] ?? null) === null ? beginAt : null;
		},
	};
}

function progressPosition(key: string, variables: Variables): Position {
	const sequences = new Map<unknown, number>();
	return {
		variables: () => variables,
		passes(result) {
			const { jobId, id = jobId, sequence } = answerIn(result, key) ?? {};
			if (id === undefined || typeof sequence !== "number") return true;
			if (sequence <= (sequences.get(id) ?? -1)) return false;
			sequences.set(id, sequence);
			return true;
		},
		resumable: true,
		beginAt: null,
	};
}

function answerIn(result: unknown, key: string): Record<string, unknown> | undefined {
	return (result as Record<string, Record<string, unknown> | undefined> | null)?.[key];
}
