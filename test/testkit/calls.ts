import type { AuditIntent, AuditOutcome } from "../../src/audit/port.js";
import type { Clock } from "../../src/core/clock.js";
import type { PageRequest } from "../../src/core/page.js";
import type { JobRequest } from "../../src/jobs/port.js";

export type TestCall = JobRequest["call"];

/** A call of a user with every role, as GraphQL makes it. */
export function callOf(user: string): TestCall {
	return {
		actor: { id: user, username: user, roles: ["ADMIN"], tokenExpiresAt: null, sessionId: null },
		origin: "GRAPHQL",
		requestId: `request-of-${user}`,
		ipAddress: "192.0.2.7",
		userAgent: "test",
		locale: "en",
	};
}

export function intentOf(user: string, change: Partial<AuditIntent> = {}): AuditIntent {
	const { actor, origin, requestId, ipAddress, userAgent } = callOf(user);
	return {
		actor,
		actionType: "cache_operation",
		action: "cleanup",
		details: { olderThanDays: 7 },
		origin,
		requestId,
		ipAddress,
		userAgent,
		startedAt: Date.now(),
		...change,
	};
}

export function outcomeOf(change: Partial<AuditOutcome> = {}): AuditOutcome {
	return { success: true, error: null, details: {}, jobId: null, finishedAt: Date.now(), ...change };
}

/** A clock that goes only when told to. */
export function frozenClock(start = Date.UTC(2026, 0, 15, 12)): Clock & { advance(ms: number): void } {
	let now = start;
	return {
		now: () => now,
		advance: (ms) => {
			now += ms;
		},
	};
}

export function forward(limit: number, cursor: string | null = null): PageRequest {
	return { direction: "forward", limit, cursor };
}
