import { Field, Float, Int, ObjectType } from "type-graphql";
import type { BackendKind } from "../core/entry.js";
import { BackendKindEnum } from "./enums.js";
import { DateTime, SafeInt } from "./scalars.js";

@ObjectType("TypeStats", { simpleResolvers: true })
export class TypeStatsType {
	@Field(() => String)
	type!: string;

	@Field(() => SafeInt)
	entries!: number;

	@Field(() => SafeInt)
	bytes!: number;
}

@ObjectType("AgeBucket", { simpleResolvers: true })
export class AgeBucketType {
	@Field(() => Int, { nullable: true })
	maxAgeSeconds!: number | null;

	@Field(() => SafeInt)
	entries!: number;

	@Field(() => SafeInt)
	bytes!: number;
}

@ObjectType("BackendStats", { simpleResolvers: true })
export class BackendStatsType {
	@Field(() => BackendKindEnum)
	backend!: BackendKind;

	@Field(() => Boolean)
	available!: boolean;

	@Field(() => SafeInt)
	entries!: number;

	@Field(() => SafeInt)
	bytes!: number;

	@Field(() => DateTime, { nullable: true })
	oldestEntryAt!: number | null;

	@Field(() => DateTime, { nullable: true })
	newestEntryAt!: number | null;

	@Field(() => SafeInt, { nullable: true })
	hits!: number | null;

	@Field(() => SafeInt, { nullable: true })
	misses!: number | null;

	@Field(() => Float, { nullable: true })
	hitRate!: number | null;

	@Field(() => String, { nullable: true, description: "Why this layer could not be read; null when it could." })
	error!: string | null;

	@Field(() => DateTime)
	asOf!: number;
}

@ObjectType("QuarantineTotals", { simpleResolvers: true })
export class QuarantineTotalsType {
	@Field(() => SafeInt)
	entries!: number;

	@Field(() => SafeInt)
	bytes!: number;
}

@ObjectType("CacheStats", { simpleResolvers: true })
export class CacheStatsType {
	@Field(() => SafeInt)
	totalEntries!: number;

	@Field(() => SafeInt)
	totalBytes!: number;

	@Field(() => SafeInt, { nullable: true, description: "The configured quota, null without one." })
	maxBytes!: number | null;

	@Field(() => Float, { nullable: true, description: "totalBytes / maxBytes, 0 to 1 and beyond." })
	usage!: number | null;

	@Field(() => SafeInt)
	expiredEntries!: number;

	@Field(() => [TypeStatsType])
	byType!: readonly TypeStatsType[];

	@Field(() => [BackendStatsType])
	byBackend!: readonly BackendStatsType[];

	@Field(() => [AgeBucketType], { description: "Entries and bytes by age: under 1 h, 1 day, 7 days, 30 days, older." })
	byAge!: readonly AgeBucketType[];

	@Field(() => QuarantineTotalsType, {
		description: "Files that cleanups took out of the cache and that can be brought back; they are in no other number.",
	})
	quarantine!: QuarantineTotalsType;

	@Field(() => DateTime)
	asOf!: number;
}

@ObjectType("CacheStatsPoint", { simpleResolvers: true })
export class CacheStatsPointType {
	@Field(() => DateTime)
	at!: number;

	@Field(() => SafeInt)
	totalEntries!: number;

	@Field(() => SafeInt)
	totalBytes!: number;

	@Field(() => [TypeStatsType])
	byType!: readonly TypeStatsType[];

	@Field(() => SafeInt)
	deletedEntries!: number;

	@Field(() => SafeInt)
	freedBytes!: number;

	@Field(() => SafeInt, { nullable: true })
	hits!: number | null;

	@Field(() => SafeInt, { nullable: true })
	misses!: number | null;
}
