import type { ContentText, SequencedEntry } from "./chain.js";
import type { AuditIntent, AuditOutcome } from "./port.js";
import { ofBoundedSize } from "./redact.js";

/** An entry before its place in the order is known. */
export type EntryContent = Omit<SequencedEntry, "sequence">;

/** What somebody who knows the secret signed. */
export interface Written {
	readonly content: EntryContent;
	readonly text: ContentText;
}

/** What is recorded of an operation; outcome null for one that was cut short. */
export function entryContent(ticket: string, intent: AuditIntent, outcome: AuditOutcome | null): EntryContent {
	return {
		// In the order of their names, as they are signed.
		action: intent.action,
		actionType: intent.actionType,
		details: { ...ofBoundedSize(intent.details), ...ofBoundedSize(outcome?.details ?? {}) },
		durationMs: outcome === null ? null : Math.max(0, Math.round(outcome.finishedAt - intent.startedAt)),
		errorCode: outcome === null ? "INTERRUPTED" : (outcome.error?.code ?? null),
		errorMessage: outcome === null ? { key: "error.interrupted", facts: {} } : (outcome.error?.said ?? null),
		id: ticket,
		ipAddress: intent.ipAddress,
		jobId: outcome?.jobId ?? null,
		origin: intent.origin,
		requestId: intent.requestId,
		sessionId: intent.actor.sessionId,
		success: outcome?.success ?? false,
		timestamp: intent.startedAt,
		userAgent: intent.userAgent,
		userId: intent.actor.id,
		username: intent.actor.username,
	};
}
