import { Arg, Ctx, ID, Mutation, Query, Resolver } from "type-graphql";
import type { Job } from "../core/job.js";
import type { GraphContext } from "../schema/context.js";
import { COST } from "../schema/cost.js";
import { CleanupInputType, ClearInputType } from "../schema/inputs.js";
import { DeleteEntriesPayloadType, JobPayloadType } from "../schema/job-types.js";
import { CleanupPreviewType } from "../schema/preview-types.js";
import { byBackend, byType, encodeEntryFailure } from "./encode.js";

interface JobPayload {
	readonly job: Job;
}

@Resolver()
export class ChangingResolver {
	@Query(() => CleanupPreviewType, {
		nullable: true,
		complexity: COST.selection,
		description: "What a cleanup with this selection would remove, without removing it; all: true previews a clear.",
	})
	async cleanupPreview(
		@Arg("input", () => CleanupInputType) input: CleanupInputType,
		@Arg("all", () => Boolean, { nullable: true, defaultValue: false }) all: boolean | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	): Promise<CleanupPreviewType> {
		const preview = await operations.cleanupPreview(call, input, all === true);
		const backends = byBackend(preview.tallies);
		return {
			planId: preview.planId,
			expiresAt: preview.expiresAt,
			entries: backends.reduce((sum, backend) => sum + backend.entries, 0),
			bytes: backends.reduce((sum, backend) => sum + backend.bytes, 0),
			byBackend: backends,
			byType: byType(preview.tallies),
			readEntries: (first) => preview.sample(first),
			findUnrestorable: () => preview.unrestorable(),
		};
	}

	@Mutation(() => JobPayloadType, {
		complexity: COST.selection,
		description: "Removes entries older than olderThanDays, in the order file, database, python. OPERATOR.",
	})
	async cleanup(
		@Arg("input", () => CleanupInputType) input: CleanupInputType,
		@Ctx() { operations, call }: GraphContext,
	): Promise<JobPayload> {
		return { job: await operations.cleanup(call, input) };
	}

	@Mutation(() => JobPayloadType, {
		complexity: COST.selection,
		description: "Removes every entry of the selection, expired or not. ADMIN. confirm must be true.",
	})
	async clear(@Arg("input", () => ClearInputType) input: ClearInputType, @Ctx() { operations, call }: GraphContext): Promise<JobPayload> {
		return { job: await operations.clear(call, input) };
	}

	@Mutation(() => DeleteEntriesPayloadType, { complexity: COST.selection, description: "Removes single entries. OPERATOR." })
	async deleteEntries(@Arg("ids", () => [ID]) ids: string[], @Ctx() { operations, call }: GraphContext) {
		const result = await operations.deleteEntries(call, ids);
		return { ...result, errors: result.errors.map((error) => encodeEntryFailure(call.locale, error)) };
	}

	@Mutation(() => JobPayloadType)
	async cancelJob(@Arg("id", () => ID) id: string, @Ctx() { operations, call }: GraphContext): Promise<JobPayload> {
		return { job: await operations.cancelJob(call, id) };
	}

	@Mutation(() => JobPayloadType)
	async retryJob(@Arg("id", () => ID) id: string, @Ctx() { operations, call }: GraphContext): Promise<JobPayload> {
		return { job: await operations.retryJob(call, id) };
	}
}
