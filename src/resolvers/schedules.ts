import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from "type-graphql";
import type { Job } from "../core/job.js";
import type { Schedule } from "../core/schedule.js";
import type { GraphContext } from "../schema/context.js";
import { COST } from "../schema/cost.js";
import {
	CreateScheduleInputType,
	DeleteSchedulePayloadType,
	RunSchedulePayloadType,
	SchedulePayloadType,
	ScheduleRunType,
	ScheduleType,
	UpdateScheduleInputType,
} from "../schema/schedule-types.js";
import { encodeError } from "./encode.js";

interface SchedulePayload {
	readonly schedule: Schedule;
}

@Resolver(() => ScheduleType)
export class ScheduleResolver {
	@Query(() => [ScheduleType], {
		nullable: true,
		complexity: COST.schedules,
		description: "One's own schedules, ADMIN all; the oldest first.",
	})
	schedules(@Ctx() { operations, call }: GraphContext): Promise<readonly Schedule[]> {
		return operations.schedules(call);
	}

	@Mutation(() => SchedulePayloadType, { description: "Repeats a cleanup by a cron expression, as the caller. OPERATOR." })
	async createSchedule(
		@Arg("input", () => CreateScheduleInputType) input: CreateScheduleInputType,
		@Ctx() { operations, call }: GraphContext,
	): Promise<SchedulePayload> {
		return { schedule: await operations.createSchedule(call, input) };
	}

	@Mutation(() => SchedulePayloadType, { description: "One's own, ADMIN any. OPERATOR." })
	async updateSchedule(
		@Arg("id", () => ID) id: string,
		@Arg("input", () => UpdateScheduleInputType) input: UpdateScheduleInputType,
		@Ctx() { operations, call }: GraphContext,
	): Promise<SchedulePayload> {
		return { schedule: await operations.updateSchedule(call, id, input) };
	}

	@Mutation(() => DeleteSchedulePayloadType, { description: "One's own, ADMIN any; a job that runs goes on. OPERATOR." })
	async deleteSchedule(@Arg("id", () => ID) id: string, @Ctx() { operations, call }: GraphContext): Promise<DeleteSchedulePayloadType> {
		await operations.deleteSchedule(call, id);
		return { deletedId: id };
	}

	@Mutation(() => RunSchedulePayloadType, {
		complexity: COST.selection,
		description: "At once, beside its times, also when it is paused. OPERATOR.",
	})
	runScheduleNow(
		@Arg("id", () => ID) id: string,
		@Ctx() { operations, call }: GraphContext,
	): Promise<{ readonly schedule: Schedule; readonly job: Job }> {
		return operations.runScheduleNow(call, id);
	}

	@FieldResolver(() => String, { description: "The id of the user that it runs as." })
	owner(@Root() { ownerId }: Schedule): string {
		return ownerId;
	}

	@FieldResolver(() => ScheduleRunType, { nullable: true })
	lastRun(@Root() { lastRun }: Schedule, @Ctx() { call }: GraphContext): ScheduleRunType | null {
		if (lastRun === null) return null;
		return { ...lastRun, error: lastRun.error === null ? null : encodeError(call.locale, lastRun.error) };
	}
}
