/** What the REST facade takes and gives. The OpenAPI document is made of these. */
import { z } from "zod";
import { BACKEND_KINDS } from "../../core/entry.js";
import { ERRORS, type ErrorCode } from "../../core/errors.js";
import { JOB_KINDS, JOB_STATUSES } from "../../core/job.js";

const MAX_DAYS = 30;
const DEFAULT_DAYS = 7;
const MAX_PAGE_SIZE = 100;
const DEFAULT_PAGE_SIZE = 20;

const count = z.int().min(0);
const time = z.iso.datetime();
const backend = z.enum(BACKEND_KINDS);
const status = z.enum(JOB_STATUSES);
const code = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);

export const cleanupQuery = z.object({
	days: z.int().min(1).max(MAX_DAYS).default(DEFAULT_DAYS).describe("Entries older than so many days are removed / 清理多少天前的缓存"),
});

export const detailsQuery = z.object({
	page: z.int().min(1).default(1).describe("Counted from 1 / 页码，从 1 开始"),
	page_size: z.int().min(1).max(MAX_PAGE_SIZE).default(DEFAULT_PAGE_SIZE).describe("Entries a page / 每页条数"),
});

const names = z.array(z.string());
export const refreshBody = z.object({
	types: names.optional(),
	symbols: names.optional(),
	ids: names.optional().describe("Entries by their ids / 条目标识"),
	expiredOnly: z.boolean().optional(),
});
export const warmUpBody = z.object({
	loader: z.string().describe("A loader by its configured name / 已配置的加载器名称"),
	symbols: names,
	target: backend.optional(),
});

export const jobPath = z.object({ id: z.string() });

export const statsData = z.object({
	totalFiles: count.describe("Entries over every layer"),
	totalSize: count.describe("Bytes"),
	maxSize: count.describe("Bytes; 1073741824 unless a quota is configured"),
	stockDataCount: count,
	newsDataCount: count,
	analysisDataCount: count.describe("Fundamentals"),
});

const layerShare = z.object({
	backend,
	status,
	deleted: count,
	freedBytes: count,
	failed: count,
	error: z.object({ code, message: z.string() }).nullable(),
});

/** Of a removal that has ended; `failed` and `byBackend` only when it did so partly. */
const removed = {
	jobId: z.string(),
	deleted: count.describe("Entries removed"),
	freedBytes: count,
	failed: count.optional().describe("Entries that could not be removed; each is named in the job's failures"),
	byBackend: z.array(layerShare).optional(),
};
export const clearedData = z.object(removed);
export const cleanedUpData = z.object({ days: z.int(), ...removed });
/** Of one that still runs. */
export const runningData = z.object({ jobId: z.string() });
export const cleaningUpData = z.object({ days: z.int(), jobId: z.string() });

export const detailsData = z.object({
	items: z.array(
		z.object({
			id: z.string(),
			key: z.string(),
			backend,
			type: z.string(),
			symbol: z.string().nullable(),
			size: count.describe("Bytes"),
			created_at: time.nullable(),
			last_accessed: time.nullable(),
			hit_count: count.nullable(),
		}),
	),
	total: count.describe("Entries on all pages"),
	page: z.int(),
	page_size: z.int(),
});

export const backendInfoData = z.object({
	system: z.enum(["adaptive", "file"]),
	primary_backend: z.enum(["redis", "mongodb", "file"]),
	fallback_enabled: z.boolean(),
	mongodb_available: z.boolean(),
	redis_available: z.boolean(),
});

const failure = z.object({ code, message: z.string() }).nullable();

export const jobData = z.object({
	id: z.string(),
	batchId: z.string().nullable(),
	kind: z.enum(JOB_KINDS),
	status,
	requestedBy: z.string(),
	input: z.record(z.string(), z.unknown()),
	createdAt: time,
	startedAt: time.nullable(),
	finishedAt: time.nullable(),
	attempts: count,
	progress: z.object({
		sequence: count,
		status,
		phase: z.string().nullable(),
		processed: count,
		total: count.nullable(),
		percent: z.number().min(0).max(100).nullable(),
		matchedEntries: count,
		deletedEntries: count,
		freedBytes: count,
		failedEntries: count,
		skippedEntries: count,
		loadedEntries: count,
		loadedBytes: count,
		etaSeconds: z.number().nullable(),
		byBackend: z.array(
			z.object({
				backend,
				status,
				processed: count,
				total: count.nullable(),
				deletedEntries: count,
				freedBytes: count,
				loadedEntries: count,
				error: z.string().nullable(),
			}),
		),
		steps: z.array(z.object({ name: z.string(), status, durationMs: z.number().nullable(), error: z.string().nullable() })),
		at: time,
	}),
	error: failure,
});

export function successOf<Data extends z.ZodType>(data: Data) {
	return z.object({ success: z.literal(true), data, message: z.string(), timestamp: time });
}

export const failureAnswer = z.object({
	success: z.literal(false),
	data: z.null(),
	message: z.string(),
	detail: z.string().describe("The message again, where clients of the original system look for it"),
	code,
	timestamp: time,
});
