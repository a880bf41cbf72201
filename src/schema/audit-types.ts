import { Field, Float, ID, Int, ObjectType } from "type-graphql";
import type { AuditProblem } from "../audit/port.js";
import type { Origin } from "../core/actor.js";
import type { ErrorCode } from "../core/errors.js";
import { AuditProblemKindEnum, ErrorCodeEnum, OriginEnum } from "./enums.js";
import { NodeType, PageInfoType } from "./node.js";
import { DateTime, Json, SafeInt } from "./scalars.js";

@ObjectType("AuditLogEntry", { implements: NodeType, simpleResolvers: true })
export class AuditLogEntryType {
	@Field(() => ID)
	id!: string;

	@Field(() => String)
	userId!: string;

	@Field(() => String)
	username!: string;

	@Field(() => OriginEnum, {
		nullable: true,
		description: "Null, like hash and sequence, on entries that another program wrote.",
	})
	origin!: Origin | null;

	@Field(() => SafeInt, { nullable: true })
	sequence!: number | null;

	@Field(() => String)
	actionType!: string;

	@Field(() => String)
	action!: string;

	@Field(() => Json)
	details!: Readonly<Record<string, unknown>>;

	@Field(() => Boolean)
	success!: boolean;

	@Field(() => ErrorCodeEnum, { nullable: true })
	errorCode!: ErrorCode | null;

	@Field(() => String, { nullable: true })
	errorMessage!: string | null;

	@Field(() => Int, { nullable: true })
	durationMs!: number | null;

	@Field(() => String, { nullable: true })
	ipAddress!: string | null;

	@Field(() => String, { nullable: true })
	userAgent!: string | null;

	@Field(() => String, { nullable: true })
	requestId!: string | null;

	@Field(() => ID, { nullable: true })
	jobId!: string | null;

	@Field(() => DateTime)
	timestamp!: number;

	@Field(() => String, { nullable: true, description: "HMAC of this entry and the one before it." })
	hash!: string | null;
}

@ObjectType("AuditLogEdge", { simpleResolvers: true })
export class AuditLogEdgeType {
	@Field(() => String)
	cursor!: string;

	@Field(() => AuditLogEntryType)
	node!: AuditLogEntryType;
}

@ObjectType("AuditLogConnection", {
	simpleResolvers: true,
	description: "Newest first. liveCursor: pass it to auditLogAdded(after) to go on from this page without gap, also from an empty log.",
})
export class AuditLogConnectionType {
	@Field(() => [AuditLogEdgeType])
	edges!: readonly AuditLogEdgeType[];

	@Field(() => [AuditLogEntryType])
	nodes!: readonly AuditLogEntryType[];

	@Field(() => PageInfoType)
	pageInfo!: PageInfoType;

	@Field(() => SafeInt)
	totalCount!: number;

	@Field(() => String)
	liveCursor!: string;
}

@ObjectType("ActionTypeCount", { simpleResolvers: true })
export class ActionTypeCountType {
	@Field(() => String)
	actionType!: string;

	@Field(() => SafeInt)
	count!: number;
}

@ObjectType("HourCount", { simpleResolvers: true })
export class HourCountType {
	@Field(() => Int)
	hour!: number;

	@Field(() => SafeInt)
	count!: number;
}

@ObjectType("AuditStats", { simpleResolvers: true })
export class AuditStatsType {
	@Field(() => SafeInt)
	total!: number;

	@Field(() => SafeInt)
	succeeded!: number;

	@Field(() => SafeInt)
	failed!: number;

	@Field(() => Float)
	successRate!: number;

	@Field(() => [ActionTypeCountType])
	byActionType!: readonly ActionTypeCountType[];

	@Field(() => [HourCountType])
	byHour!: readonly HourCountType[];
}

@ObjectType("AuditProblem", { simpleResolvers: true })
export class AuditProblemType {
	@Field(() => AuditProblemKindEnum)
	kind!: AuditProblem["kind"];

	@Field(() => SafeInt, { nullable: true })
	sequence!: number | null;

	@Field(() => ID, { nullable: true })
	entryId!: string | null;

	@Field(() => String)
	message!: string;
}

@ObjectType("AuditVerification", { simpleResolvers: true })
export class AuditVerificationType {
	@Field(() => Boolean)
	valid!: boolean;

	@Field(() => SafeInt)
	checked!: number;

	/** All of them; the field `problems` shows the first few. */
	found!: readonly AuditProblem[];
}
