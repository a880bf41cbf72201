/**
 * Everything that can be asked of the program, once. Resolvers, routes and commands decode, call one of these, and encode.
 * Each checks the permission first; one that changes something records its intent, works, and records its outcome.
 */
import type { AuditEntry, AuditFilter, AuditStats, AuditVerification } from "../audit/port.js";
import type { BackendStatus, EntryPreview } from "../backends/backend.js";
import type { CatalogStats, EntrySlice } from "../catalog/port.js";
import type { Actor, Call } from "../core/actor.js";
import type { BackendKind, Entry, EntryStatus, EntryTally } from "../core/entry.js";
import type { CachewardenError } from "../core/errors.js";
import type { EntryFailure, Job, JobKind } from "../core/job.js";
import type { ModelCapability, ModelConfig } from "../core/model-capability.js";
import type { Page } from "../core/page.js";
import type { OperationName } from "../core/roles.js";
import type { Schedule } from "../core/schedule.js";
import type { EntryOrder } from "../core/selection.js";
import type { HistoryBucket, HistoryPoint } from "../history/port.js";
import type { JobFilter, QueueCounts } from "../jobs/port.js";
import type { ExportFormat } from "./audit-export.js";
import type { HeldJob } from "./quarantine-keeper.js";
import type { Unrestorable } from "./unrestorable.js";

/** Relay's arguments as a caller gives them, unchecked; null and absent are the same. */
export interface PageArguments {
	readonly first?: number | null | undefined;
	readonly after?: string | null | undefined;
	readonly last?: number | null | undefined;
	readonly before?: string | null | undefined;
}

/** Null and absent mean no restriction. */
export interface SelectionInput {
	readonly backends?: readonly BackendKind[] | null | undefined;
	readonly types?: readonly string[] | null | undefined;
	readonly symbols?: readonly string[] | null | undefined;
	readonly sources?: readonly string[] | null | undefined;
}

export interface DetailsInput extends PageArguments {
	readonly filter?:
		| (SelectionInput & {
				readonly statuses?: readonly EntryStatus[] | null | undefined;
				readonly keyContains?: string | null | undefined;
				readonly olderThanDays?: number | null | undefined;
				readonly minBytes?: number | null | undefined;
		  })
		| null
		| undefined;
	readonly orderBy?: EntryOrder | null | undefined;
}

export interface CleanupInput extends SelectionInput {
	/** Whole days, 1 to 3650; 7 when absent. */
	readonly olderThanDays?: number | null | undefined;
	readonly planId?: string | null | undefined;
	/** Files are kept for a while, so that they can be brought back; as configured when absent. */
	readonly quarantine?: boolean | null | undefined;
	readonly wait?: boolean | null | undefined;
	readonly idempotencyKey?: string | null | undefined;
}

export interface ClearInput extends SelectionInput {
	readonly confirm: boolean;
	readonly planId?: string | null | undefined;
	readonly quarantine?: boolean | null | undefined;
	readonly wait?: boolean | null | undefined;
	readonly idempotencyKey?: string | null | undefined;
}

export interface RefreshInput {
	readonly types?: readonly string[] | null | undefined;
	readonly symbols?: readonly string[] | null | undefined;
	readonly ids?: readonly string[] | null | undefined;
	readonly expiredOnly?: boolean | null | undefined;
	readonly wait?: boolean | null | undefined;
	readonly idempotencyKey?: string | null | undefined;
}

export interface WarmUpInput {
	readonly loader: string;
	readonly symbols: readonly string[];
	readonly target?: BackendKind | null | undefined;
	readonly wait?: boolean | null | undefined;
	readonly idempotencyKey?: string | null | undefined;
}

export interface SyncDataSourceInput {
	readonly source: string;
	readonly symbols?: readonly string[] | null | undefined;
	readonly wait?: boolean | null | undefined;
	readonly idempotencyKey?: string | null | undefined;
}

export interface ReportSyncInput extends SyncDataSourceInput {
	readonly success: boolean;
	readonly types?: readonly string[] | null | undefined;
	readonly records?: number | null | undefined;
	readonly error?: string | null | undefined;
}

export interface CacheStats extends CatalogStats {
	readonly maxBytes: number | null;
	/** What lies in quarantine; it is in no other number. */
	readonly quarantine: { readonly entries: number; readonly bytes: number };
}

export interface EntryConnection extends Page<Entry> {
	/** Asked for only when somebody wants it; the answer is kept. */
	count(): Promise<{ readonly entries: number; readonly bytes: number }>;
}

export interface Preview {
	readonly planId: string;
	readonly expiresAt: number;
	readonly tallies: readonly EntryTally[];
	/** The oldest first. */
	sample(first: number): Promise<Entry[]>;
	/** What could not be brought back afterwards. */
	unrestorable(): Promise<Unrestorable[]>;
}

export interface BackendInfo {
	readonly system: "adaptive" | "file";
	readonly primaryBackend: BackendKind;
	readonly fallbackEnabled: boolean;
	readonly backends: readonly BackendStatus[];
}

export interface DeleteEntriesResult {
	readonly job: Job;
	readonly deletedIds: readonly string[];
	readonly freedBytes: number;
	readonly errors: readonly EntryFailure[];
}

export interface CreateScheduleInput {
	readonly name: string;
	readonly cron: string;
	/** UTC when absent. */
	readonly timeZone?: string | null | undefined;
	readonly cleanup: SelectionInput & { readonly olderThanDays?: number | null | undefined };
	readonly paused?: boolean | null | undefined;
}

/** What is absent or null stays as it is; a cleanup is replaced whole. */
export type UpdateScheduleInput = { readonly [Name in keyof CreateScheduleInput]?: CreateScheduleInput[Name] | null | undefined };

export type Found =
	| { readonly kind: "schedule"; readonly schedule: Schedule }
	| { readonly kind: "entry"; readonly entry: Entry }
	| { readonly kind: "job"; readonly job: Job }
	| { readonly kind: "audit"; readonly entry: AuditEntry };

export type AuditItem = { readonly cursor: string; readonly entry: AuditEntry };

export interface UpdateModelConfigInput {
	readonly expectedVersion: number;
	readonly models: readonly ModelCapability[];
}

export interface ConfigChange {
	readonly job: Job;
	readonly status: "APPLIED" | "ROLLED_BACK";
	/** In force now. */
	readonly config: ModelConfig;
}

/** Several operations in steps; made in the workflows. */
export interface WorkflowOperations {
	/** Answers when the change is in force or rolled back. */
	updateModelConfig(call: Call, input: UpdateModelConfigInput): Promise<ConfigChange>;
	/** Runs the source's sync, then clears what it made stale. */
	syncDataSource(call: Call, input: SyncDataSourceInput): Promise<Job>;
	/** The same from the outcome of a sync that ran elsewhere. */
	reportDataSourceSync(call: Call, input: ReportSyncInput): Promise<Job>;
}

export interface Operations extends WorkflowOperations {
	viewer(call: Call): Promise<{ readonly actor: Actor; readonly can: readonly OperationName[] }>;
	/** Null for an id of nothing, or of something that the caller may not see. */
	node(call: Call, id: string): Promise<Found | null>;
	cacheStats(
		call: Call,
		input: { readonly backends?: readonly BackendKind[] | null | undefined; readonly fresh?: boolean | null | undefined },
	): Promise<CacheStats>;
	cacheDetails(call: Call, input: DetailsInput): Promise<EntryConnection>;
	/** `cacheDetails` in its usual order by number: `page` from 1 on, at the same cost for each. Behind the last page there are no entries. */
	cacheDetailsPage(call: Call, page: number, pageSize: number): Promise<EntrySlice>;
	cacheEntry(call: Call, id: string): Promise<Entry | null>;
	/** Null when the entry is gone. */
	entryPreview(call: Call, id: string, maxBytes: number): Promise<EntryPreview | null>;
	backendInfo(call: Call): Promise<BackendInfo>;
	cleanupPreview(call: Call, input: CleanupInput, all: boolean): Promise<Preview>;
	cleanup(call: Call, input: CleanupInput): Promise<Job>;
	clear(call: Call, input: ClearInput): Promise<Job>;
	deleteEntries(call: Call, ids: readonly string[]): Promise<DeleteEntriesResult>;
	/** What lies in quarantine and can be brought back: of one's own jobs, ADMIN of all. The oldest first. */
	quarantine(call: Call): Promise<readonly HeldJob[]>;
	/** Brings back what a cleanup or clear has in quarantine. */
	restoreJob(call: Call, id: string, wait: boolean): Promise<Job>;
	/** Loads entries again; each stays as it is until its new value is in. */
	refresh(call: Call, input: RefreshInput): Promise<Job>;
	/** Loads entries before anybody asks for them. */
	warmUp(call: Call, input: WarmUpInput): Promise<Job>;
	modelConfig(call: Call): Promise<ModelConfig>;
	/** Null for an unknown model. */
	modelCapability(call: Call, model: string): Promise<ModelCapability | null>;
	job(call: Call, id: string): Promise<Job | null>;
	jobs(call: Call, filter: JobFilter | null, page: PageArguments): Promise<Page<Job> & { readonly totalCount: number }>;
	jobFailures(call: Call, jobId: string, page: PageArguments): Promise<Page<EntryFailure> & { readonly totalCount: number }>;
	queueStats(call: Call): Promise<QueueCounts>;
	cancelJob(call: Call, id: string): Promise<Job>;
	retryJob(call: Call, id: string): Promise<Job>;
	/** The oldest first: one's own, ADMIN all. */
	schedules(call: Call): Promise<readonly Schedule[]>;
	createSchedule(call: Call, input: CreateScheduleInput): Promise<Schedule>;
	updateSchedule(call: Call, id: string, input: UpdateScheduleInput): Promise<Schedule>;
	deleteSchedule(call: Call, id: string): Promise<void>;
	/** At once, beside its times, also when it is paused; as the caller's own job. */
	runScheduleNow(call: Call, id: string): Promise<{ readonly schedule: Schedule; readonly job: Job }>;
	auditLog(
		call: Call,
		filter: AuditFilter | null,
		page: PageArguments,
	): Promise<Page<AuditEntry> & { readonly totalCount: number; readonly liveCursor: string }>;
	/** As text, newest first; read while it is taken. */
	exportAudit(call: Call, filter: AuditFilter | null, format: ExportFormat): Promise<AsyncIterableIterator<string>>;
	auditStats(call: Call, days: number, timeZone: string | null): Promise<AuditStats>;
	auditVerify(call: Call, since: number | null, until: number | null): Promise<AuditVerification>;
	cacheStatsHistory(call: Call, since: number, until: number | null, bucket: HistoryBucket): Promise<HistoryPoint[]>;
	/** Of cleanups and clears. Without jobId, of all jobs that the caller may see. */
	cleanupProgress(call: Call, jobId: string | null): Promise<AsyncIterableIterator<Job>>;
	jobProgress(call: Call, jobId: string | null, kinds: readonly JobKind[] | null): Promise<AsyncIterableIterator<Job>>;
	auditLogAdded(call: Call, after: string | null, filter: AuditFilter | null): Promise<AsyncIterableIterator<AuditItem>>;
	backendStatusChanged(call: Call): Promise<AsyncIterableIterator<BackendStatus>>;
	cacheStatsChanged(call: Call, backends: readonly BackendKind[] | null, minIntervalMs: number): Promise<AsyncIterableIterator<CacheStats>>;
	/**
	 * For a call whose input its way in can't read: throws `error`, unless the caller may not make the call at all. A change that was
	 * refused so is in the audit log like any other.
	 */
	refuse(call: Call, operation: OperationName, given: Readonly<Record<string, unknown>>, error: CachewardenError): Promise<never>;
}
