import { Field, InputType, Int, ObjectType } from "type-graphql";
import type { Job } from "../core/job.js";
import { ConfigChangeStatusEnum } from "./enums.js";
import { JobErrorType, JobStepType, JobType } from "./job-types.js";
import { DateTime } from "./scalars.js";

@ObjectType("ModelCapability", { simpleResolvers: true })
export class ModelCapabilityType {
	@Field(() => String)
	name!: string;

	@Field(() => String)
	provider!: string;

	@Field(() => Int)
	capabilityLevel!: number;

	@Field(() => [String])
	roles!: readonly string[];

	@Field(() => [String])
	features!: readonly string[];

	@Field(() => Boolean)
	enabled!: boolean;
}

@ObjectType("ModelConfig", { simpleResolvers: true })
export class ModelConfigType {
	@Field(() => Int)
	version!: number;

	@Field(() => DateTime)
	updatedAt!: number;

	@Field(() => String)
	updatedBy!: string;

	@Field(() => [ModelCapabilityType])
	models!: readonly ModelCapabilityType[];
}

@ObjectType("ConfigChangePayload", { simpleResolvers: true })
export class ConfigChangePayloadType {
	@Field(() => JobType)
	job!: Job;

	@Field(() => ConfigChangeStatusEnum)
	status!: "APPLIED" | "ROLLED_BACK";

	@Field(() => ModelConfigType)
	config!: ModelConfigType;

	@Field(() => [JobStepType])
	steps!: readonly JobStepType[];

	@Field(() => JobErrorType, { nullable: true })
	error!: JobErrorType | null;
}

@InputType("ModelConfigInput")
export class ModelConfigInputType {
	@Field(() => String)
	name!: string;

	@Field(() => String)
	provider!: string;

	@Field(() => Int, { description: "1 to 5." })
	capabilityLevel!: number;

	@Field(() => [String])
	roles!: string[];

	@Field(() => [String])
	features!: string[];

	@Field(() => Boolean, { defaultValue: true })
	enabled!: boolean;
}

@InputType("UpdateModelConfigInput")
export class UpdateModelConfigInputType {
	@Field(() => Int, { description: "The version that the change was made from." })
	expectedVersion!: number;

	@Field(() => [ModelConfigInputType])
	models!: ModelConfigInputType[];
}
