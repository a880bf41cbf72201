import { Field, ID, InterfaceType, ObjectType } from "type-graphql";

const TYPE_BY_FIRST_LETTER: Readonly<Record<string, string>> = { e: "CacheEntry", j: "Job", a: "AuditLogEntry", s: "Schedule" };

/** Ids tell their type by their first letter. */
export function nodeTypeOf({ id }: { readonly id: string }): string | undefined {
	return TYPE_BY_FIRST_LETTER[id.charAt(0)];
}

@InterfaceType("Node", { resolveType: nodeTypeOf })
export abstract class NodeType {
	@Field(() => ID)
	id!: string;
}

@ObjectType("PageInfo", { simpleResolvers: true })
export class PageInfoType {
	@Field(() => Boolean)
	hasNextPage!: boolean;

	@Field(() => Boolean)
	hasPreviousPage!: boolean;

	@Field(() => String, { nullable: true })
	startCursor!: string | null;

	@Field(() => String, { nullable: true })
	endCursor!: string | null;
}
