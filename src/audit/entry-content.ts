import type { SequencedEntry } from "./chain.js";
import type { AuditIntent, AuditOutcome } from "./port.js";
import { ofBoundedSize } from "./redact.js";

/** An entry before its place in the order is known. */
export type EntryContent = Omit<SequencedEntry, "sequence">;

/** What is recorded of an operation; outcome null for one that was cut short. */
export function entryContent(ticket: string, intent: AuditIntent, outcome: AuditOutcome | null): EntryContent {
	return {
		id: ticket,
		userId: intent.actor.id,
		username: intent.actor.username,
		sessionId: intent.actor.sessionId,
		origin: intent.origin,
		actionType: intent.actionType,
		action: intent.action,
		details: { ...ofBoundedSize(intent.details), ...ofBoundedSize(outcome?.details ?? {}) },
		success: outcome?.success ?? false,
		errorCode: outcome === null ? "INTERRUPTED" : (outcome.error?.code ?? null),
		errorMessage: outcome === null ? { key: "error.interrupted", facts: {} } : (outcome.error?.said ?? null),
		durationMs: outcome === null ? null : Math.max(0, Math.round(outcome.finishedAt - intent.startedAt)),
		ipAddress: intent.ipAddress,
		userAgent: intent.userAgent,
		requestId: intent.requestId,
		jobId: outcome?.jobId ?? null,
		timestamp: intent.startedAt,
	};
}
