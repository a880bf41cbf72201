import { createHash } from "node:crypto";
import type { mongo } from "mongoose";
import { DAY_MS } from "../../core/clock.js";
import { CachewardenError, type Failure } from "../../core/errors.js";
import {
	EMPTY_REPORT,
	type EndedBatch,
	type LayerCounts,
	type NewJob,
	NO_COUNTS,
	OvertakenError,
	type QueuedWrites,
	type Step,
	type StoredJob,
} from "../records.js";
import { type JobCollections, type JobDocument, storedJob } from "./job-documents.js";

/** Characters of a batch's JSON in one document, well under its limit of 16 MB whatever they are. */
const PART_LENGTH = 3_000_000;
const PRUNE_SLICE = 200;
const DUPLICATE_KEY = 11_000;
const ORDERS_A_MS = 1000;

/** The same key of the same user gives the same id to everybody who makes it at once; the next use, a day later, another. */
function idOfKey({ requestedBy, idempotencyKey }: NewJob, earlier: string): string {
	const digest = createHash("sha256")
		.update(JSON.stringify([requestedBy, idempotencyKey, earlier]))
		.digest("hex");
	return `j${digest.slice(0, 22)}`;
}

function requeued(ticket: string, now: number): Partial<JobDocument> {
	return {
		status: "QUEUED",
		startedAt: null,
		finishedAt: null,
		deaths: 0,
		report: JSON.stringify(EMPTY_REPORT),
		counts: {},
		error: null,
		checkpoint: null,
		ticket,
		auditPending: false,
		cancelRequested: false,
		updatedAt: now,
	};
}

export function jobWrites({ jobs, batches, failures }: JobCollections): QueuedWrites {
	const after = { returnDocument: "after" } as const;
	let orders = Math.floor(Math.random() * ORDERS_A_MS);

	async function find(id: string): Promise<JobDocument> {
		const document = await jobs.findOne({ _id: id });
		if (document === null) throw new CachewardenError("NOT_FOUND", { key: "error.jobNotFound", facts: {} });
		return document;
	}

	function stepped({ sequence, at, report }: Step): Partial<JobDocument> {
		return { sequence, updatedAt: at, ...(report === null ? {} : { report: JSON.stringify(report) }) };
	}

	/** One step of the attempt that holds the job; nobody else gets through. */
	async function step(taken: Step, update: mongo.UpdateFilter<JobDocument>, more: mongo.Filter<JobDocument> = {}): Promise<JobDocument> {
		const { $set, ...rest } = update;
		const held = { ...more, _id: taken.id, status: "RUNNING" as const, attempts: taken.attempt };
		const document = await jobs.findOneAndUpdate(held, { $set: { ...$set, ...stepped(taken) }, ...rest }, after);
		if (document === null) throw new OvertakenError(taken.id);
		return document;
	}

	async function insert(job: NewJob, id: string): Promise<JobDocument | "taken"> {
		for (;;) {
			const document: JobDocument = {
				_id: id,
				order: job.createdAt * ORDERS_A_MS + (orders++ % ORDERS_A_MS),
				batchId: null,
				kind: job.kind,
				requestedBy: job.requestedBy,
				username: job.username,
				origin: job.origin,
				requestId: job.requestId,
				input: JSON.stringify(job.input),
				createdAt: job.createdAt,
				attempts: 0,
				sequence: 1,
				openBatch: null,
				batches: 0,
				idempotencyKey: job.idempotencyKey,
				inputDigest: job.inputDigest,
				...(requeued(job.ticket, job.createdAt) as Pick<JobDocument, "status" | "startedAt" | "finishedAt" | "deaths" | "report"> &
					Pick<JobDocument, "counts" | "error" | "checkpoint" | "ticket" | "auditPending" | "cancelRequested" | "updatedAt">),
			};
			try {
				await jobs.insertOne(document);
				return document;
			} catch (error) {
				const { code, keyPattern } = error as { readonly code?: number; readonly keyPattern?: { readonly _id?: number } };
				if (code !== DUPLICATE_KEY) throw error;
				// Another process made a job in the same millisecond under the same number: the next one is free.
				if (keyPattern?._id !== undefined) return "taken";
			}
		}
	}

	/** Runs it again from its beginning. A batch that a crash left open stays, so that what it deleted is counted. */
	async function runAgain({ _id, status, attempts }: JobDocument, ticket: string, now: number): Promise<StoredJob | null> {
		const document = await jobs.findOneAndUpdate({ _id, status, attempts }, { $set: requeued(ticket, now), $inc: { sequence: 1 } }, after);
		if (document === null) return null;
		await failures.deleteMany({ jobId: _id });
		return storedJob(document);
	}

	async function openBatchOf({ _id, openBatch }: JobDocument): Promise<string | null> {
		if (openBatch === null) return null;
		const parts = await batches.find({ jobId: _id, batch: openBatch }, { sort: { part: 1 } }).toArray();
		return parts.map(({ entries }) => entries).join("");
	}

	/** All failures of the layer, with these: an entry that is among them already is not there twice. */
	async function addFailures({ id, at, backend, failures: added }: EndedBatch): Promise<number> {
		if (added.length > 0) {
			const documents = added.map(({ entryId, failure }, i) => ({
				_id: `${id}:${entryId}`,
				jobId: id,
				order: at * ORDERS_A_MS + i,
				backend,
				entryId,
				failure: JSON.stringify(failure),
			}));
			const last = await failures.findOne({ jobId: id }, { sort: { order: -1 }, projection: { order: 1 } });
			const base = Math.max(at * ORDERS_A_MS, (last?.order ?? 0) + 1);
			await failures
				.insertMany(
					documents.map((document, i) => ({ ...document, order: base + i })),
					{ ordered: false },
				)
				.catch((error: { readonly code?: number }) => {
					if (error.code !== DUPLICATE_KEY) throw error;
				});
		}
		return failures.countDocuments({ jobId: id, backend });
	}

	return {
		async submit({ job }) {
			if (job.idempotencyKey === null) return { stored: storedJob((await insert(job, job.id)) as JobDocument), fresh: true };
			for (;;) {
				const used = { requestedBy: job.requestedBy, idempotencyKey: job.idempotencyKey };
				const earlier = await jobs.findOne(used, { sort: { order: -1 } });
				if (earlier === null || earlier.createdAt <= job.createdAt - DAY_MS) {
					const made = await insert(job, idOfKey(job, earlier?._id ?? ""));
					if (made !== "taken") return { stored: storedJob(made), fresh: true };
					continue;
				}
				if (earlier.inputDigest !== job.inputDigest)
					throw new CachewardenError("CONFLICT", { key: "error.idempotencyConflict", facts: {} });
				if (earlier.status !== "FAILED") return { stored: storedJob(earlier), fresh: false };
				const again = await runAgain(earlier, job.ticket, job.createdAt);
				if (again !== null) return { stored: again, fresh: true };
			}
		},

		async retry({ id, ticket, now }) {
			for (;;) {
				const document = await find(id);
				if (document.status !== "FAILED" && document.status !== "CANCELLED")
					throw new CachewardenError("CONFLICT", { key: "error.jobNotRetryable", facts: { status: document.status } });
				const again = await runAgain(document, ticket, now);
				if (again !== null) return again;
			}
		},

		async withdraw({ id, attempt, now }) {
			const queued = { _id: id, status: "QUEUED", attempts: attempt } as const;
			if (attempt === 0) return (await jobs.deleteOne(queued)).deletedCount > 0;
			const error: Failure = { code: "QUEUE_UNAVAILABLE", said: { key: "error.queueUnavailable", facts: {} } };
			const ended = { status: "FAILED", finishedAt: now, updatedAt: now, error: JSON.stringify(error) } as const;
			return (await jobs.updateOne(queued, { $set: ended, $inc: { sequence: 1 } })).modifiedCount > 0;
		},

		async begin({ id, attempt, sequence, at }) {
			const document = await jobs.findOneAndUpdate(
				{ _id: id, status: "QUEUED", attempts: attempt },
				[{ $set: { status: "RUNNING", attempts: attempt + 1, startedAt: { $ifNull: ["$startedAt", at] }, sequence, updatedAt: at } }],
				after,
			);
			if (document === null) throw new OvertakenError(id);
			return { ...storedJob(document), openBatch: await openBatchOf(document) };
		},

		async orphaned({ id, attempt, now }) {
			const document = await jobs.findOneAndUpdate(
				{ _id: id, status: "RUNNING", attempts: attempt },
				{ $set: { status: "QUEUED", updatedAt: now }, $inc: { deaths: 1, sequence: 1 } },
				after,
			);
			return document === null ? null : storedJob(document);
		},

		async report(taken) {
			await step(taken, {});
		},

		async checkpoint({ checkpoint, ...taken }) {
			await step(taken, { $set: { checkpoint } });
		},

		async beginBatch({ entries, checkpoint, ...taken }) {
			const { batches: number } = await step(taken, { $inc: { batches: 1 } });
			// With the attempt in it, what an overtaken attempt may still write is no part of another's batch.
			const batch = `${taken.attempt}-${number}`;
			const parts = entries.match(new RegExp(`[^]{1,${PART_LENGTH}}`, "g")) ?? [];
			await batches.insertMany(
				parts.map((part, i) => ({ _id: `${taken.id}:${batch}:${i}`, jobId: taken.id, batch, part: i, entries: part })),
			);
			await step(taken, { $set: { checkpoint, openBatch: batch } });
			await batches.deleteMany({ jobId: taken.id, batch: { $ne: batch } });
		},

		async endBatch(ended) {
			const { id, attempt, sequence, at, report, backend, checkpoint, loadedEntries = 0, loadedBytes = 0 } = ended;
			const failedEntries = await addFailures(ended);
			const path = `counts.${backend}` as const;
			const document = await step(
				{ id, attempt, sequence, at, report },
				{
					$set: { checkpoint, openBatch: null, [`${path}.failedEntries`]: failedEntries },
					$inc: {
						[`${path}.deletedEntries`]: ended.deletedEntries,
						[`${path}.freedBytes`]: ended.freedBytes,
						[`${path}.skippedEntries`]: ended.skippedEntries,
						...(loadedEntries === 0 ? {} : { [`${path}.loadedEntries`]: loadedEntries, [`${path}.loadedBytes`]: loadedBytes }),
					},
				},
			);
			return { ...NO_COUNTS, ...document.counts[backend] } satisfies LayerCounts;
		},

		async end({ status, error, ...taken }) {
			const ended = { status, finishedAt: taken.at, error: error === null ? null : JSON.stringify(error), auditPending: true };
			const held = { _id: taken.id, status: { $in: ["QUEUED", "RUNNING"] as const }, attempts: taken.attempt };
			const document = await jobs.findOneAndUpdate(
				{ ...held, status: { $in: [...held.status.$in] } },
				{ $set: { ...stepped(taken), ...ended } },
				after,
			);
			if (document !== null) return storedJob(document);
			// The answer to the first try may have been lost.
			const now = await find(taken.id);
			if (now.attempts === taken.attempt && now.status === status && now.sequence === taken.sequence) return storedJob(now);
			throw new OvertakenError(taken.id);
		},

		async handBack(taken) {
			return storedJob(await step(taken, { $set: { status: "QUEUED" } }));
		},

		async requestCancel(id) {
			await jobs.updateOne({ _id: id }, { $set: { cancelRequested: true } });
		},

		async recorded(id) {
			await jobs.updateOne({ _id: id }, { $set: { auditPending: false } });
		},

		async pruneSome(before) {
			const old = await jobs
				.find({ finishedAt: { $lt: before }, auditPending: false }, { projection: { _id: 1 }, limit: PRUNE_SLICE })
				.toArray();
			const ids = old.map(({ _id }) => _id);
			if (ids.length === 0) return 0;
			await failures.deleteMany({ jobId: { $in: ids } });
			await batches.deleteMany({ jobId: { $in: ids } });
			await jobs.deleteMany({ _id: { $in: ids } });
			return ids.length;
		},
	};
}
