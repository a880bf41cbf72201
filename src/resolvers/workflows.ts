import { Arg, Ctx, Mutation, Resolver } from "type-graphql";
import type { Job } from "../core/job.js";
import type { GraphContext } from "../schema/context.js";
import { COST } from "../schema/cost.js";
import { ReportSyncInputType, SyncDataSourceInputType } from "../schema/inputs.js";
import { JobPayloadType } from "../schema/job-types.js";

interface JobPayload {
	readonly job: Job;
}

@Resolver()
export class WorkflowResolver {
	@Mutation(() => JobPayloadType, {
		complexity: COST.selection,
		description: "Runs the source's sync, then clears what it made stale, updates statistics and logs. OPERATOR.",
	})
	async syncDataSource(
		@Arg("input", () => SyncDataSourceInputType) input: SyncDataSourceInputType,
		@Ctx() { operations, call }: GraphContext,
	): Promise<JobPayload> {
		return { job: await operations.syncDataSource(call, input) };
	}

	@Mutation(() => JobPayloadType, {
		complexity: COST.selection,
		description: "For a sync that ran elsewhere: the same steps from its outcome on. OPERATOR.",
	})
	async reportDataSourceSync(
		@Arg("input", () => ReportSyncInputType) input: ReportSyncInputType,
		@Ctx() { operations, call }: GraphContext,
	): Promise<JobPayload> {
		return { job: await operations.reportDataSourceSync(call, input) };
	}
}
