import type { Origin } from "../../core/actor.js";
import type { ErrorCode, Said } from "../../core/errors.js";
import type { Statement } from "../../store/database.js";
import type { SequencedEntry } from "../chain.js";
import type { AuditEntry } from "../port.js";
import type { ChainRow } from "../verifier.js";

export interface EntryRow {
	readonly sequence: number;
	readonly id: string;
	readonly user_id: string;
	readonly username: string;
	readonly session_id: string | null;
	readonly origin: string | null;
	readonly action_type: string;
	readonly action: string;
	readonly details: string;
	readonly success: number;
	readonly error_code: string | null;
	readonly error_message: string | null;
	readonly duration_ms: number | null;
	readonly ip_address: string | null;
	readonly user_agent: string | null;
	readonly request_id: string | null;
	readonly job_id: string | null;
	readonly timestamp: number;
	readonly previous_hash: string;
	readonly hash: string;
}

export const INSERT_ENTRY = `INSERT INTO audit_entries (sequence, id, user_id, username, session_id, origin, action_type, action, details,
	success, error_code, error_message, duration_ms, ip_address, user_agent, request_id, job_id, timestamp, previous_hash, hash)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export function insertEntry(statement: Statement, { entry, previousHash, hash }: ChainRow): void {
	statement.run(
		entry.sequence,
		entry.id,
		entry.userId,
		entry.username,
		entry.sessionId,
		entry.origin,
		entry.actionType,
		entry.action,
		JSON.stringify(entry.details),
		entry.success ? 1 : 0,
		entry.errorCode,
		entry.errorMessage === null ? null : JSON.stringify(entry.errorMessage),
		entry.durationMs,
		entry.ipAddress,
		entry.userAgent,
		entry.requestId,
		entry.jobId,
		entry.timestamp,
		previousHash,
		hash,
	);
}

function contentOf(row: EntryRow): SequencedEntry {
	return {
		id: row.id,
		sequence: row.sequence,
		userId: row.user_id,
		username: row.username,
		sessionId: row.session_id,
		origin: row.origin as Origin | null,
		actionType: row.action_type,
		action: row.action,
		details: parsed<AuditEntry["details"]>(row.details),
		success: row.success === 1,
		errorCode: row.error_code as ErrorCode | null,
		errorMessage: row.error_message === null ? null : parsed<Said | string>(row.error_message),
		durationMs: row.duration_ms,
		ipAddress: row.ip_address,
		userAgent: row.user_agent,
		requestId: row.request_id,
		jobId: row.job_id,
		timestamp: row.timestamp,
	};
}

/** Text that somebody wrote into the file from outside need not be JSON: it is shown as it is, and verification names it. */
function parsed<T>(text: string): T {
	try {
		return JSON.parse(text) as T;
	} catch (error) {
		if (error instanceof SyntaxError) return { unreadable: text } as T;
		throw error;
	}
}

export function entryOf(row: EntryRow): AuditEntry {
	return { ...contentOf(row), hash: row.hash };
}

export function chainRowOf(row: EntryRow): ChainRow {
	return { entry: contentOf(row), previousHash: row.previous_hash, hash: row.hash };
}
