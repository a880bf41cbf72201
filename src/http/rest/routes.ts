/** The calls of the original system. Each decodes, calls one operation, and encodes. */
import type { z } from "zod";
import type { Call } from "../../core/actor.js";
import { CachewardenError, type ErrorCode, type Said } from "../../core/errors.js";
import { hasEnded, type Job } from "../../core/job.js";
import type { OperationName } from "../../core/roles.js";
import type { Operations } from "../../operations/operations.js";
import { encodeBackendInfo, encodeEntry, encodeJob, encodeRemoval, encodeStats } from "./encode.js";
import {
	backendInfoData,
	cleanedUpData,
	cleaningUpData,
	cleanupQuery,
	clearedData,
	detailsData,
	detailsQuery,
	jobData,
	jobPath,
	refreshBody,
	runningData,
	statsData,
	warmUpBody,
} from "./shapes.js";

export interface RestAnswer {
	/** 200 unless said otherwise. */
	readonly status?: 202;
	readonly data: unknown;
	readonly said: Said;
}

export interface RestRoute {
	readonly method: "GET" | "DELETE" | "POST";
	/** Below `/api/cache`, in Fastify's form. */
	readonly path: string;
	/** Whose permission is needed. */
	readonly operation: OperationName;
	readonly summary: string;
	/** Where the parameters stand, and what they must be. */
	readonly parameters?: { readonly in: "query" | "path" | "body"; readonly shape: z.ZodObject };
	/** `data` of each answer, by status. */
	readonly answers: Readonly<Partial<Record<200 | 202, z.ZodType>>>;
	/** Codes that it fails with, beside those that every call may fail with. */
	readonly failures: readonly ErrorCode[];
	run(operations: Operations, call: Call, input: Readonly<Record<string, unknown>>): Promise<RestAnswer>;
}

/** Ties what `run` is given to the shape that checked it, and what it answers to the shapes that describe it. */
function route<Shape extends z.ZodObject, Answers extends RestRoute["answers"]>(
	definition: Omit<RestRoute, "run" | "parameters" | "answers"> & {
		readonly parameters?: { readonly in: "query" | "path" | "body"; readonly shape: Shape };
		readonly answers: Answers;
		run(
			operations: Operations,
			call: Call,
			input: z.output<Shape>,
		): Promise<Omit<RestAnswer, "data"> & { readonly data: { [Status in keyof Answers]: z.output<Answers[Status]> }[keyof Answers] }>;
	},
): RestRoute {
	return definition as unknown as RestRoute;
}

function said(key: Said["key"], facts: Said["facts"] = {}): Said {
	return { key, facts };
}

/** Why a change is not accepted, besides its input. */
const NOT_ACCEPTED = ["QUEUE_FULL", "QUEUE_UNAVAILABLE", "AUDIT_UNAVAILABLE"] as const satisfies readonly ErrorCode[];

const STILL_RUNNING = { status: 202, said: said("rest.stillRunning") } as const;

/** False while it runs. A removal that came to nothing is the failure of the table; why, its cause says in the log. */
function hasRemoved(job: Job, failure: ErrorCode): boolean {
	if (!hasEnded(job.status)) return false;
	if (job.status === "FAILED") throw new CachewardenError(failure, undefined, { cause: { jobId: job.id, error: job.error } });
	if (job.status === "CANCELLED") throw new CachewardenError("CANCELLED");
	return true;
}

export const REST_ROUTES: readonly RestRoute[] = [
	route({
		method: "GET",
		path: "/stats",
		operation: "cacheStats",
		summary: "Totals over every layer / 缓存统计",
		answers: { 200: statsData },
		failures: ["CACHE_STATS_FAILED"],
		run: async (operations, call) => ({ data: encodeStats(await operations.cacheStats(call, {})), said: said("rest.stats") }),
	}),

	route({
		method: "DELETE",
		path: "/cleanup",
		operation: "cleanup",
		summary: "Removes what is older than so many days, from every layer / 清理过期缓存",
		parameters: { in: "query", shape: cleanupQuery },
		answers: { 200: cleanedUpData, 202: cleaningUpData },
		failures: ["CACHE_CLEANUP_FAILED", "CANCELLED", ...NOT_ACCEPTED],
		async run(operations, call, { days }) {
			const job = await operations.cleanup(call, { olderThanDays: days, wait: true });
			if (!hasRemoved(job, "CACHE_CLEANUP_FAILED")) return { ...STILL_RUNNING, data: { days, jobId: job.id } };
			return { data: { days, ...encodeRemoval(call.locale, job) }, said: said("rest.cleanedUp", { days }) };
		},
	}),

	route({
		method: "DELETE",
		path: "/clear",
		operation: "clear",
		summary: "Removes everything, from every layer / 清空所有缓存",
		answers: { 200: clearedData, 202: runningData },
		failures: ["CACHE_CLEAR_FAILED", "CANCELLED", ...NOT_ACCEPTED],
		async run(operations, call) {
			const job = await operations.clear(call, { confirm: true, wait: true });
			if (!hasRemoved(job, "CACHE_CLEAR_FAILED")) return { ...STILL_RUNNING, data: { jobId: job.id } };
			return { data: encodeRemoval(call.locale, job), said: said("rest.cleared") };
		},
	}),

	route({
		method: "GET",
		path: "/details",
		operation: "cacheDetails",
		summary: "Every entry of every layer, the newest first, by pages / 缓存详情",
		parameters: { in: "query", shape: detailsQuery },
		answers: { 200: detailsData },
		failures: ["CACHE_DETAILS_FAILED"],
		async run(operations, call, { page, page_size }) {
			const { entries, total } = await operations.cacheDetailsPage(call, page, page_size);
			return { data: { items: entries.map(encodeEntry), total, page, page_size }, said: said("rest.details") };
		},
	}),

	route({
		method: "GET",
		path: "/backend-info",
		operation: "backendInfo",
		summary: "Which layers there are, and whether they can be reached / 缓存后端信息",
		answers: { 200: backendInfoData },
		failures: [],
		run: async (operations, call) => ({ data: encodeBackendInfo(await operations.backendInfo(call)), said: said("rest.backendInfo") }),
	}),

	route({
		method: "POST",
		path: "/refresh",
		operation: "refresh",
		summary: "Loads entries again; the old value stays until the new one is in / 刷新缓存",
		parameters: { in: "body", shape: refreshBody },
		answers: { 202: runningData },
		failures: NOT_ACCEPTED,
		async run(operations, call, input) {
			return { status: 202, data: { jobId: (await operations.refresh(call, input)).id }, said: said("rest.refresh") };
		},
	}),

	route({
		method: "POST",
		path: "/warm-up",
		operation: "warmUp",
		summary: "Loads entries before anyone asks for them / 预热缓存",
		parameters: { in: "body", shape: warmUpBody },
		answers: { 202: runningData },
		failures: NOT_ACCEPTED,
		async run(operations, call, input) {
			return { status: 202, data: { jobId: (await operations.warmUp(call, input)).id }, said: said("rest.warmUp") };
		},
	}),

	route({
		method: "GET",
		path: "/jobs/:id",
		operation: "job",
		summary: "A job with its progress; one's own, ADMIN all / 任务及其进度",
		parameters: { in: "path", shape: jobPath },
		answers: { 200: jobData },
		failures: ["NOT_FOUND"],
		async run(operations, call, { id }) {
			const job = await operations.job(call, id);
			if (job === null) throw new CachewardenError("NOT_FOUND", said("error.jobNotFound"));
			return { data: encodeJob(call.locale, job), said: said("rest.job") };
		},
	}),
];
