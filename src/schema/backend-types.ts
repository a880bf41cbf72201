import { Field, Float, ID, ObjectType } from "type-graphql";
import type { BackendKind } from "../core/entry.js";
import type { Role } from "../core/roles.js";
import { BackendKindEnum, RoleEnum } from "./enums.js";
import { DateTime, SafeInt } from "./scalars.js";

@ObjectType("Backend", {
	simpleResolvers: true,
	description: "One for each configured root, Redis and MongoDB; what is not configured is absent.",
})
export class BackendType {
	@Field(() => ID)
	id!: string;

	@Field(() => BackendKindEnum)
	kind!: BackendKind;

	@Field(() => Boolean)
	available!: boolean;

	@Field(() => Boolean)
	primary!: boolean;

	@Field(() => String, { description: "Host and database, or directory. Never a password." })
	location!: string;

	@Field(() => String, { nullable: true })
	version!: string | null;

	@Field(() => Float, { nullable: true })
	latencyMs!: number | null;

	@Field(() => SafeInt, { nullable: true })
	usedMemoryBytes!: number | null;

	@Field(() => String, { nullable: true })
	error!: string | null;

	@Field(() => DateTime)
	checkedAt!: number;
}

@ObjectType("BackendInfo", { simpleResolvers: true })
export class BackendInfoType {
	@Field(() => String, { description: "'adaptive' with a database layer, 'file' without." })
	system!: string;

	@Field(() => BackendKindEnum)
	primaryBackend!: BackendKind;

	@Field(() => Boolean)
	fallbackEnabled!: boolean;

	@Field(() => [BackendType])
	backends!: readonly BackendType[];
}

@ObjectType("Viewer", { simpleResolvers: true, description: "can: the names of the mutations that this token may call." })
export class ViewerType {
	@Field(() => ID)
	id!: string;

	@Field(() => String)
	username!: string;

	@Field(() => [RoleEnum])
	roles!: readonly Role[];

	@Field(() => [String])
	can!: readonly string[];

	@Field(() => DateTime, { nullable: true })
	tokenExpiresAt!: number | null;
}
