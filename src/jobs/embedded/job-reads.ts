import { DAY_MS } from "../../core/clock.js";
import { CachewardenError, type Failure } from "../../core/errors.js";
import type { EntryFailure, JobStatus } from "../../core/job.js";
import type { Page, PageRequest } from "../../core/page.js";
import type { Db, SqlValue } from "../../store/database.js";
import type { JobFilter } from "../port.js";
import type { StoredJob } from "../records.js";
import { type JobRow, storedJob } from "./job-rows.js";

export function jobReads(db: Db) {
	const one = db.prepare("SELECT * FROM jobs WHERE id = ?");
	const withKey = db.prepare(
		"SELECT * FROM jobs WHERE requested_by = ? AND idempotency_key = ? AND created_at > ? ORDER BY number DESC LIMIT 1",
	);
	const byStatus = db.prepare("SELECT status, count(*) AS count FROM jobs GROUP BY status");
	const tickets = db.prepare("SELECT ticket FROM jobs WHERE status IN ('QUEUED', 'RUNNING') OR audit_pending = 1");

	const byStatusOf = db.prepare("SELECT status, count(*) AS count FROM jobs WHERE requested_by = ? GROUP BY status");
	const left = db.prepare("SELECT * FROM jobs WHERE status IN ('QUEUED', 'RUNNING') ORDER BY number");
	const unrecorded = db.prepare("SELECT * FROM jobs WHERE audit_pending = 1 AND finished_at < ? ORDER BY number");
	const toStop = db.prepare("SELECT id FROM jobs WHERE cancel_requested = 1 AND id IN (SELECT value FROM json_each(?))");

	function counted(rows: { readonly status: JobStatus; readonly count: number }[]): Partial<Record<JobStatus, number>> {
		return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
	}

	function orNull(row: JobRow | undefined): StoredJob | null {
		return row === undefined ? null : storedJob(row);
	}

	return {
		get: (id: string) => orNull(one.row<JobRow>(id)),

		findByKey: ({ userId, key, now }: { readonly userId: string; readonly key: string; readonly now: number }) =>
			orNull(withKey.row<JobRow>(userId, key, now - DAY_MS)),

		/** Newest first. */
		list({ filter, page }: { readonly filter: JobFilter; readonly page: PageRequest }) {
			const { where, values } = conditionsOf(filter);
			return pageOf<JobRow, StoredJob>(db, { table: "jobs", order: "DESC", where, values }, page, storedJob);
		},

		/** In the order in which they happened. */
		failures({ jobId, page }: { readonly jobId: string; readonly page: PageRequest }) {
			return pageOf<{ number: number; entry_id: string; failure: string }, EntryFailure>(
				db,
				{ table: "job_failures", order: "ASC", where: "job_id = ?", values: [jobId] },
				page,
				(row) => ({ entryId: row.entry_id, failure: JSON.parse(row.failure) as Failure }),
			);
		},

		countByStatus: (): Partial<Record<JobStatus, number>> => counted(byStatus.rows()),

		countByStatusOf: (userId: string): Partial<Record<JobStatus, number>> => counted(byStatusOf.rows(userId)),

		unfinished: (): readonly StoredJob[] => left.rows<JobRow>().map(storedJob),

		unrecorded: (before: number): readonly StoredJob[] => unrecorded.rows<JobRow>(before).map(storedJob),

		cancelRequested: (ids: readonly string[]): readonly string[] => toStop.rows<{ id: string }>(JSON.stringify(ids)).map(({ id }) => id),

		/** Of audit intents that the engine will end. */
		unfinishedTickets: (): readonly string[] => tickets.rows<{ ticket: string }>().map(({ ticket }) => ticket),
	};
}

function conditionsOf(filter: JobFilter): { readonly where: string; readonly values: SqlValue[] } {
	const conditions: string[] = [];
	const values: SqlValue[] = [];
	function add(condition: string, value: SqlValue): void {
		conditions.push(condition);
		values.push(value);
	}
	if (filter.kinds !== undefined) add("kind IN (SELECT value FROM json_each(?))", JSON.stringify(filter.kinds));
	if (filter.statuses !== undefined) add("status IN (SELECT value FROM json_each(?))", JSON.stringify(filter.statuses));
	if (filter.requestedBy !== undefined) add("requested_by = ?", filter.requestedBy);
	// Embedded jobs are not split, so none belongs to a batch of jobs.
	if (filter.batchId !== undefined) conditions.push("0");
	return { where: conditions.length === 0 ? "1" : conditions.join(" AND "), values };
}

interface Listing {
	readonly table: "jobs" | "job_failures";
	readonly order: "ASC" | "DESC";
	readonly where: string;
	readonly values: SqlValue[];
}

/** A page of a table in the order of its numbers, which are its cursors. */
function pageOf<Row extends { readonly number: number }, T>(
	db: Db,
	{ table, order, where, values }: Listing,
	{ direction, limit, cursor }: PageRequest,
	read: (row: Row) => T,
): Page<T> & { readonly totalCount: number } {
	const ascending = (direction === "forward") === (order === "ASC");
	const at = cursor === null ? [] : [numberOf(cursor)];
	const onward = cursor === null ? "" : `AND number ${ascending ? ">" : "<"} ?`;
	const rows = db
		.prepare(`SELECT * FROM ${table} WHERE ${where} ${onward} ORDER BY number ${ascending ? "ASC" : "DESC"} LIMIT ?`)
		.rows<Row>(...values, ...at, limit + 1);
	const more = rows.length > limit;
	const behind =
		cursor !== null &&
		db.prepare(`SELECT 1 FROM ${table} WHERE ${where} AND number ${ascending ? "<=" : ">="} ? LIMIT 1`).rows(...values, ...at).length > 0;
	const shown = rows.slice(0, limit);
	if (direction === "backward") shown.reverse();
	return {
		items: shown.map((row) => ({ cursor: `n${row.number}`, node: read(row) })),
		hasNextPage: direction === "forward" ? more : behind,
		hasPreviousPage: direction === "forward" ? behind : more,
		totalCount: db.prepare(`SELECT count(*) AS count FROM ${table} WHERE ${where}`).row<{ count: number }>(...values)?.count ?? 0,
	};
}

function numberOf(cursor: string): number {
	const [, number] = /^n(\d{1,15})$/.exec(cursor) ?? [];
	if (number === undefined) throw new CachewardenError("BAD_USER_INPUT", { key: "error.badCursor", facts: {} });
	return Number(number);
}
