import { Field, Float, ID, Int, ObjectType } from "type-graphql";
import type { BackendKind } from "../core/entry.js";
import type { ErrorCode } from "../core/errors.js";
import type { Job, JobKind, JobStatus } from "../core/job.js";
import { BackendKindEnum, ErrorCodeEnum, JobKindEnum, JobStatusEnum } from "./enums.js";
import { NodeType, PageInfoType } from "./node.js";
import { DateTime, Json, SafeInt } from "./scalars.js";

@ObjectType("BackendProgress", { simpleResolvers: true })
export class BackendProgressType {
	@Field(() => BackendKindEnum)
	backend!: BackendKind;

	@Field(() => JobStatusEnum)
	status!: JobStatus;

	@Field(() => SafeInt)
	processed!: number;

	@Field(() => SafeInt, { nullable: true })
	total!: number | null;

	@Field(() => SafeInt)
	deletedEntries!: number;

	@Field(() => SafeInt)
	freedBytes!: number;

	@Field(() => SafeInt)
	loadedEntries!: number;

	@Field(() => String, { nullable: true })
	error!: string | null;
}

@ObjectType("JobStep", { simpleResolvers: true })
export class JobStepType {
	@Field(() => String)
	name!: string;

	@Field(() => JobStatusEnum)
	status!: JobStatus;

	@Field(() => Float, { nullable: true })
	durationMs!: number | null;

	@Field(() => String, { nullable: true })
	error!: string | null;
}

@ObjectType("JobProgress", { simpleResolvers: true })
export class JobProgressType {
	@Field(() => ID, { description: "The job's id, for normalised caches." })
	id!: string;

	@Field(() => ID)
	jobId!: string;

	@Field(() => SafeInt, {
		description: "Strictly rises and never repeats for a subscriber; a superseded state may be missing, the last one always arrives.",
	})
	sequence!: number;

	@Field(() => JobStatusEnum)
	status!: JobStatus;

	@Field(() => String, { nullable: true })
	phase!: string | null;

	@Field(() => SafeInt, { description: "deleted + failed + skipped" })
	processed!: number;

	@Field(() => SafeInt, { nullable: true })
	total!: number | null;

	@Field(() => Float, { nullable: true })
	percent!: number | null;

	@Field(() => SafeInt)
	matchedEntries!: number;

	@Field(() => SafeInt)
	deletedEntries!: number;

	@Field(() => SafeInt)
	freedBytes!: number;

	@Field(() => SafeInt, { description: "Could not be removed; each is named in the job's failures." })
	failedEntries!: number;

	@Field(() => SafeInt, { description: "Matched when selected, but newer or gone when their turn came; left alone." })
	skippedEntries!: number;

	@Field(() => SafeInt, { description: "Put in place by a refresh or a warm-up, with their bytes; they count as processed." })
	loadedEntries!: number;

	@Field(() => SafeInt)
	loadedBytes!: number;

	@Field(() => Float, { nullable: true })
	etaSeconds!: number | null;

	@Field(() => [BackendProgressType])
	byBackend!: readonly BackendProgressType[];

	@Field(() => [JobStepType])
	steps!: readonly JobStepType[];

	@Field(() => DateTime)
	at!: number;
}

@ObjectType("JobError", { simpleResolvers: true, description: "A job that was accepted and failed is data, not a GraphQL error." })
export class JobErrorType {
	@Field(() => ErrorCodeEnum)
	code!: ErrorCode;

	@Field(() => String)
	message!: string;
}

@ObjectType("EntryError", { simpleResolvers: true })
export class EntryErrorType {
	@Field(() => ID)
	id!: string;

	@Field(() => ErrorCodeEnum)
	code!: ErrorCode;

	@Field(() => String)
	message!: string;
}

@ObjectType("EntryErrorEdge", { simpleResolvers: true })
export class EntryErrorEdgeType {
	@Field(() => String)
	cursor!: string;

	@Field(() => EntryErrorType)
	node!: EntryErrorType;
}

@ObjectType("EntryErrorConnection", { simpleResolvers: true })
export class EntryErrorConnectionType {
	@Field(() => [EntryErrorEdgeType])
	edges!: readonly EntryErrorEdgeType[];

	@Field(() => [EntryErrorType])
	nodes!: readonly EntryErrorType[];

	@Field(() => PageInfoType)
	pageInfo!: PageInfoType;

	@Field(() => SafeInt)
	totalCount!: number;
}

/** Its value is the domain's job; what reads in the caller's language is resolved when asked for. */
@ObjectType("Job", { implements: NodeType, simpleResolvers: true })
export class JobType {
	@Field(() => ID)
	id!: string;

	@Field(() => ID, { nullable: true })
	batchId!: string | null;

	@Field(() => JobKindEnum)
	kind!: JobKind;

	@Field(() => JobStatusEnum)
	status!: JobStatus;

	@Field(() => String)
	requestedBy!: string;

	@Field(() => Json)
	input!: Job["input"];

	@Field(() => DateTime)
	createdAt!: number;

	@Field(() => DateTime, { nullable: true })
	startedAt!: number | null;

	@Field(() => DateTime, { nullable: true })
	finishedAt!: number | null;

	@Field(() => Int)
	attempts!: number;
}

@ObjectType("JobEdge", { simpleResolvers: true })
export class JobEdgeType {
	@Field(() => String)
	cursor!: string;

	@Field(() => JobType)
	node!: JobType;
}

@ObjectType("JobConnection", { simpleResolvers: true })
export class JobConnectionType {
	@Field(() => [JobEdgeType])
	edges!: readonly JobEdgeType[];

	@Field(() => [JobType])
	nodes!: readonly JobType[];

	@Field(() => PageInfoType)
	pageInfo!: PageInfoType;

	@Field(() => SafeInt)
	totalCount!: number;
}

@ObjectType("JobPayload", { simpleResolvers: true })
export class JobPayloadType {
	@Field(() => JobType)
	job!: JobType;
}

@ObjectType("DeleteEntriesPayload", { simpleResolvers: true })
export class DeleteEntriesPayloadType {
	@Field(() => JobType)
	job!: JobType;

	@Field(() => [ID])
	deletedIds!: readonly string[];

	@Field(() => SafeInt)
	freedBytes!: number;

	@Field(() => [EntryErrorType])
	errors!: readonly EntryErrorType[];
}

@ObjectType("UserQueueStats", { simpleResolvers: true })
export class UserQueueStatsType {
	@Field(() => SafeInt)
	pending!: number;

	@Field(() => SafeInt)
	processing!: number;

	@Field(() => Int)
	concurrencyLimit!: number;
}

@ObjectType("QueueStats", { simpleResolvers: true })
export class QueueStatsType {
	@Field(() => String)
	engine!: string;

	@Field(() => SafeInt)
	queued!: number;

	@Field(() => SafeInt)
	running!: number;

	@Field(() => SafeInt)
	completed!: number;

	@Field(() => SafeInt)
	failed!: number;

	@Field(() => Int)
	workers!: number;

	@Field(() => UserQueueStatsType)
	mine!: UserQueueStatsType;
}
