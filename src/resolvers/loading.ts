import { Arg, Ctx, Mutation, Resolver } from "type-graphql";
import type { Job } from "../core/job.js";
import type { GraphContext } from "../schema/context.js";
import { COST } from "../schema/cost.js";
import { RefreshInputType, WarmUpInputType } from "../schema/inputs.js";
import { JobPayloadType } from "../schema/job-types.js";

interface JobPayload {
	readonly job: Job;
}

@Resolver()
export class LoadingResolver {
	@Mutation(() => JobPayloadType, {
		complexity: COST.selection,
		description: "Reloads entries through their loader; the old value stays until the new one is in. OPERATOR.",
	})
	async refresh(
		@Arg("input", () => RefreshInputType) input: RefreshInputType,
		@Ctx() { operations, call }: GraphContext,
	): Promise<JobPayload> {
		return { job: await operations.refresh(call, input) };
	}

	@Mutation(() => JobPayloadType, {
		complexity: COST.selection,
		description: "Loads entries before anyone asks for them. OPERATOR.",
	})
	async warmUp(
		@Arg("input", () => WarmUpInputType) input: WarmUpInputType,
		@Ctx() { operations, call }: GraphContext,
	): Promise<JobPayload> {
		return { job: await operations.warmUp(call, input) };
	}
}
