import type { mongo } from "mongoose";
import { DAY_MS } from "../../core/clock.js";
import { CachewardenError, type Failure } from "../../core/errors.js";
import type { EntryFailure, JobStatus } from "../../core/job.js";
import type { Page, PageRequest } from "../../core/page.js";
import type { JobFilter } from "../port.js";
import type { QueuedReads } from "../records.js";
import { jobIdOfBatch } from "../splitting.js";
import { type FailureDocument, type JobCollections, type JobDocument, storedJob } from "./job-documents.js";

const UNFINISHED: JobStatus[] = ["QUEUED", "RUNNING"];

export function jobReads({ jobs, failures }: JobCollections): QueuedReads {
	async function counted(match: mongo.Filter<JobDocument>): Promise<Partial<Record<JobStatus, number>>> {
		const groups = await jobs
			.aggregate<{ _id: JobStatus; count: number }>([{ $match: match }, { $group: { _id: "$status", count: { $sum: 1 } } }])
			.toArray();
		return Object.fromEntries(groups.map(({ _id, count }) => [_id, count]));
	}

	return {
		async get(id) {
			const document = await jobs.findOne({ _id: id });
			return document === null ? null : storedJob(document);
		},

		async findByKey({ userId, key, now }) {
			const query = { requestedBy: userId, idempotencyKey: key, createdAt: { $gt: now - DAY_MS } };
			const document = await jobs.findOne(query, { sort: { order: -1 } });
			return document === null ? null : storedJob(document);
		},

		list: ({ filter, page }) => pageOf(jobs, conditionsOf(filter), "DESC", page, storedJob),

		failures: ({ jobId, page }) =>
			pageOf(
				failures,
				{ jobId },
				"ASC",
				page,
				({ entryId, failure }: FailureDocument): EntryFailure => ({ entryId, failure: JSON.parse(failure) as Failure }),
			),

		countByStatus: () => counted({}),
		countByStatusOf: (userId) => counted({ requestedBy: userId }),

		async unfinishedTickets() {
			const found = jobs.find({ $or: [{ status: { $in: UNFINISHED } }, { auditPending: true }] }, { projection: { ticket: 1 } });
			return (await found.toArray()).map(({ ticket }) => ticket);
		},

		async unfinished() {
			return (await jobs.find({ status: { $in: UNFINISHED } }, { sort: { order: 1 } }).toArray()).map(storedJob);
		},

		async unrecorded(before) {
			return (await jobs.find({ auditPending: true, finishedAt: { $lt: before } }, { sort: { order: 1 } }).toArray()).map(storedJob);
		},

		async cancelRequested(ids) {
			const found = jobs.find({ _id: { $in: [...ids] }, cancelRequested: true }, { projection: { _id: 1 } });
			return (await found.toArray()).map(({ _id }) => _id);
		},
	};
}

function conditionsOf({ kinds, statuses, requestedBy, batchId }: JobFilter): mongo.Filter<JobDocument> {
	return {
		...(kinds === undefined ? {} : { kind: { $in: [...kinds] } }),
		...(statuses === undefined ? {} : { status: { $in: [...statuses] } }),
		...(requestedBy === undefined ? {} : { requestedBy }),
		...(batchId === undefined ? {} : { _id: jobIdOfBatch(batchId), report: /"split":true/ }),
	};
}

/** A page of a collection in the order of its `order`, which is its cursor. */
async function pageOf<Document extends { readonly order: number }, T>(
	collection: mongo.Collection<Document>,
	conditions: mongo.Filter<Document>,
	order: "ASC" | "DESC",
	{ direction, limit, cursor }: PageRequest,
	read: (document: Document) => T,
): Promise<Page<T> & { readonly totalCount: number }> {
	const ascending = (direction === "forward") === (order === "ASC");
	const at = cursor === null ? null : orderOf(cursor);
	const from = (bounds: object): mongo.Filter<Document> =>
		at === null ? conditions : ({ $and: [conditions, { order: bounds }] } as unknown as mongo.Filter<Document>);
	const [documents, behind, totalCount] = await Promise.all([
		collection
			.find(from(ascending ? { $gt: at } : { $lt: at }), { sort: { order: ascending ? 1 : -1 }, limit: limit + 1 })
			.toArray() as Promise<Document[]>,
		at === null ? null : collection.findOne(from(ascending ? { $lte: at } : { $gte: at }), { projection: { _id: 1 } }),
		collection.countDocuments(conditions),
	]);
	const more = documents.length > limit;
	const shown = documents.slice(0, limit);
	if (direction === "backward") shown.reverse();
	return {
		items: shown.map((document) => ({ cursor: `n${document.order}`, node: read(document) })),
		hasNextPage: direction === "forward" ? more : behind !== null,
		hasPreviousPage: direction === "forward" ? behind !== null : more,
		totalCount,
	};
}

function orderOf(cursor: string): number {
	const [, order] = /^n(\d{1,16})$/.exec(cursor) ?? [];
	if (order === undefined) throw new CachewardenError("BAD_USER_INPUT", { key: "error.badCursor", facts: {} });
	return Number(order);
}
