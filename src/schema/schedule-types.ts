import { Field, ID, InputType, Int, ObjectType } from "type-graphql";
import type { BackendKind } from "../core/entry.js";
import type { JobStatus } from "../core/job.js";
import type { Schedule } from "../core/schedule.js";
import { BackendKindEnum, JobStatusEnum } from "./enums.js";
import { JobErrorType, JobType } from "./job-types.js";
import { NodeType } from "./node.js";
import { DateTime, Json } from "./scalars.js";

@InputType("ScheduledCleanupInput")
export class ScheduledCleanupInputType {
	@Field(() => Int, { nullable: true, description: "1 to 3650; 7 when absent. Counted from each run." })
	olderThanDays?: number | null;

	@Field(() => [BackendKindEnum], { nullable: true })
	backends?: BackendKind[] | null;

	@Field(() => [String], { nullable: true })
	types?: string[] | null;

	@Field(() => [String], { nullable: true })
	symbols?: string[] | null;

	@Field(() => [String], { nullable: true })
	sources?: string[] | null;

	@Field(() => Boolean, { nullable: true, description: "Files are kept in quarantine for a while. Absent: as configured." })
	quarantine?: boolean | null;
}

@InputType("CreateScheduleInput")
export class CreateScheduleInputType {
	@Field(() => String)
	name!: string;

	@Field(() => String, { description: "Minute, hour, day of month, month, day of week: 0 3 * * 1-5." })
	cron!: string;

	@Field(() => String, { defaultValue: "UTC", description: "IANA name of the zone that the cron expression is read in." })
	timeZone!: string;

	@Field(() => ScheduledCleanupInputType, { description: "What each run cleans up." })
	cleanup!: ScheduledCleanupInputType;

	@Field(() => Boolean, { defaultValue: false })
	paused!: boolean;
}

@InputType("UpdateScheduleInput", { description: "What is absent or null stays as it is; cleanup is replaced whole." })
export class UpdateScheduleInputType {
	@Field(() => String, { nullable: true })
	name?: string | null;

	@Field(() => String, { nullable: true })
	cron?: string | null;

	@Field(() => String, { nullable: true })
	timeZone?: string | null;

	@Field(() => ScheduledCleanupInputType, { nullable: true })
	cleanup?: ScheduledCleanupInputType | null;

	@Field(() => Boolean, { nullable: true })
	paused?: boolean | null;
}

@ObjectType("ScheduleRun", { simpleResolvers: true })
export class ScheduleRunType {
	@Field(() => DateTime, { description: "When it was due, or was asked for." })
	at!: number;

	@Field(() => ID, { nullable: true, description: "Null when no job was accepted." })
	jobId!: string | null;

	@Field(() => JobStatusEnum)
	status!: JobStatus;

	@Field(() => JobErrorType, { nullable: true })
	error!: JobErrorType | null;
}

/** Its value is the domain's schedule; what reads in the caller's language is resolved when asked for. */
@ObjectType("Schedule", {
	implements: NodeType,
	simpleResolvers: true,
	description:
		"A cleanup that is repeated, as its owner. A run that falls due while the last one goes on is left out; runs missed while nothing served are made up for by one.",
})
export class ScheduleType {
	@Field(() => ID)
	id!: string;

	@Field(() => String)
	name!: string;

	@Field(() => String)
	cron!: string;

	@Field(() => String)
	timeZone!: string;

	@Field(() => Json, { description: "What each run cleans up." })
	input!: Schedule["input"];

	@Field(() => Boolean)
	paused!: boolean;

	@Field(() => DateTime)
	createdAt!: number;

	@Field(() => DateTime)
	updatedAt!: number;

	@Field(() => DateTime, { nullable: true, description: "Null while it is paused." })
	nextRunAt!: number | null;
}

@ObjectType("SchedulePayload", { simpleResolvers: true })
export class SchedulePayloadType {
	@Field(() => ScheduleType)
	schedule!: ScheduleType;
}

@ObjectType("DeleteSchedulePayload", { simpleResolvers: true })
export class DeleteSchedulePayloadType {
	@Field(() => ID)
	deletedId!: string;
}

@ObjectType("RunSchedulePayload", { simpleResolvers: true })
export class RunSchedulePayloadType {
	@Field(() => ScheduleType)
	schedule!: ScheduleType;

	@Field(() => JobType)
	job!: JobType;
}
