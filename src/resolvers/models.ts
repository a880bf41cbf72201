import { Arg, Ctx, Mutation, Query, Resolver } from "type-graphql";
import type { ModelCapability, ModelConfig } from "../core/model-capability.js";
import type { GraphContext } from "../schema/context.js";
import { COST } from "../schema/cost.js";
import { ConfigChangePayloadType, ModelCapabilityType, ModelConfigType, UpdateModelConfigInputType } from "../schema/model-types.js";
import { encodeError, encodeSteps } from "./encode.js";

@Resolver()
export class ModelResolver {
	@Query(() => ModelConfigType, { nullable: true })
	modelConfig(@Ctx() { operations, call }: GraphContext): Promise<ModelConfig> {
		return operations.modelConfig(call);
	}

	@Query(() => ModelCapabilityType, { nullable: true, description: "Read through the model-capability cache." })
	modelCapability(@Arg("model", () => String) model: string, @Ctx() { operations, call }: GraphContext): Promise<ModelCapability | null> {
		return operations.modelCapability(call, model);
	}

	@Mutation(() => ConfigChangePayloadType, {
		complexity: COST.selection,
		description: "Save, clear the model-capability cache, reload, test, keep or roll back. ADMIN.",
	})
	async updateModelConfig(
		@Arg("input", () => UpdateModelConfigInputType) input: UpdateModelConfigInputType,
		@Ctx() { operations, call }: GraphContext,
	): Promise<ConfigChangePayloadType> {
		const models = input.models.map((model) => ({ ...model }));
		const { job, status, config } = await operations.updateModelConfig(call, { expectedVersion: input.expectedVersion, models });
		const error = job.error === null ? null : encodeError(call.locale, job.error);
		return { job, status, config, steps: encodeSteps(call.locale, job.progress.steps), error };
	}
}
