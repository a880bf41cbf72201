import type { Origin } from "../../core/actor.js";
import type { Failure } from "../../core/errors.js";
import type { Job, JobKind, JobStatus } from "../../core/job.js";
import type { Counts, Report, StoredJob } from "../records.js";

export interface JobRow {
	readonly number: number;
	readonly id: string;
	readonly kind: string;
	readonly status: string;
	readonly requested_by: string;
	readonly username: string;
	readonly origin: string;
	readonly request_id: string;
	readonly input: string;
	readonly created_at: number;
	readonly started_at: number | null;
	readonly finished_at: number | null;
	readonly attempts: number;
	readonly sequence: number;
	readonly updated_at: number;
	readonly report: string;
	readonly counts: string;
	readonly error: string | null;
	readonly checkpoint: string | null;
	readonly ticket: string;
	readonly cancel_requested: number;
	readonly deaths: number;
}

export function storedJob(row: JobRow): StoredJob {
	return {
		facts: {
			id: row.id,
			batchId: null,
			kind: row.kind as JobKind,
			status: row.status as JobStatus,
			requestedBy: row.requested_by,
			username: row.username,
			origin: row.origin as Origin,
			requestId: row.request_id,
			input: JSON.parse(row.input) as Job["input"],
			createdAt: row.created_at,
			startedAt: row.started_at,
			finishedAt: row.finished_at,
			attempts: row.attempts,
			error: row.error === null ? null : (JSON.parse(row.error) as Failure),
		},
		sequence: row.sequence,
		updatedAt: row.updated_at,
		report: JSON.parse(row.report) as Report,
		counts: JSON.parse(row.counts) as Counts,
		checkpoint: row.checkpoint,
		ticket: row.ticket,
		cancelRequested: row.cancel_requested === 1,
		deaths: row.deaths,
	};
}
