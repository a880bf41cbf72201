/**
 * The port of the audit log. An intent is recorded before an operation does anything, its entry is inserted once, when the
 * outcome is known, and never changed. Embedded, or on MongoDB. One contract suite (test/contract/audit.ts).
 */
import type { Actor, Origin } from "../core/actor.js";
import type { ErrorCode, Said } from "../core/errors.js";
import type { Page, PageRequest } from "../core/page.js";

export type ActionType = "cache_operation" | "config_management" | "data_import" | "queue_operation" | "schedule_management";

export interface AuditIntent {
	readonly actor: Pick<Actor, "id" | "username" | "sessionId">;
	readonly actionType: ActionType;
	/** The operation's name. */
	readonly action: string;
	/** The input, without secrets. */
	readonly details: Readonly<Record<string, unknown>>;
	readonly origin: Origin;
	readonly requestId: string | null;
	readonly ipAddress: string | null;
	readonly userAgent: string | null;
	/** When the operation began; the entry's `timestamp`. */
	readonly startedAt: number;
}

export interface AuditOutcome {
	readonly success: boolean;
	readonly error: { readonly code: ErrorCode; readonly said: Said } | null;
	/** Added to the intent's details: counts, bytes, layers. */
	readonly details: Readonly<Record<string, unknown>>;
	readonly jobId: string | null;
	readonly finishedAt: number;
}

/** The field's document form (workflows.md), in our names. Null where another program wrote the entry. */
export interface AuditEntry {
	/** `a` and lower-case letters and digits. */
	readonly id: string;
	readonly sequence: number | null;
	readonly hash: string | null;
	readonly userId: string;
	readonly username: string;
	readonly sessionId: string | null;
	readonly origin: Origin | null;
	readonly actionType: string;
	readonly action: string;
	readonly details: Readonly<Record<string, unknown>>;
	readonly success: boolean;
	readonly errorCode: ErrorCode | null;
	readonly errorMessage: Said | string | null;
	readonly durationMs: number | null;
	readonly ipAddress: string | null;
	readonly userAgent: string | null;
	readonly requestId: string | null;
	readonly jobId: string | null;
	readonly timestamp: number;
}

export interface AuditFilter {
	readonly userId?: string;
	readonly actionTypes?: readonly string[];
	readonly success?: boolean;
	readonly since?: number;
	readonly until?: number;
	/** Found in action, user name, details or error message; case-insensitive. */
	readonly keyword?: string;
	readonly jobId?: string;
	readonly foreign?: boolean;
}

export interface AuditStats {
	readonly total: number;
	readonly succeeded: number;
	readonly failed: number;
	readonly byActionType: readonly { readonly actionType: string; readonly count: number }[];
	/** 24 hours of the day in the zone asked for. */
	readonly byHour: readonly { readonly hour: number; readonly count: number }[];
}

export interface AuditProblem {
	readonly kind: "EDITED" | "MISSING" | "INSERTED" | "TAIL_CUT";
	readonly sequence: number | null;
	readonly entryId: string | null;
	readonly said: Said;
}

export interface AuditVerification {
	readonly checked: number;
	readonly problems: readonly AuditProblem[];
}

export interface AuditLog {
	/** Durable when it resolves; AUDIT_UNAVAILABLE otherwise, and then nothing may be done. Returns the ticket that `end` takes. */
	begin(intent: AuditIntent): Promise<string>;
	/** Inserts the entry; a second call for the same ticket changes nothing. */
	end(ticket: string, outcome: AuditOutcome): Promise<void>;
	/** Takes an intent back that turned out to be no operation of its own (a repeated idempotency key). */
	withdraw(ticket: string): Promise<void>;
	/** Newest first. `liveCursor` goes on from this page without gap. */
	page(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEntry> & { readonly totalCount: number; readonly liveCursor: string }>;
	/** Newest first, up to `limit` entries behind the cursor of a page or slice (null: from the newest on); nothing is counted. */
	slice(
		filter: AuditFilter,
		cursor: string | null,
		limit: number,
	): Promise<readonly { readonly cursor: string; readonly entry: AuditEntry }[]>;
	get(id: string): Promise<AuditEntry | null>;
	stats(filter: AuditFilter, timeZone: string): Promise<AuditStats>;
	verify(range: { readonly since: number | null; readonly until: number | null }): Promise<AuditVerification>;
	/** In order, up to `limit` entries after the cursor (null: from the end on). CURSOR_EXPIRED for one older than the log. */
	readAfter(cursor: string, limit: number): Promise<readonly { readonly cursor: string; readonly entry: AuditEntry }[]>;
	/** The cursor of the newest entry, also of an empty log. */
	head(): Promise<string>;
	/** Every entry once, in order, from now on. A listener must not block. Returns the way to stop. */
	onAppended(listener: (item: { readonly cursor: string; readonly entry: AuditEntry }) => void): () => void;
	close(): Promise<void>;
}
