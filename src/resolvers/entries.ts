import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from "type-graphql";
import type { EntryPreview } from "../backends/backend.js";
import type { Entry } from "../core/entry.js";
import { say } from "../core/messages/catalogue.js";
import type { EntryConnection } from "../operations/operations.js";
import type { GraphContext } from "../schema/context.js";
import { COST, listCost } from "../schema/cost.js";
import { CacheEntryConnectionType, CacheEntryType, EntryPreviewType } from "../schema/entry-types.js";
import { CleanupPreviewType, UnrestorableSelectionType } from "../schema/preview-types.js";
import { SafeInt } from "../schema/scalars.js";

@Resolver(() => CacheEntryType)
export class EntryResolver {
	@FieldResolver(() => EntryPreviewType, {
		nullable: true,
		complexity: COST.preview,
		description: "The first bytes of the value as text; binary values are described, never executed or unpickled. OPERATOR.",
	})
	preview(
		@Root() entry: Entry,
		@Arg("maxBytes", () => Int, { nullable: true, defaultValue: 2048 }) maxBytes: number | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	): Promise<EntryPreview | null> {
		return operations.entryPreview(call, entry.id, maxBytes ?? 2048);
	}
}

type CountedPage = Pick<EntryConnection, "count">;

/** Totals of a list are counted only for those who ask. */
@Resolver(() => CacheEntryConnectionType)
export class EntryConnectionResolver {
	@FieldResolver(() => SafeInt)
	async totalCount(@Root() { count }: CountedPage): Promise<number> {
		return (await count()).entries;
	}

	@FieldResolver(() => SafeInt)
	async totalBytes(@Root() { count }: CountedPage): Promise<number> {
		return (await count()).bytes;
	}
}

@Resolver(() => CleanupPreviewType)
export class CleanupPreviewResolver {
	@FieldResolver(() => [CacheEntryType], { complexity: listCost(10) })
	sample(
		@Root() preview: CleanupPreviewType,
		@Arg("first", () => Int, { nullable: true, defaultValue: 10 }) first: number | null | undefined,
	): Promise<Entry[]> {
		return preview.readEntries(first ?? 10);
	}

	@FieldResolver(() => [UnrestorableSelectionType], {
		complexity: COST.selection,
		description: "What restoreJob could not bring back, by layer and reason; empty when all of it could be.",
	})
	async unrestorable(@Root() preview: CleanupPreviewType, @Ctx() { call }: GraphContext): Promise<UnrestorableSelectionType[]> {
		const found = await preview.findUnrestorable();
		return found.map(({ why, ...selection }) => ({ ...selection, reason: say(call.locale, why) }));
	}
}
