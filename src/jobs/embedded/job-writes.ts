import { DAY_MS } from "../../core/clock.js";
import { CachewardenError, type Failure } from "../../core/errors.js";
import type { JobStatus } from "../../core/job.js";
import type { Db } from "../../store/database.js";
import { deletionLedger } from "../../store/deletions.js";
import {
	type BegunJob,
	type Counts,
	EMPTY_REPORT,
	type EndedBatch,
	type LayerCounts,
	MAX_DEATHS,
	type NewJob,
	NO_COUNTS,
	type Step,
	type StoredJob,
} from "../records.js";
import { type JobRow, storedJob } from "./job-rows.js";

const PRUNE_SLICE = 200;

const REQUEUED = `status = 'QUEUED', started_at = NULL, finished_at = NULL, deaths = 0, report = ?, counts = '{}', error = NULL, checkpoint = NULL,
	ticket = ?, audit_pending = 0, cancel_requested = 0, updated_at = ?, sequence = sequence + 1`;

export function jobWrites(db: Db) {
	const one = db.prepare("SELECT * FROM jobs WHERE id = ?");
	const withKey = db.prepare(
		"SELECT * FROM jobs WHERE requested_by = ? AND idempotency_key = ? AND created_at > ? ORDER BY number DESC LIMIT 1",
	);
	const digestOf = db.prepare("SELECT input_digest AS digest FROM jobs WHERE id = ?");
	const waiting = db.prepare("SELECT count(*) AS count FROM jobs WHERE status = 'QUEUED'");
	const insert = db.prepare(`INSERT INTO jobs (id, kind, status, requested_by, username, origin, request_id, input, created_at, updated_at,
		report, ticket, idempotency_key, input_digest) VALUES (?, ?, 'QUEUED', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
	const requeueAnew = db.prepare(`UPDATE jobs SET ${REQUEUED} WHERE id = ?`);
	const forgetFailures = db.prepare("DELETE FROM job_failures WHERE job_id = ?");
	const step = db.prepare("UPDATE jobs SET sequence = ?, updated_at = ?, report = coalesce(?, report) WHERE id = ?");
	const begin = db.prepare(
		"UPDATE jobs SET status = 'RUNNING', attempts = attempts + 1, started_at = coalesce(started_at, ?), sequence = ?, updated_at = ? WHERE id = ?",
	);
	const handBack = db.prepare("UPDATE jobs SET status = 'QUEUED' WHERE id = ?");
	const cancelled = db.prepare("UPDATE jobs SET cancel_requested = 1 WHERE id = ?");
	const setCheckpoint = db.prepare("UPDATE jobs SET checkpoint = ? WHERE id = ?");
	const openBatch = db.prepare("INSERT INTO job_batches VALUES (?, ?) ON CONFLICT (job_id) DO UPDATE SET entries = excluded.entries");
	const batchOf = db.prepare("SELECT entries FROM job_batches WHERE job_id = ?");
	const closeBatch = db.prepare("DELETE FROM job_batches WHERE job_id = ?");
	const setCounts = db.prepare("UPDATE jobs SET checkpoint = ?, counts = ? WHERE id = ?");
	const countsOf = db.prepare("SELECT counts FROM jobs WHERE id = ?");
	const addFailure = db.prepare("INSERT INTO job_failures (job_id, entry_id, failure) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
	const finish = db.prepare("UPDATE jobs SET status = ?, finished_at = ?, error = ?, audit_pending = 1 WHERE id = ?");
	const recorded = db.prepare("UPDATE jobs SET audit_pending = 0 WHERE id = ?");
	const orphans = db.prepare("UPDATE jobs SET deaths = deaths + 1, status = 'QUEUED' WHERE status = 'RUNNING'");
	// What an earlier process published last may have used its whole reservation.
	const passReservations = db.prepare("UPDATE jobs SET sequence = sequence + 1 WHERE status = 'QUEUED'");
	const givenUp = db.prepare(`UPDATE jobs SET status = 'FAILED', finished_at = ?, error = ?, audit_pending = 1, updated_at = ?
		WHERE status = 'QUEUED' AND deaths >= ${MAX_DEATHS}`);
	const left = db.prepare("SELECT * FROM jobs WHERE status IN ('QUEUED', 'RUNNING') ORDER BY number");
	const unrecorded = db.prepare("SELECT * FROM jobs WHERE audit_pending = 1 ORDER BY number");
	const old = db.prepare("SELECT id FROM jobs WHERE finished_at < ? AND audit_pending = 0 LIMIT ?");
	const forget = db.prepare("DELETE FROM jobs WHERE id = ?");
	const withdraw = db.prepare("DELETE FROM jobs WHERE id = ? AND status = 'QUEUED' AND attempts = 0");
	const failAgain = db.prepare(`UPDATE jobs SET status = 'FAILED', finished_at = ?, updated_at = ?, error = ?, sequence = sequence + 1
		WHERE id = ? AND status = 'QUEUED' AND attempts = ?`);
	const orphan = db.prepare(`UPDATE jobs SET deaths = deaths + 1, status = 'QUEUED', sequence = sequence + 1, updated_at = ?
		WHERE id = ? AND status = 'RUNNING' AND attempts = ?`);
	const deletion = deletionLedger(db);

	function find(id: string): JobRow {
		const row = one.row<JobRow>(id);
		if (row === undefined) throw new CachewardenError("NOT_FOUND", { key: "error.jobNotFound", facts: {} });
		return row;
	}

	function keep({ id, sequence, at, report }: Omit<Step, "attempt">): void {
		step.run(sequence, at, report === null ? null : JSON.stringify(report), id);
	}

	/** Runs it again from its beginning. A batch that a crash left open stays, so that what it deleted is counted. */
	function runAgain(row: JobRow, ticket: string, now: number): StoredJob {
		requeueAnew.run(JSON.stringify(EMPTY_REPORT), ticket, now, row.id);
		forgetFailures.run(row.id);
		return storedJob(find(row.id));
	}

	return {
		submit({ job, maxQueued }: { readonly job: NewJob; readonly maxQueued: number }): {
			readonly stored: StoredJob;
			readonly fresh: boolean;
		} {
			const { idempotencyKey, createdAt } = job;
			const earlier = idempotencyKey === null ? undefined : withKey.row<JobRow>(job.requestedBy, idempotencyKey, createdAt - DAY_MS);
			if (earlier !== undefined) {
				if (digestOf.row<{ digest: string }>(earlier.id)?.digest !== job.inputDigest)
					throw new CachewardenError("CONFLICT", { key: "error.idempotencyConflict", facts: {} });
				if (earlier.status !== "FAILED") return { stored: storedJob(earlier), fresh: false };
			}
			if ((waiting.row<{ count: number }>()?.count ?? 0) >= maxQueued) throw new CachewardenError("QUEUE_FULL");
			if (earlier !== undefined) return { stored: runAgain(earlier, job.ticket, createdAt), fresh: true };
			insert.run(
				job.id,
				job.kind,
				job.requestedBy,
				job.username,
				job.origin,
				job.requestId,
				JSON.stringify(job.input),
				createdAt,
				createdAt,
				JSON.stringify(EMPTY_REPORT),
				job.ticket,
				idempotencyKey,
				job.inputDigest,
			);
			return { stored: storedJob(find(job.id)), fresh: true };
		},

		retry({ id, ticket, now }: { readonly id: string; readonly ticket: string; readonly now: number }): StoredJob {
			const row = find(id);
			if (row.status !== "FAILED" && row.status !== "CANCELLED")
				throw new CachewardenError("CONFLICT", { key: "error.jobNotRetryable", facts: { status: row.status } });
			return runAgain(row, ticket, now);
		},

		begin({ id, sequence, at }: Omit<Step, "report">): BegunJob {
			begin.run(at, sequence, at, id);
			return { ...storedJob(find(id)), openBatch: batchOf.row<{ entries: string }>(id)?.entries ?? null };
		},

		report: keep,

		checkpoint({ checkpoint, ...rest }: Step & { readonly checkpoint: string }): void {
			keep(rest);
			setCheckpoint.run(checkpoint, rest.id);
		},

		beginBatch({ entries, checkpoint, ...rest }: Step & { readonly entries: string; readonly checkpoint: string }): void {
			keep(rest);
			setCheckpoint.run(checkpoint, rest.id);
			openBatch.run(rest.id, entries);
		},

		/** The layer's counts with this batch in them. */
		endBatch({
			backend,
			deletedEntries,
			freedBytes,
			skippedEntries,
			loadedEntries = 0,
			loadedBytes = 0,
			failures,
			checkpoint,
			...rest
		}: EndedBatch): LayerCounts {
			keep(rest);
			let failedEntries = 0;
			for (const { entryId, failure } of failures) failedEntries += addFailure.run(rest.id, entryId, JSON.stringify(failure));
			const counts = JSON.parse(countsOf.row<{ counts: string }>(rest.id)?.counts ?? "{}") as Counts;
			const before = counts[backend] ?? NO_COUNTS;
			const after: LayerCounts = {
				deletedEntries: before.deletedEntries + deletedEntries,
				freedBytes: before.freedBytes + freedBytes,
				failedEntries: before.failedEntries + failedEntries,
				skippedEntries: before.skippedEntries + skippedEntries,
				...(loadedEntries + (before.loadedEntries ?? 0) === 0
					? {}
					: { loadedEntries: (before.loadedEntries ?? 0) + loadedEntries, loadedBytes: (before.loadedBytes ?? 0) + loadedBytes }),
			};
			setCounts.run(checkpoint, JSON.stringify({ ...counts, [backend]: after }), rest.id);
			closeBatch.run(rest.id);
			if (deletedEntries > 0) deletion({ at: rest.at, entries: deletedEntries, bytes: freedBytes });
			return after;
		},

		end({ status, error, ...rest }: Step & { readonly status: JobStatus; readonly error: Failure | null }): StoredJob {
			keep(rest);
			finish.run(status, rest.at, error === null ? null : JSON.stringify(error), rest.id);
			return storedJob(find(rest.id));
		},

		handBack(rest: Step): StoredJob {
			keep(rest);
			handBack.run(rest.id);
			return storedJob(find(rest.id));
		},

		requestCancel(id: string): void {
			cancelled.run(id);
		},

		/** Its entry is in the audit log. */
		recorded(id: string): void {
			recorded.run(id);
		},

		withdraw({ id, attempt, now }: { readonly id: string; readonly attempt: number; readonly now: number }): boolean {
			if (attempt === 0) return withdraw.run(id) > 0;
			const error: Failure = { code: "QUEUE_UNAVAILABLE", said: { key: "error.queueUnavailable", facts: {} } };
			return failAgain.run(now, now, JSON.stringify(error), id, attempt) > 0;
		},

		orphaned({ id, attempt, now }: { readonly id: string; readonly attempt: number; readonly now: number }): StoredJob | null {
			return orphan.run(now, id, attempt) === 0 ? null : storedJob(find(id));
		},

		/** What an earlier process left: jobs to run, and jobs that ended without their audit entry, those given up now among them. */
		recover(now: number): { readonly waiting: readonly StoredJob[]; readonly unrecorded: readonly StoredJob[] } {
			const interrupted: Failure = { code: "INTERRUPTED", said: { key: "error.interrupted", facts: {} } };
			orphans.run();
			passReservations.run();
			givenUp.run(now, JSON.stringify(interrupted), now);
			return { waiting: left.rows<JobRow>().map(storedJob), unrecorded: unrecorded.rows<JobRow>().map(storedJob) };
		},

		/** Forgets some jobs that ended before the time; to be repeated until there are none. */
		pruneSome(before: number): number {
			const ids = old.rows<{ id: string }>(before, PRUNE_SLICE);
			for (const { id } of ids) {
				forgetFailures.run(id);
				closeBatch.run(id);
				forget.run(id);
			}
			return ids.length;
		},
	};
}
