import { Field, ID, ObjectType } from "type-graphql";
import type { BackendKind } from "../core/entry.js";
import type { Preview } from "../operations/operations.js";
import { BackendKindEnum } from "./enums.js";
import { DateTime, SafeInt } from "./scalars.js";
import { TypeStatsType } from "./stats-types.js";

@ObjectType("BackendSelection", { simpleResolvers: true })
export class BackendSelectionType {
	@Field(() => BackendKindEnum)
	backend!: BackendKind;

	@Field(() => SafeInt)
	entries!: number;

	@Field(() => SafeInt)
	bytes!: number;
}

@ObjectType("UnrestorableSelection", {
	simpleResolvers: true,
	description: "Entries that restoreJob could not bring back. kept: they stay in the cache; else they are removed for good.",
})
export class UnrestorableSelectionType {
	@Field(() => BackendKindEnum)
	backend!: BackendKind;

	@Field(() => SafeInt)
	entries!: number;

	@Field(() => SafeInt)
	bytes!: number;

	@Field(() => Boolean)
	kept!: boolean;

	@Field(() => String)
	reason!: string;
}

@ObjectType("CleanupPreview", {
	simpleResolvers: true,
	description:
		"A plan: it belongs to its maker and to its kind, lives 15 minutes, 5 a user. cleanup accepts a cleanup's planId, clear one made with all: true (the other way round is FORBIDDEN), and removes exactly what was planned and still matches, and nothing that came later.",
})
export class CleanupPreviewType {
	@Field(() => ID)
	planId!: string;

	@Field(() => DateTime)
	expiresAt!: number;

	@Field(() => SafeInt)
	entries!: number;

	@Field(() => SafeInt)
	bytes!: number;

	@Field(() => [BackendSelectionType])
	byBackend!: readonly BackendSelectionType[];

	@Field(() => [TypeStatsType])
	byType!: readonly TypeStatsType[];

	/** Read only when `sample` is asked for. */
	readEntries!: Preview["sample"];

	/** Found out only when it is asked for. */
	findUnrestorable!: Preview["unrestorable"];
}
