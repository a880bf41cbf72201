import { deletionsTable } from "../../store/deletions.js";

/**
 * Tables of the embedded job engine. `sequence` of an unfinished job is a reservation: what its subscribers saw lies at or
 * below it. `counts` change only with the batch that they come from; `report` is what the handler said.
 */
export const jobMigrations = [
	`
	CREATE TABLE jobs (
		number INTEGER PRIMARY KEY AUTOINCREMENT,
		id TEXT NOT NULL UNIQUE,
		kind TEXT NOT NULL,
		status TEXT NOT NULL,
		requested_by TEXT NOT NULL,
		username TEXT NOT NULL,
		origin TEXT NOT NULL,
		request_id TEXT NOT NULL,
		input TEXT NOT NULL,
		created_at INTEGER NOT NULL,
		started_at INTEGER,
		finished_at INTEGER,
		attempts INTEGER NOT NULL DEFAULT 0,
		deaths INTEGER NOT NULL DEFAULT 0,
		sequence INTEGER NOT NULL DEFAULT 1,
		updated_at INTEGER NOT NULL,
		report TEXT NOT NULL,
		counts TEXT NOT NULL DEFAULT '{}',
		error TEXT,
		checkpoint TEXT,
		ticket TEXT NOT NULL,
		audit_pending INTEGER NOT NULL DEFAULT 0,
		cancel_requested INTEGER NOT NULL DEFAULT 0,
		idempotency_key TEXT,
		input_digest TEXT NOT NULL
	);
	CREATE INDEX jobs_by_user ON jobs (requested_by, number);
	CREATE INDEX jobs_by_status ON jobs (status, number);
	CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;
	CREATE INDEX jobs_by_key ON jobs (requested_by, idempotency_key) WHERE idempotency_key IS NOT NULL;
	CREATE INDEX jobs_unrecorded ON jobs (number) WHERE audit_pending = 1;
	-- Apart, because a change to a row writes all of it.
	CREATE TABLE job_batches (job_id TEXT PRIMARY KEY, entries TEXT NOT NULL);
	CREATE TABLE job_failures (
		number INTEGER PRIMARY KEY AUTOINCREMENT,
		job_id TEXT NOT NULL,
		entry_id TEXT NOT NULL,
		failure TEXT NOT NULL,
		UNIQUE (job_id, entry_id)
	);
	CREATE INDEX job_failures_in_order ON job_failures (job_id, number);
	${deletionsTable}
	`,
];
