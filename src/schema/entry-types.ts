import { Field, ID, Int, ObjectType } from "type-graphql";
import type { BackendKind, CreatedAtSource, EntryStatus } from "../core/entry.js";
import { BackendKindEnum, CreatedAtSourceEnum, EntryStatusEnum } from "./enums.js";
import { NodeType, PageInfoType } from "./node.js";
import { DateTime, SafeInt } from "./scalars.js";

@ObjectType("EntryPreview", { simpleResolvers: true })
export class EntryPreviewType {
	@Field(() => String)
	mediaType!: string;

	@Field(() => String, { nullable: true })
	text!: string | null;

	@Field(() => Boolean)
	truncated!: boolean;
}

@ObjectType("CacheEntry", { implements: NodeType, simpleResolvers: true })
export class CacheEntryType {
	@Field(() => ID)
	id!: string;

	@Field(() => String)
	key!: string;

	@Field(() => BackendKindEnum)
	backend!: BackendKind;

	@Field(() => String, { description: "The file root, Redis namespace or MongoDB collection it lies in, by its configured name." })
	place!: string;

	@Field(() => String)
	type!: string;

	@Field(() => String, { nullable: true })
	symbol!: string | null;

	@Field(() => String, { nullable: true })
	source!: string | null;

	@Field(() => SafeInt, { description: "Bytes of the value: file length, STRLEN (MEMORY USAGE for other types), $bsonSize." })
	size!: number;

	@Field(() => DateTime, { nullable: true })
	createdAt!: number | null;

	@Field(() => CreatedAtSourceEnum)
	createdAtSource!: CreatedAtSource;

	@Field(() => DateTime, { nullable: true })
	lastAccessedAt!: number | null;

	@Field(() => DateTime, { nullable: true })
	expiresAt!: number | null;

	@Field(() => Int, { nullable: true })
	hitCount!: number | null;

	@Field(() => EntryStatusEnum)
	status!: EntryStatus;
}

@ObjectType("CacheEntryEdge", { simpleResolvers: true })
export class CacheEntryEdgeType {
	@Field(() => String)
	cursor!: string;

	@Field(() => CacheEntryType)
	node!: CacheEntryType;
}

@ObjectType("CacheEntryConnection", { simpleResolvers: true })
export class CacheEntryConnectionType {
	@Field(() => [CacheEntryEdgeType])
	edges!: readonly CacheEntryEdgeType[];

	@Field(() => [CacheEntryType])
	nodes!: readonly CacheEntryType[];

	@Field(() => PageInfoType)
	pageInfo!: PageInfoType;
}
