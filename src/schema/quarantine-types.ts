import { Field, ID, ObjectType } from "type-graphql";
import { DateTime, SafeInt } from "./scalars.js";

@ObjectType("QuarantinedJob", { simpleResolvers: true })
export class QuarantinedJobType {
	@Field(() => ID)
	jobId!: string;

	@Field(() => SafeInt)
	entries!: number;

	@Field(() => SafeInt)
	bytes!: number;

	@Field(() => DateTime, { description: "When files of it were last taken or brought back." })
	since!: number;

	@Field(() => DateTime, { description: "When it is let go, unless the room is needed before." })
	until!: number;
}
