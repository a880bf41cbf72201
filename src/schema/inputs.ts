import { Field, Float, ID, InputType, Int } from "type-graphql";
import type { BackendKind, EntryStatus } from "../core/entry.js";
import type { JobKind, JobStatus } from "../core/job.js";
import type { EntryOrderField, SortDirection } from "../core/selection.js";
import { BackendKindEnum, EntryOrderFieldEnum, EntryStatusEnum, JobKindEnum, JobStatusEnum, SortDirectionEnum } from "./enums.js";
import { DateTime, SafeInt } from "./scalars.js";

@InputType("CacheEntryFilter")
export class CacheEntryFilterInput {
	@Field(() => [BackendKindEnum], { nullable: true })
	backends?: BackendKind[] | null;

	@Field(() => [String], { nullable: true })
	types?: string[] | null;

	@Field(() => [String], { nullable: true })
	symbols?: string[] | null;

	@Field(() => [String], { nullable: true })
	sources?: string[] | null;

	@Field(() => [EntryStatusEnum], { nullable: true })
	statuses?: EntryStatus[] | null;

	@Field(() => String, { nullable: true })
	keyContains?: string | null;

	@Field(() => Float, { nullable: true })
	olderThanDays?: number | null;

	@Field(() => SafeInt, { nullable: true })
	minBytes?: number | null;
}

@InputType("CacheEntryOrder")
export class CacheEntryOrderInput {
	@Field(() => EntryOrderFieldEnum, { defaultValue: "CREATED_AT" })
	field!: EntryOrderField;

	@Field(() => SortDirectionEnum, { defaultValue: "DESC" })
	direction!: SortDirection;
}

@InputType("CleanupInput")
export class CleanupInputType {
	@Field(() => Int, { nullable: true, description: "1 to 3650; 7 when absent. Strictly more than days × 86,400 s old." })
	olderThanDays?: number | null;

	@Field(() => [BackendKindEnum], { nullable: true })
	backends?: BackendKind[] | null;

	@Field(() => [String], { nullable: true })
	types?: string[] | null;

	@Field(() => [String], { nullable: true })
	symbols?: string[] | null;

	@Field(() => [String], { nullable: true })
	sources?: string[] | null;

	@Field(() => ID, {
		nullable: true,
		description: "Instead of a selection (both is BAD_USER_INPUT): a plan from cleanupPreview. An expired or unknown one is PLAN_STALE.",
	})
	planId?: string | null;

	@Field(() => Boolean, {
		nullable: true,
		description: "Files are kept in quarantine for a while, so that restoreJob can bring them back. Absent: as configured.",
	})
	quarantine?: boolean | null;

	@Field(() => Boolean, {
		defaultValue: false,
		description: "Answer when the job has ended, or after 30 s with the job still running.",
	})
	wait!: boolean;

	@Field(() => String, {
		nullable: true,
		description:
			"The same key of the same user within 24 h answers with the same job; with another input it is CONFLICT; after FAILED the job runs again as a new attempt.",
	})
	idempotencyKey?: string | null;
}

@InputType("ClearInput")
export class ClearInputType {
	@Field(() => Boolean, { description: "Must be true, or the mutation is BAD_USER_INPUT and nothing is touched." })
	confirm!: boolean;

	@Field(() => [BackendKindEnum], { nullable: true })
	backends?: BackendKind[] | null;

	@Field(() => [String], { nullable: true })
	types?: string[] | null;

	@Field(() => [String], { nullable: true })
	symbols?: string[] | null;

	@Field(() => [String], { nullable: true })
	sources?: string[] | null;

	@Field(() => ID, { nullable: true })
	planId?: string | null;

	@Field(() => Boolean, { nullable: true })
	quarantine?: boolean | null;

	@Field(() => Boolean, { defaultValue: false })
	wait!: boolean;

	@Field(() => String, { nullable: true })
	idempotencyKey?: string | null;
}

@InputType("RefreshInput")
export class RefreshInputType {
	@Field(() => [String], { nullable: true })
	types?: string[] | null;

	@Field(() => [String], { nullable: true })
	symbols?: string[] | null;

	@Field(() => [ID], { nullable: true })
	ids?: string[] | null;

	@Field(() => Boolean, { defaultValue: false })
	expiredOnly!: boolean;

	@Field(() => Boolean, { defaultValue: false })
	wait!: boolean;

	@Field(() => String, { nullable: true })
	idempotencyKey?: string | null;
}

@InputType("WarmUpInput")
export class WarmUpInputType {
	@Field(() => String)
	loader!: string;

	@Field(() => [String])
	symbols!: string[];

	@Field(() => BackendKindEnum, { nullable: true })
	target?: BackendKind | null;

	@Field(() => Boolean, { defaultValue: false })
	wait!: boolean;

	@Field(() => String, { nullable: true })
	idempotencyKey?: string | null;
}

@InputType("SyncDataSourceInput")
export class SyncDataSourceInputType {
	@Field(() => String)
	source!: string;

	@Field(() => [String], { nullable: true })
	symbols?: string[] | null;

	@Field(() => Boolean, { defaultValue: false })
	wait!: boolean;

	@Field(() => String, { nullable: true })
	idempotencyKey?: string | null;
}

@InputType("ReportSyncInput")
export class ReportSyncInputType {
	@Field(() => String)
	source!: string;

	@Field(() => Boolean)
	success!: boolean;

	@Field(() => [String], { nullable: true })
	types?: string[] | null;

	@Field(() => [String], { nullable: true })
	symbols?: string[] | null;

	@Field(() => Int, { nullable: true })
	records?: number | null;

	@Field(() => String, { nullable: true })
	error?: string | null;

	@Field(() => Boolean, { defaultValue: false })
	wait!: boolean;

	@Field(() => String, { nullable: true })
	idempotencyKey?: string | null;
}

@InputType("JobFilter")
export class JobFilterInput {
	@Field(() => [JobKindEnum], { nullable: true })
	kinds?: JobKind[] | null;

	@Field(() => [JobStatusEnum], { nullable: true })
	statuses?: JobStatus[] | null;

	@Field(() => String, { nullable: true })
	requestedBy?: string | null;

	@Field(() => ID, { nullable: true })
	batchId?: string | null;
}

@InputType("AuditLogFilter")
export class AuditLogFilterInput {
	@Field(() => String, { nullable: true })
	userId?: string | null;

	@Field(() => [String], { nullable: true })
	actionTypes?: string[] | null;

	@Field(() => Boolean, { nullable: true })
	success?: boolean | null;

	@Field(() => DateTime, { nullable: true })
	since?: Date | null;

	@Field(() => DateTime, { nullable: true })
	until?: Date | null;

	@Field(() => String, { nullable: true })
	keyword?: string | null;

	@Field(() => ID, { nullable: true })
	jobId?: string | null;

	@Field(() => Boolean, { nullable: true, description: "Entries that another program wrote into the same collection." })
	foreign?: boolean | null;
}
