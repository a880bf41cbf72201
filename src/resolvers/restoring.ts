import { Arg, Ctx, ID, Mutation, Query, Resolver } from "type-graphql";
import type { Job } from "../core/job.js";
import type { GraphContext } from "../schema/context.js";
import { COST } from "../schema/cost.js";
import { JobPayloadType } from "../schema/job-types.js";
import { QuarantinedJobType } from "../schema/quarantine-types.js";

@Resolver()
export class RestoringResolver {
	@Query(() => [QuarantinedJobType], {
		nullable: true,
		complexity: COST.health,
		description: "Jobs whose files lie in quarantine and can be brought back: one's own, ADMIN all. The oldest first.",
	})
	async quarantine(@Ctx() { operations, call }: GraphContext): Promise<QuarantinedJobType[]> {
		return [...(await operations.quarantine(call))];
	}

	@Mutation(() => JobPayloadType, {
		complexity: COST.selection,
		description:
			"Brings back what a cleanup or clear has in quarantine, unless something newer stands in its place; that is named in the failures. OPERATOR.",
	})
	async restoreJob(
		@Arg("id", () => ID) id: string,
		@Arg("wait", () => Boolean, { defaultValue: false }) wait: boolean,
		@Ctx() { operations, call }: GraphContext,
	): Promise<{ readonly job: Job }> {
		return { job: await operations.restoreJob(call, id, wait) };
	}
}
