import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from "type-graphql";
import { CachewardenError } from "../core/errors.js";
import { say } from "../core/messages/catalogue.js";
import { AuditLogConnectionType, AuditProblemType, AuditStatsType, AuditVerificationType } from "../schema/audit-types.js";
import type { GraphContext } from "../schema/context.js";
import { COST, listCost, pageCost } from "../schema/cost.js";
import { AuditLogFilterInput } from "../schema/inputs.js";
import { DateTime } from "../schema/scalars.js";
import { decodeAuditFilter, encodeAuditEntry, encodePage } from "./encode.js";

const DEFAULT_DAYS = 30;
const DEFAULT_PROBLEMS = 20;

@Resolver()
export class AuditResolver {
	@Query(() => AuditLogConnectionType, { nullable: true, complexity: pageCost })
	async auditLog(
		@Arg("first", () => Int, { nullable: true }) first: number | null | undefined,
		@Arg("after", () => String, { nullable: true }) after: string | null | undefined,
		@Arg("last", () => Int, { nullable: true }) last: number | null | undefined,
		@Arg("before", () => String, { nullable: true }) before: string | null | undefined,
		@Arg("filter", () => AuditLogFilterInput, { nullable: true }) filter: AuditLogFilterInput | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	): Promise<AuditLogConnectionType> {
		const page = await operations.auditLog(call, decodeAuditFilter(filter), { first, after, last, before });
		const encoded = encodePage(page, (entry) => encodeAuditEntry(call.locale, entry));
		return { ...encoded, totalCount: page.totalCount, liveCursor: page.liveCursor };
	}

	@Query(() => AuditStatsType, { nullable: true, complexity: COST.auditStats })
	async auditStats(
		@Arg("days", () => Int, { nullable: true, defaultValue: DEFAULT_DAYS }) days: number | null | undefined,
		@Arg("timeZone", () => String, { nullable: true }) timeZone: string | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	): Promise<AuditStatsType> {
		const stats = await operations.auditStats(call, days ?? DEFAULT_DAYS, timeZone ?? null);
		return { ...stats, successRate: stats.total === 0 ? 0 : stats.succeeded / stats.total };
	}

	@Query(() => AuditVerificationType, {
		nullable: true,
		complexity: COST.verify,
		description: "Recomputes the hash chain; names the first entry that was changed, removed or inserted. ADMIN.",
	})
	async auditVerify(
		@Arg("since", () => DateTime, { nullable: true }) since: Date | null | undefined,
		@Arg("until", () => DateTime, { nullable: true }) until: Date | null | undefined,
		@Ctx() { operations, call }: GraphContext,
	): Promise<AuditVerificationType> {
		const { checked, problems } = await operations.auditVerify(call, since?.getTime() ?? null, until?.getTime() ?? null);
		return { valid: problems.length === 0, checked, found: problems };
	}
}

@Resolver(() => AuditVerificationType)
export class AuditVerificationResolver {
	@FieldResolver(() => [AuditProblemType], { complexity: listCost(DEFAULT_PROBLEMS) })
	problems(
		@Root() { found }: AuditVerificationType,
		@Arg("first", () => Int, { nullable: true, defaultValue: DEFAULT_PROBLEMS }) first: number | null | undefined,
		@Ctx() { call }: GraphContext,
	): AuditProblemType[] {
		const limit = first ?? DEFAULT_PROBLEMS;
		if (limit < 1 || limit > 200)
			throw new CachewardenError("BAD_USER_INPUT", {
				key: "error.outOfRange",
				facts: { name: "first", range: "1 – 200", value: limit },
			});
		return found.slice(0, limit).map(({ said, ...problem }) => ({ ...problem, message: say(call.locale, said) }));
	}
}
