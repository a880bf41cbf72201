import type { AuditEntry, AuditFilter } from "../audit/port.js";
import type { BackendStatus } from "../backends/backend.js";
import type { EntryTally } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import { type EntryFailure, type Job, progressTotals } from "../core/job.js";
import { type Locale, say } from "../core/messages/catalogue.js";
import type { Page } from "../core/page.js";
import type { CacheStats } from "../operations/operations.js";
import type { AuditLogEntryType } from "../schema/audit-types.js";
import type { BackendType } from "../schema/backend-types.js";
import type { AuditLogFilterInput } from "../schema/inputs.js";
import type { EntryErrorType, JobErrorType, JobProgressType, JobStepType } from "../schema/job-types.js";
import type { PageInfoType } from "../schema/node.js";
import type { CacheStatsType, TypeStatsType } from "../schema/stats-types.js";

/** What reads in the caller's language; null for no failure. */
export function failureText(locale: Locale, failure: Failure | null): string | null {
	return failure === null ? null : say(locale, failure.said);
}

export function encodeError(locale: Locale, failure: Failure): JobErrorType {
	return { code: failure.code, message: say(locale, failure.said) };
}

export function encodeEntryFailure(locale: Locale, { entryId, failure }: EntryFailure): EntryErrorType {
	return { id: entryId, code: failure.code, message: say(locale, failure.said) };
}

export interface EncodedPage<Node> {
	readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
	readonly nodes: readonly Node[];
	readonly pageInfo: PageInfoType;
}

/** A page as a Relay connection. */
export function encodePage<T>(page: Page<T>): EncodedPage<T>;
export function encodePage<T, Node>(page: Page<T>, encode: (item: T) => Node): EncodedPage<Node>;
export function encodePage<T>(page: Page<T>, encode?: (item: T) => unknown): EncodedPage<unknown> {
	const edges = encode === undefined ? page.items : page.items.map(({ cursor, node }) => ({ cursor, node: encode(node) }));
	return {
		edges,
		nodes: edges.map((edge) => edge.node),
		pageInfo: {
			hasNextPage: page.hasNextPage,
			hasPreviousPage: page.hasPreviousPage,
			startCursor: edges[0]?.cursor ?? null,
			endCursor: edges.at(-1)?.cursor ?? null,
		},
	};
}

/** Sums of the tallies by one of their names, in the order in which the names first come. */
function sumBy<Name extends string>(tallies: readonly EntryTally[], name: (tally: EntryTally) => Name) {
	const sums = new Map<Name, { entries: number; bytes: number }>();
	for (const tally of tallies) {
		const sum = sums.get(name(tally)) ?? { entries: 0, bytes: 0 };
		sums.set(name(tally), { entries: sum.entries + tally.entries, bytes: sum.bytes + tally.bytes });
	}
	return sums;
}

export function byType(tallies: readonly EntryTally[]): TypeStatsType[] {
	return [...sumBy(tallies, (tally) => tally.type)].map(([type, sum]) => ({ type, ...sum }));
}

export function byBackend(tallies: readonly EntryTally[]) {
	return [...sumBy(tallies, (tally) => tally.backend)].map(([backend, sum]) => ({ backend, ...sum }));
}

export function encodeStats(locale: Locale, stats: CacheStats): CacheStatsType {
	let totalEntries = 0;
	let totalBytes = 0;
	for (const layer of stats.layers) {
		totalEntries += layer.entries;
		totalBytes += layer.bytes;
	}
	return {
		totalEntries,
		totalBytes,
		maxBytes: stats.maxBytes,
		usage: stats.maxBytes === null ? null : totalBytes / stats.maxBytes,
		expiredEntries: stats.expiredEntries,
		byType: byType(stats.byType),
		byBackend: stats.layers.map((layer) => ({
			...layer,
			hitRate: hitRate(layer.hits, layer.misses),
			error: failureText(locale, layer.error),
		})),
		byAge: stats.byAge,
		quarantine: stats.quarantine,
		asOf: stats.asOf,
	};
}

function hitRate(hits: number | null, misses: number | null): number | null {
	if (hits === null || misses === null || hits + misses === 0) return null;
	return hits / (hits + misses);
}

export function encodeSteps(locale: Locale, steps: Job["progress"]["steps"]): JobStepType[] {
	return steps.map((step) => ({ ...step, error: failureText(locale, step.error) }));
}

export function encodeBackend(locale: Locale, backend: BackendStatus): BackendType {
	return { ...backend, error: failureText(locale, backend.error) };
}

export function encodeProgress(locale: Locale, job: Job): JobProgressType {
	const { progress } = job;
	return {
		id: job.id,
		jobId: job.id,
		sequence: progress.sequence,
		status: job.status,
		phase: progress.phase,
		...progressTotals(job),
		matchedEntries: progress.matchedEntries,
		etaSeconds: progress.etaSeconds,
		byBackend: progress.layers.map((layer) => ({
			backend: layer.backend,
			status: layer.status,
			processed: layer.deletedEntries + layer.failedEntries + layer.skippedEntries + (layer.loadedEntries ?? 0),
			total: layer.total,
			deletedEntries: layer.deletedEntries,
			freedBytes: layer.freedBytes,
			loadedEntries: layer.loadedEntries ?? 0,
			error: failureText(locale, layer.error),
		})),
		steps: encodeSteps(locale, progress.steps),
		at: progress.at,
	};
}

export function encodeAuditEntry(locale: Locale, entry: AuditEntry): AuditLogEntryType {
	const { errorMessage } = entry;
	return {
		...entry,
		errorMessage: errorMessage === null || typeof errorMessage === "string" ? errorMessage : say(locale, errorMessage),
	};
}

/** Null and absent are the same to a caller; inside, only absent means no restriction. */
export function decodeAuditFilter(filter: AuditLogFilterInput | null | undefined): AuditFilter | null {
	if (!filter) return null;
	const { since, until, ...rest } = filter;
	return {
		...withoutNulls(rest),
		...(since ? { since: since.getTime() } : {}),
		...(until ? { until: until.getTime() } : {}),
	};
}

export function withoutNulls<T extends object>(value: T): { [K in keyof T]: NonNullable<T[K]> } {
	const kept = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
	return Object.fromEntries(kept) as { [K in keyof T]: NonNullable<T[K]> };
}
