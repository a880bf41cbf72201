import type { z } from "zod";
import type { Entry } from "../../core/entry.js";
import type { Job } from "../../core/job.js";
import { progressTotals } from "../../core/job.js";
import type { Locale } from "../../core/messages/catalogue.js";
import type { BackendInfo, CacheStats } from "../../operations/operations.js";
import { encodeError, encodeProgress } from "../../resolvers/encode.js";
import type { backendInfoData, clearedData, detailsData, jobData, statsData } from "./shapes.js";

/** What the original system told when nobody had set a quota. */
const USUAL_MAX_BYTES = 1_073_741_824;

export function encodeStats({ layers, byType, maxBytes }: CacheStats): z.output<typeof statsData> {
	const ofType = (type: string): number => byType.reduce((sum, tally) => sum + (tally.type === type ? tally.entries : 0), 0);
	return {
		totalFiles: layers.reduce((sum, layer) => sum + layer.entries, 0),
		totalSize: layers.reduce((sum, layer) => sum + layer.bytes, 0),
		maxSize: maxBytes ?? USUAL_MAX_BYTES,
		stockDataCount: ofType("stock_data"),
		newsDataCount: ofType("news"),
		analysisDataCount: ofType("fundamentals"),
	};
}

export function encodeEntry(entry: Entry): z.output<typeof detailsData>["items"][number] {
	const { id, key, backend, type, symbol, size, createdAt, lastAccessedAt, hitCount } = entry;
	return { id, key, backend, type, symbol, size, created_at: iso(createdAt), last_accessed: iso(lastAccessedAt), hit_count: hitCount };
}

export function encodeBackendInfo({ system, primaryBackend, fallbackEnabled, backends }: BackendInfo): z.output<typeof backendInfoData> {
	const available = (kind: "REDIS" | "MONGODB"): boolean => backends.some((backend) => backend.kind === kind && backend.available);
	return {
		system,
		primary_backend: primaryBackend === "REDIS" ? "redis" : primaryBackend === "MONGODB" ? "mongodb" : "file",
		fallback_enabled: fallbackEnabled,
		mongodb_available: available("MONGODB"),
		redis_available: available("REDIS"),
	};
}

/** What a removal came to; what went wrong is told only when something did. */
export function encodeRemoval(locale: Locale, job: Job): z.output<typeof clearedData> {
	const { deletedEntries, freedBytes, failedEntries } = progressTotals(job);
	const whole = { jobId: job.id, deleted: deletedEntries, freedBytes };
	if (job.status !== "PARTIALLY_FAILED") return whole;
	const byBackend = job.progress.layers.map((layer) => ({
		backend: layer.backend,
		status: layer.status,
		deleted: layer.deletedEntries,
		freedBytes: layer.freedBytes,
		failed: layer.failedEntries,
		error: layer.error === null ? null : encodeError(locale, layer.error),
	}));
	return { ...whole, failed: failedEntries, byBackend };
}

export function encodeJob(locale: Locale, job: Job): z.output<typeof jobData> {
	const { id: _, jobId: __, at, etaSeconds, ...progress } = encodeProgress(locale, job);
	return {
		id: job.id,
		batchId: job.batchId,
		kind: job.kind,
		status: job.status,
		requestedBy: job.requestedBy,
		input: { ...job.input },
		createdAt: iso(job.createdAt),
		startedAt: iso(job.startedAt),
		finishedAt: iso(job.finishedAt),
		attempts: job.attempts,
		progress: { ...progress, byBackend: [...progress.byBackend], steps: [...progress.steps], etaSeconds, at: iso(at) },
		error: job.error === null ? null : encodeError(locale, job.error),
	};
}

function iso(time: number): string;
function iso(time: number | null): string | null;
function iso(time: number | null): string | null {
	return time === null ? null : new Date(time).toISOString();
}
