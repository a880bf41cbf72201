import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from "type-graphql";
import type { Job } from "../core/job.js";
import type { QueueCounts } from "../jobs/port.js";
import type { GraphContext } from "../schema/context.js";
import { pageCost } from "../schema/cost.js";
import { JobFilterInput } from "../schema/inputs.js";
import {
	EntryErrorConnectionType,
	JobConnectionType,
	JobErrorType,
	JobProgressType,
	JobType,
	QueueStatsType,
} from "../schema/job-types.js";
import { encodeEntryFailure, encodeError, encodePage, encodeProgress, withoutNulls } from "./encode.js";

@Resolver(() => JobType)
export class JobResolver {
	@Query(() => JobType, { nullable: true })
	job(@Arg("id", () => ID) id: string, @Ctx() { operations, call }: GraphContext): Promise<Job | null> {
		return operations.job(call, id);
	}

	@Query(() => JobConnectionType, { nullable: true, complexity: pageCost })
	async jobs(
		@Arg("first", () => Int, { nullable: true }) first: number | null | undefined,
		@Arg("after", () => String, { nullable: true }) after: string | null | undefined,
		@Arg("filter", () => JobFilterInput, { nullable: true }) filter: JobFilterInput | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	) {
		const page = await operations.jobs(call, filter ? withoutNulls(filter) : null, { first, after });
		return { ...encodePage(page), totalCount: page.totalCount };
	}

	@Query(() => QueueStatsType, { nullable: true })
	queueStats(@Ctx() { operations, call }: GraphContext): Promise<QueueCounts> {
		return operations.queueStats(call);
	}

	@FieldResolver(() => JobProgressType)
	progress(@Root() job: Job, @Ctx() { call }: GraphContext): JobProgressType {
		return encodeProgress(call.locale, job);
	}

	@FieldResolver(() => JobErrorType, { nullable: true })
	error(@Root() job: Job, @Ctx() { call }: GraphContext): JobErrorType | null {
		return job.error === null ? null : encodeError(call.locale, job.error);
	}

	@FieldResolver(() => EntryErrorConnectionType, { complexity: pageCost })
	async failures(
		@Root() job: Job,
		@Arg("first", () => Int, { nullable: true, defaultValue: 20 }) first: number | null | undefined,
		@Arg("after", () => String, { nullable: true }) after: string | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	) {
		const page = await operations.jobFailures(call, job.id, { first, after });
		return { ...encodePage(page, (failure) => encodeEntryFailure(call.locale, failure)), totalCount: page.totalCount };
	}
}
