import type { mongo } from "mongoose";
import type { Origin } from "../../core/actor.js";
import type { BackendKind } from "../../core/entry.js";
import type { Failure } from "../../core/errors.js";
import type { Job, JobKind, JobStatus } from "../../core/job.js";
import type { Counts, Report, StoredJob } from "../records.js";

/** What nobody asks for by its parts is JSON: names in it may hold dots and dollars. */
export interface JobDocument {
	readonly _id: string;
	/** Rises with time over all processes, nearly: the order of lists and the cursor of pages. */
	readonly order: number;
	readonly batchId: string | null;
	readonly kind: JobKind;
	readonly status: JobStatus;
	readonly requestedBy: string;
	readonly username: string;
	readonly origin: Origin;
	readonly requestId: string;
	readonly input: string;
	readonly createdAt: number;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	readonly attempts: number;
	readonly deaths: number;
	readonly sequence: number;
	readonly updatedAt: number;
	readonly report: string;
	readonly counts: Counts;
	readonly error: string | null;
	readonly checkpoint: string | null;
	/** Its entries are in the collection of batches; null when there is none. */
	readonly openBatch: string | null;
	readonly batches: number;
	readonly ticket: string;
	readonly auditPending: boolean;
	readonly cancelRequested: boolean;
	readonly idempotencyKey: string | null;
	readonly inputDigest: string;
}

/** A part of a batch's entries, as JSON: a document has a limit. */
export interface BatchDocument {
	readonly _id: string;
	readonly jobId: string;
	readonly batch: string;
	readonly part: number;
	readonly entries: string;
}

export interface FailureDocument {
	readonly _id: string;
	readonly jobId: string;
	readonly order: number;
	readonly backend: BackendKind;
	readonly entryId: string;
	readonly failure: string;
}

export interface JobCollections {
	readonly jobs: mongo.Collection<JobDocument>;
	readonly batches: mongo.Collection<BatchDocument>;
	readonly failures: mongo.Collection<FailureDocument>;
}

/** A call that takes longer has failed. */
const TIMEOUT_MS = 5_000;

export async function openJobCollections(db: mongo.Db): Promise<JobCollections> {
	const options = { timeoutMS: TIMEOUT_MS, writeConcern: { w: "majority" } } as const;
	const collections: JobCollections = {
		jobs: db.collection("cachewarden_queue", options),
		batches: db.collection("cachewarden_queue_batches", options),
		failures: db.collection("cachewarden_queue_failures", options),
	};
	await collections.jobs.createIndexes([
		{ key: { order: 1 }, unique: true },
		{ key: { requestedBy: 1, order: 1 } },
		{ key: { status: 1, order: 1 } },
		{ key: { requestedBy: 1, idempotencyKey: 1, order: -1 }, partialFilterExpression: { idempotencyKey: { $type: "string" } } },
		{ key: { finishedAt: 1 }, partialFilterExpression: { finishedAt: { $type: "number" } } },
		{ key: { auditPending: 1 }, partialFilterExpression: { auditPending: true } },
	]);
	await collections.batches.createIndexes([{ key: { jobId: 1, batch: 1, part: 1 } }]);
	await collections.failures.createIndexes([{ key: { jobId: 1, order: 1 }, unique: true }, { key: { jobId: 1, backend: 1 } }]);
	return collections;
}

export function storedJob(document: JobDocument): StoredJob {
	return {
		facts: {
			id: document._id,
			batchId: document.batchId,
			kind: document.kind,
			status: document.status,
			requestedBy: document.requestedBy,
			username: document.username,
			origin: document.origin,
			requestId: document.requestId,
			input: JSON.parse(document.input) as Job["input"],
			createdAt: document.createdAt,
			startedAt: document.startedAt,
			finishedAt: document.finishedAt,
			attempts: document.attempts,
			error: document.error === null ? null : (JSON.parse(document.error) as Failure),
		},
		sequence: document.sequence,
		updatedAt: document.updatedAt,
		report: JSON.parse(document.report) as Report,
		counts: document.counts,
		checkpoint: document.checkpoint,
		ticket: document.ticket,
		cancelRequested: document.cancelRequested,
		deaths: document.deaths,
	};
}
