import { Arg, Ctx, ID, Int, Query, Resolver } from "type-graphql";
import type { BackendKind, Entry } from "../core/entry.js";
import type { HistoryBucket } from "../history/port.js";
import { BackendInfoType, ViewerType } from "../schema/backend-types.js";
import type { GraphContext } from "../schema/context.js";
import { COST, pageCost } from "../schema/cost.js";
import { CacheEntryConnectionType, CacheEntryType } from "../schema/entry-types.js";
import { BackendKindEnum, HistoryBucketEnum } from "../schema/enums.js";
import { CacheEntryFilterInput, CacheEntryOrderInput } from "../schema/inputs.js";
import { NodeType } from "../schema/node.js";
import { DateTime } from "../schema/scalars.js";
import { CacheStatsPointType, CacheStatsType } from "../schema/stats-types.js";
import { encodeAuditEntry, encodeBackend, encodePage, encodeStats } from "./encode.js";

@Resolver()
export class ReadingResolver {
	@Query(() => NodeType, { nullable: true })
	async node(@Arg("id", () => ID) id: string, @Ctx() { operations, call }: GraphContext) {
		const found = await operations.node(call, id);
		if (found === null) return null;
		switch (found.kind) {
			case "entry":
				return found.entry;
			case "job":
				return found.job;
			case "schedule":
				return found.schedule;
			case "audit":
				return encodeAuditEntry(call.locale, found.entry);
		}
	}

	@Query(() => ViewerType)
	async viewer(@Ctx() { operations, call }: GraphContext): Promise<ViewerType> {
		const { actor, can } = await operations.viewer(call);
		return { id: actor.id, username: actor.username, roles: actor.roles, can, tokenExpiresAt: actor.tokenExpiresAt };
	}

	@Query(() => CacheStatsType, {
		nullable: true,
		complexity: COST.stats,
		description: "Totals over every layer. A layer that is down is reported in byBackend, it does not fail the query.",
	})
	async cacheStats(
		@Arg("backends", () => [BackendKindEnum], { nullable: true }) backends: BackendKind[] | null | undefined,
		@Arg("fresh", () => Boolean, { nullable: true, defaultValue: false }) fresh: boolean | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	): Promise<CacheStatsType> {
		return encodeStats(call.locale, await operations.cacheStats(call, { backends, fresh }));
	}

	@Query(() => CacheEntryConnectionType, {
		nullable: true,
		complexity: pageCost,
		description: "Every entry of every layer, one sorted, filtered, stable list. first/last: 1 to 200, default 20.",
	})
	async cacheDetails(
		@Arg("first", () => Int, { nullable: true }) first: number | null | undefined,
		@Arg("after", () => String, { nullable: true }) after: string | null | undefined,
		@Arg("last", () => Int, { nullable: true }) last: number | null | undefined,
		@Arg("before", () => String, { nullable: true }) before: string | null | undefined,
		@Arg("filter", () => CacheEntryFilterInput, { nullable: true }) filter: CacheEntryFilterInput | null | undefined,
		@Arg("orderBy", () => CacheEntryOrderInput, { nullable: true }) orderBy: CacheEntryOrderInput | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	) {
		const connection = await operations.cacheDetails(call, { first, after, last, before, filter, orderBy });
		return { ...encodePage<Entry>(connection), count: () => connection.count() };
	}

	@Query(() => CacheEntryType, { nullable: true })
	cacheEntry(@Arg("id", () => ID) id: string, @Ctx() { operations, call }: GraphContext): Promise<Entry | null> {
		return operations.cacheEntry(call, id);
	}

	@Query(() => BackendInfoType, { nullable: true, complexity: COST.health })
	async backendInfo(@Ctx() { operations, call }: GraphContext): Promise<BackendInfoType> {
		const info = await operations.backendInfo(call);
		return { ...info, backends: info.backends.map((backend) => encodeBackend(call.locale, backend)) };
	}

	@Query(() => [CacheStatsPointType], {
		nullable: true,
		complexity: COST.history,
		description: "Totals over time, one point per bucket.",
	})
	cacheStatsHistory(
		@Arg("since", () => DateTime) since: Date,
		@Arg("until", () => DateTime, { nullable: true }) until: Date | null | undefined,
		@Arg("bucket", () => HistoryBucketEnum) bucket: HistoryBucket,
		@Ctx() { operations, call }: GraphContext,
	): Promise<CacheStatsPointType[]> {
		return operations.cacheStatsHistory(call, since.getTime(), until?.getTime() ?? null, bucket);
	}
}
