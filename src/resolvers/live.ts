import { Arg, Ctx, Extensions, ID, Int, Resolver, Root, type SubscribeResolverData, Subscription } from "type-graphql";
import type { BackendStatus } from "../backends/backend.js";
import type { BackendKind } from "../core/entry.js";
import type { Job, JobKind } from "../core/job.js";
import type { AuditItem, CacheStats } from "../operations/operations.js";
import { AuditLogEdgeType } from "../schema/audit-types.js";
import { BackendType } from "../schema/backend-types.js";
import type { GraphContext } from "../schema/context.js";
import { COST } from "../schema/cost.js";
import { BackendKindEnum, JobKindEnum } from "../schema/enums.js";
import { AuditLogFilterInput } from "../schema/inputs.js";
import { JobProgressType } from "../schema/job-types.js";
import type { LiveTraits } from "../schema/live-traits.js";
import { CacheStatsType } from "../schema/stats-types.js";
import { decodeAuditFilter, encodeAuditEntry, encodeBackend, encodeProgress, encodeStats } from "./encode.js";

type Subscribing<Args> = SubscribeResolverData<unknown, Args, GraphContext>;

const DEFAULT_INTERVAL_MS = 1000;

const JOB_STATES: LiveTraits = {
	alikeFor: "administrators and each user",
	stateOf: (event) => (event as Job).id,
	begins: ({ jobId }) => (jobId ? "with the state" : "now"),
	sequenceOf: (event) => (event as Job).progress.sequence,
};

const AUDIT_ENTRIES: LiveTraits = {
	alikeFor: "administrators and each user",
	stateOf: null,
	begins: ({ after }) => (after ? "at a cursor" : "now"),
	sequenceOf: (event) => (event as AuditItem).entry.sequence ?? 0,
};

const TOTALS: LiveTraits = {
	alikeFor: "everybody",
	stateOf: () => "totals",
	begins: () => "now",
	sequenceOf: (event) => (event as CacheStats).asOf,
};

const BACKENDS: LiveTraits = {
	alikeFor: "everybody",
	stateOf: (event) => (event as BackendStatus).id,
	begins: () => "now",
	sequenceOf: (event) => (event as BackendStatus).checkedAt,
};

/** The iterators come from the operations, which also use the arguments; the methods encode one of their values each. */
@Resolver()
export class LiveResolver {
	@Subscription(() => JobProgressType, {
		subscribe: ({ args, context: { operations, call } }: Subscribing<{ jobId?: string | null }>) =>
			operations.cleanupProgress(call, args.jobId ?? null),
		description:
			"The job's state now, then its changes until it ends; then the stream completes. Without jobId: all cleanup and clear jobs that one may see, and it never completes.",
	})
	@Extensions({ live: JOB_STATES })
	cleanupProgress(
		@Root() job: Job,
		@Ctx() { call }: GraphContext,
		@Arg("jobId", () => ID, { nullable: true }) _jobId?: string | null,
	): JobProgressType {
		return encodeProgress(call.locale, job);
	}

	@Subscription(() => JobProgressType, {
		subscribe: ({ args, context: { operations, call } }: Subscribing<{ jobId?: string | null; kinds?: JobKind[] | null }>) =>
			operations.jobProgress(call, args.jobId ?? null, args.kinds ?? null),
		description: "The same for jobs of any kind.",
	})
	@Extensions({ live: JOB_STATES })
	jobProgress(
		@Root() job: Job,
		@Ctx() { call }: GraphContext,
		@Arg("jobId", () => ID, { nullable: true }) _jobId?: string | null,
		@Arg("kinds", () => [JobKindEnum], { nullable: true }) _kinds?: JobKind[] | null,
	): JobProgressType {
		return encodeProgress(call.locale, job);
	}

	@Subscription(() => AuditLogEdgeType, {
		subscribe: ({ args, context: { operations, call } }: Subscribing<{ after?: string | null; filter?: AuditLogFilterInput | null }>) =>
			operations.auditLogAdded(call, args.after ?? null, decodeAuditFilter(args.filter)),
		description:
			"Entries from now on; with after, first those recorded since that cursor, in order, without gap or repeat. A cursor older than the log is CURSOR_EXPIRED.",
	})
	@Extensions({ live: AUDIT_ENTRIES })
	auditLogAdded(
		@Root() { cursor, entry }: AuditItem,
		@Ctx() { call }: GraphContext,
		@Arg("after", () => String, { nullable: true }) _after?: string | null,
		@Arg("filter", () => AuditLogFilterInput, { nullable: true }) _filter?: AuditLogFilterInput | null,
	): AuditLogEdgeType {
		return { cursor, node: encodeAuditEntry(call.locale, entry) };
	}

	@Subscription(() => CacheStatsType, {
		subscribe: ({ args, context: { operations, call } }: Subscribing<{ backends?: BackendKind[] | null; minIntervalMs?: number | null }>) =>
			operations.cacheStatsChanged(call, args.backends ?? null, args.minIntervalMs ?? DEFAULT_INTERVAL_MS),
		complexity: COST.stats,
		description: "Totals when they change, at most once per interval.",
	})
	@Extensions({ live: TOTALS })
	cacheStatsChanged(
		@Root() stats: CacheStats,
		@Ctx() { call }: GraphContext,
		@Arg("backends", () => [BackendKindEnum], { nullable: true }) _backends?: BackendKind[] | null,
		@Arg("minIntervalMs", () => Int, { nullable: true, defaultValue: DEFAULT_INTERVAL_MS }) _minIntervalMs?: number | null,
	): CacheStatsType {
		return encodeStats(call.locale, stats);
	}

	@Subscription(() => BackendType, {
		subscribe: ({ context: { operations, call } }: Subscribing<Record<never, never>>) => operations.backendStatusChanged(call),
	})
	@Extensions({ live: BACKENDS })
	backendStatusChanged(@Root() backend: BackendStatus, @Ctx() { call }: GraphContext): BackendType {
		return encodeBackend(call.locale, backend);
	}
}
