/** Operations over lists in memory, with the real table of roles: for tests of the transports alone. */

import type { AuditEntry } from "../../src/audit/port.js";
import type { BackendStatus } from "../../src/backends/backend.js";
import type { Actor, Call } from "../../src/core/actor.js";
import type { Entry } from "../../src/core/entry.js";
import { entryId } from "../../src/core/entry-id.js";
import { CachewardenError } from "../../src/core/errors.js";
import type { Job } from "../../src/core/job.js";
import { callableMutations, mayCall, type OperationName } from "../../src/core/roles.js";
import type { Schedule } from "../../src/core/schedule.js";
import type { AuditItem, CacheStats, Operations } from "../../src/operations/operations.js";
import { Channel } from "./channel.js";

export const NOW = Date.UTC(2026, 10, 22);

export function makeEntry(n: number): Entry {
	const key = `k${String(n).padStart(6, "0")}`;
	return {
		id: entryId("FILE", "main", key),
		key,
		backend: "FILE",
		place: "main",
		type: n % 2 === 0 ? "stock_data" : "news",
		symbol: `S${n % 7}`,
		source: null,
		size: 100 + n,
		createdAt: NOW - n * 60_000,
		createdAtSource: "RECORDED",
		lastAccessedAt: null,
		expiresAt: NOW + 3_600_000,
		hitCount: null,
		status: "FRESH",
	};
}

export function makeJob(id: string, change: Partial<Job> = {}): Job {
	return {
		id,
		batchId: null,
		kind: "CLEANUP",
		status: "RUNNING",
		requestedBy: "alice",
		username: "alice",
		origin: "GRAPHQL",
		requestId: "r",
		input: { olderThanDays: 7 },
		createdAt: NOW,
		startedAt: NOW,
		finishedAt: null,
		attempts: 1,
		progress: { sequence: 1, phase: "delete", matchedEntries: 0, layers: [], steps: [], etaSeconds: null, at: NOW },
		error: null,
		...change,
	};
}

function makeSchedule(id: string): Schedule {
	return {
		id,
		name: "nightly",
		cron: "0 3 * * *",
		timeZone: "UTC",
		input: { olderThanDays: 7 },
		ownerId: "alice",
		ownerName: "alice",
		paused: false,
		createdAt: NOW,
		updatedAt: NOW,
		nextRunAt: NOW + 1000,
		lastRun: { at: NOW, jobId: "j1", status: "SUCCEEDED", error: null },
	};
}

export function makeAuditItem(sequence: number, text = ""): AuditItem {
	const entry: AuditEntry = {
		id: `a${sequence}`,
		sequence,
		hash: "00",
		userId: "alice",
		username: "alice",
		sessionId: null,
		origin: "GRAPHQL",
		actionType: "cache_operation",
		action: "cleanup",
		details: { text },
		success: true,
		errorCode: null,
		errorMessage: null,
		durationMs: 1,
		ipAddress: null,
		userAgent: null,
		requestId: null,
		jobId: null,
		timestamp: NOW,
	};
	return { cursor: `c${sequence}`, entry };
}

const MODEL = { name: "gpt-4", provider: "openai", capabilityLevel: 4, roles: ["analyst"], features: ["tools"], enabled: true };

export interface InMemoryOperations extends Operations {
	readonly audit: Channel<AuditItem>;
	readonly jobStates: Channel<Job>;
	readonly stats: Channel<CacheStats>;
	readonly backends: Channel<BackendStatus>;
	/** Calls that came through, by operation. */
	readonly calls: { readonly name: OperationName; readonly call: Call }[];
	/** Thrown by the next cacheStats. */
	failNext(error: Error): void;
}

export function inMemoryOperations(entryCount = 40): InMemoryOperations {
	const entries = Array.from({ length: entryCount }, (_, n) => makeEntry(n));
	const bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
	const audit = new Channel<AuditItem>();
	const jobStates = new Channel<Job>();
	const statsChannel = new Channel<CacheStats>();
	const backends = new Channel<BackendStatus>();
	const calls: InMemoryOperations["calls"] = [];
	let failure: Error | null = null;

	function permit(call: Call, name: OperationName): Actor {
		calls.push({ name, call });
		if (call.actor === null) throw new CachewardenError("UNAUTHENTICATED");
		if (!mayCall(call.actor.roles, name)) throw new CachewardenError("FORBIDDEN");
		return call.actor;
	}

	const stats: CacheStats = {
		maxBytes: null,
		quarantine: { entries: 0, bytes: 0 },
		expiredEntries: 0,
		byType: [{ backend: "FILE", type: "stock_data", entries: entryCount, bytes }],
		byAge: [],
		layers: [
			{
				backend: "FILE",
				available: true,
				entries: entryCount,
				bytes,
				oldestEntryAt: null,
				newestEntryAt: null,
				hits: null,
				misses: null,
				error: null,
				asOf: NOW,
			},
		],
		asOf: NOW,
	};

	return {
		audit,
		jobStates,
		stats: statsChannel,
		backends,
		calls,
		failNext(error) {
			failure = error;
		},
		async viewer(call) {
			const actor = permit(call, "viewer");
			return { actor, can: callableMutations(actor.roles) };
		},
		async node(call, id) {
			permit(call, "node");
			const entry = entries.find((one) => one.id === id);
			if (entry) return { kind: "entry", entry };
			if (id.startsWith("j")) return { kind: "job", job: makeJob(id) };
			if (id.startsWith("s")) return { kind: "schedule", schedule: makeSchedule(id) };
			return id.startsWith("a") ? { kind: "audit", entry: makeAuditItem(Number(id.slice(1))).entry } : null;
		},
		async cacheStats(call) {
			permit(call, "cacheStats");
			const thrown = failure;
			failure = null;
			if (thrown) throw thrown;
			return stats;
		},
		async cacheDetails(call, { first }) {
			permit(call, "cacheDetails");
			const limit = first ?? 20;
			if (limit < 1 || limit > 200)
				throw new CachewardenError("BAD_USER_INPUT", { key: "error.outOfRange", facts: { name: "first", range: "1-200", value: limit } });
			return {
				items: entries.slice(0, limit).map((node, n) => ({ cursor: String(n), node })),
				hasNextPage: entryCount > limit,
				hasPreviousPage: false,
				count: async () => ({ entries: entryCount, bytes }),
			};
		},
		async cacheDetailsPage(call, page, pageSize) {
			permit(call, "cacheDetails");
			return { entries: entries.slice((page - 1) * pageSize, page * pageSize), total: entryCount };
		},
		async cacheEntry(call, id) {
			permit(call, "cacheEntry");
			return entries.find((entry) => entry.id === id) ?? null;
		},
		async entryPreview(call) {
			permit(call, "entryPreview");
			return { mediaType: "text/plain", text: "date,open", truncated: false };
		},
		async backendInfo(call) {
			permit(call, "backendInfo");
			return { system: "file", primaryBackend: "FILE", fallbackEnabled: false, backends: [] };
		},
		async cleanupPreview(call) {
			permit(call, "cleanupPreview");
			const sample = async (first: number) => entries.slice(0, first);
			return { planId: "p1", expiresAt: NOW, tallies: stats.byType, sample, unrestorable: async () => [] };
		},
		async cleanup(call) {
			permit(call, "cleanup");
			return makeJob("j1");
		},
		async clear(call) {
			permit(call, "clear");
			return makeJob("j2", { kind: "CLEAR" });
		},
		async deleteEntries(call, ids) {
			permit(call, "deleteEntries");
			return { job: makeJob("j3", { kind: "DELETE" }), deletedIds: ids, freedBytes: 1, errors: [] };
		},
		async quarantine(call) {
			permit(call, "quarantine");
			return [{ jobId: "j1", entries: 1, bytes: 100, since: NOW, until: NOW + 1 }];
		},
		async restoreJob(call) {
			permit(call, "restoreJob");
			return makeJob("j9", { kind: "RESTORE" });
		},
		async refresh(call) {
			permit(call, "refresh");
			return makeJob("j4", { kind: "REFRESH" });
		},
		async warmUp(call) {
			permit(call, "warmUp");
			return makeJob("j5", { kind: "WARM_UP" });
		},
		async syncDataSource(call) {
			permit(call, "syncDataSource");
			return makeJob("j6", { kind: "SYNC" });
		},
		async reportDataSourceSync(call) {
			permit(call, "reportDataSourceSync");
			return makeJob("j7", { kind: "SYNC" });
		},
		async modelConfig(call) {
			permit(call, "modelConfig");
			return { version: 1, updatedAt: NOW, updatedBy: "admin", models: [MODEL] };
		},
		async modelCapability(call) {
			permit(call, "modelCapability");
			return MODEL;
		},
		async updateModelConfig(call) {
			permit(call, "updateModelConfig");
			const job = makeJob("j8", { kind: "CONFIG_CHANGE", status: "SUCCEEDED" });
			return { job, status: "APPLIED", config: { version: 2, updatedAt: NOW, updatedBy: "admin", models: [MODEL] } };
		},
		async job(call, id) {
			permit(call, "job");
			return makeJob(id);
		},
		async jobs(call) {
			permit(call, "jobs");
			return { items: [{ cursor: "1", node: makeJob("j1") }], hasNextPage: false, hasPreviousPage: false, totalCount: 1 };
		},
		async jobFailures(call) {
			permit(call, "job");
			return { items: [], hasNextPage: false, hasPreviousPage: false, totalCount: 0 };
		},
		async queueStats(call) {
			permit(call, "queueStats");
			const mine = { pending: 0, processing: 0, concurrencyLimit: 3 };
			return { engine: "test", queued: 0, running: 0, completed: 0, failed: 0, workers: 1, mine };
		},
		async cancelJob(call, id) {
			permit(call, "cancelJob");
			return makeJob(id, { status: "CANCELLED" });
		},
		async retryJob(call, id) {
			permit(call, "retryJob");
			return makeJob(id);
		},
		async schedules(call) {
			permit(call, "schedules");
			return [makeSchedule("s1")];
		},
		async createSchedule(call) {
			permit(call, "createSchedule");
			return makeSchedule("s1");
		},
		async updateSchedule(call, id) {
			permit(call, "updateSchedule");
			return makeSchedule(id);
		},
		async deleteSchedule(call) {
			permit(call, "deleteSchedule");
		},
		async runScheduleNow(call, id) {
			permit(call, "runScheduleNow");
			return { schedule: makeSchedule(id), job: makeJob("j4") };
		},
		async auditLog(call) {
			permit(call, "auditLog");
			return { items: [], hasNextPage: false, hasPreviousPage: false, totalCount: 0, liveCursor: "c0" };
		},
		async exportAudit(call) {
			permit(call, "auditLog");
			return (async function* () {
				yield "nothing\n";
			})();
		},
		async auditStats(call) {
			permit(call, "auditStats");
			return { total: 0, succeeded: 0, failed: 0, byActionType: [], byHour: [] };
		},
		async auditVerify(call) {
			permit(call, "auditVerify");
			return { checked: 0, problems: [] };
		},
		async cacheStatsHistory(call) {
			permit(call, "cacheStatsHistory");
			return [];
		},
		async cleanupProgress(call) {
			permit(call, "cleanupProgress");
			return jobStates.subscribe();
		},
		async jobProgress(call) {
			permit(call, "jobProgress");
			return jobStates.subscribe();
		},
		async auditLogAdded(call) {
			permit(call, "auditLogAdded");
			return audit.subscribe();
		},
		async refuse(call, operation, _given, error) {
			permit(call, operation);
			throw error;
		},
		async backendStatusChanged(call) {
			permit(call, "backendStatusChanged");
			return backends.subscribe();
		},
		async cacheStatsChanged(call) {
			permit(call, "cacheStatsChanged");
			return statsChannel.subscribe();
		},
	};
}
