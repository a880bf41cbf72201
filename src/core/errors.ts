import { type Facts, type Locale, type MessageKey, say } from "./messages/catalogue.js";

/**
 * Every code there is, with what each way in makes of it. `exit` is the command line's exit code (cli.md), `status` HTTP's (GraphQL
 * names it in `extensions.http`), `rest` the REST facade's where the original system's clients know another (rest.md), `message` the
 * default text; an error may name a more exact one. `docs/errors.md` is made from this.
 */
export const ERRORS = {
	UNAUTHENTICATED: { status: 401, exit: 1, message: "error.unauthenticated" },
	FORBIDDEN: { status: 403, exit: 1, message: "error.forbidden" },
	BAD_USER_INPUT: { status: 400, rest: 422, exit: 2, message: "error.badUserInput" },
	NOT_FOUND: { status: 404, exit: 1, message: "error.notFound" },
	CONFLICT: { status: 409, exit: 1, message: "error.conflict" },
	RATE_LIMITED: { status: 429, exit: 1, message: "error.rateLimited" },
	TOO_COMPLEX: { status: 400, exit: 2, message: "error.tooComplex" },
	CACHE_STATS_FAILED: { status: 500, exit: 1, message: "error.cacheStatsFailed" },
	CACHE_DETAILS_FAILED: { status: 500, exit: 1, message: "error.cacheDetailsFailed" },
	CACHE_CLEANUP_FAILED: { status: 500, exit: 1, message: "error.cacheCleanupFailed" },
	CACHE_CLEAR_FAILED: { status: 500, exit: 1, message: "error.cacheClearFailed" },
	BACKEND_UNAVAILABLE: { status: 503, exit: 1, message: "error.backendUnavailable" },
	BACKEND_TIMEOUT: { status: 504, exit: 1, message: "error.backendTimeout" },
	PLAN_STALE: { status: 409, exit: 1, message: "error.planStale" },
	QUEUE_FULL: { status: 503, exit: 1, message: "error.queueFull" },
	QUEUE_UNAVAILABLE: { status: 503, exit: 1, message: "error.queueUnavailable" },
	AUDIT_UNAVAILABLE: { status: 503, exit: 1, message: "error.auditUnavailable" },
	CURSOR_EXPIRED: { status: 410, exit: 1, message: "error.cursorExpired" },
	STORE_LOCKED: { status: 503, exit: 1, message: "error.storeLocked" },
	BAD_PATH: { status: 400, exit: 1, message: "error.badPath" },
	PERMISSION_DENIED: { status: 500, exit: 1, message: "error.permissionDenied" },
	NOT_A_FILE: { status: 500, exit: 1, message: "error.notAFile" },
	CHANGED: { status: 409, exit: 1, message: "error.changed" },
	INTERRUPTED: { status: 500, exit: 1, message: "error.interrupted" },
	CANCELLED: { status: 409, exit: 1, message: "error.cancelled" },
	LOADER_FAILED: { status: 502, exit: 1, message: "error.loaderFailed" },
	SYNC_FAILED: { status: 502, exit: 1, message: "error.syncFailed" },
	CONFIG_TEST_FAILED: { status: 500, exit: 1, message: "error.configTestFailed" },
	INTERNAL: { status: 500, exit: 1, message: "error.internal" },
} as const satisfies Record<string, { status: number; rest?: number; exit: number; message: MessageKey }>;

export type ErrorCode = keyof typeof ERRORS;

/** HTTP's status of a code over the REST facade. */
export function restStatusOf(code: ErrorCode): number {
	const entry: { readonly status: number; readonly rest?: number } = ERRORS[code];
	return entry.rest ?? entry.status;
}

/** A message for people, before it is known in which language they read it. Plain data: it can be stored. */
export interface Said {
	readonly key: MessageKey;
	readonly facts: Facts;
}

/** A failure as data: in a job, in a list of entries that could not be removed, in the audit log. */
export interface Failure {
	readonly code: ErrorCode;
	readonly said: Said;
}

/** The one error of the domain. `said` names the culprit and the remedy; `cause` goes to the log and never to a caller. */
export class CachewardenError extends Error {
	readonly code: ErrorCode;
	readonly said: Said;

	constructor(code: ErrorCode, said: Said = { key: ERRORS[code].message, facts: {} }, options?: ErrorOptions) {
		super(say("en", said), options);
		this.name = "CachewardenError";
		this.code = code;
		this.said = said;
	}

	/** The text that a caller reads. */
	text(locale: Locale): string {
		return say(locale, this.said);
	}
}

/** Anything thrown, as data. What is not ours is INTERNAL, and its own words stay in the log. */
export function failureOf(error: unknown): Failure {
	if (error instanceof CachewardenError) return { code: error.code, said: error.said };
	return { code: "INTERNAL", said: { key: "error.internal", facts: {} } };
}
