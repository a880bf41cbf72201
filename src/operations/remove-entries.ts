import type { CacheBackend, RemovalOutcome } from "../backends/backend.js";
import type { Quarantine } from "../backends/quarantine.js";
import type { Catalog } from "../catalog/port.js";
import { BACKEND_KINDS, type BackendKind, type EntryRef, isServer } from "../core/entry.js";
import { type Failure, failureOf } from "../core/errors.js";
import type { JobStatus } from "../core/job.js";
import type { BatchResult, JobContext } from "../jobs/port.js";
import { whyUnreadable } from "./away.js";
import { atTheBeginning, type LayerPositions, layerPositions, pastBatch, pastLayer } from "./layer-positions.js";
import type { RemovalSource } from "./removal-source.js";

export interface Removal {
	readonly catalog: Catalog;
	readonly backends: ReadonlyMap<BackendKind, CacheBackend>;
	readonly context: JobContext<unknown>;
	readonly source: RemovalSource;
	/** Takes files where they can be brought back from, instead of deleting them. */
	readonly hold?: Quarantine["hold"];
}

type Ended = Exclude<JobStatus, "QUEUED" | "RUNNING">;

/** Removes what was selected layer by layer in the order file, database, python; picks up where an earlier attempt was cut off. */
export async function removeEntries(removal: Removal): Promise<Ended> {
	const { catalog, backends, context, source } = removal;
	const kinds = BACKEND_KINDS.filter((kind) => backends.has(kind) && source.backends.includes(kind));
	await context.report({ phase: "select" });
	let checkpoint = await begun(removal, kinds);
	await context.report({ phase: "delete" });
	const ends: JobStatus[] = [];
	for (const kind of kinds) {
		if (context.signal.aborted) break;
		if (checkpoint.finished.includes(kind)) {
			ends.push(context.job.progress.layers.find((layer) => layer.backend === kind)?.status ?? "SUCCEEDED");
			continue;
		}
		await context.report({ layers: [{ backend: kind, status: "RUNNING" }] });
		const layer = await removeLayer(removal, backends.get(kind) as CacheBackend, checkpoint);
		checkpoint = layer.checkpoint;
		if (context.signal.aborted) break;
		const error = layer.error ?? placeError(catalog, kind);
		const status: JobStatus = layer.error !== null ? "FAILED" : error !== null || layer.someFailed ? "PARTIALLY_FAILED" : "SUCCEEDED";
		checkpoint = pastLayer(checkpoint, kind);
		await context.report({ layers: [{ backend: kind, status, ...(error === null ? {} : { error }) }] });
		await context.saveCheckpoint(checkpoint);
		ends.push(status);
	}
	if (context.signal.aborted) return "CANCELLED";
	if (ends.length > 0 && ends.every((status) => status === "FAILED")) return "FAILED";
	return ends.every((status) => status === "SUCCEEDED") ? "SUCCEEDED" : "PARTIALLY_FAILED";
}

/** The state to go on from. What a crash left half done is finished and counted before anything is selected anew. */
async function begun({ catalog, backends, context, source, hold }: Removal, kinds: readonly BackendKind[]): Promise<LayerPositions> {
	const kept = layerPositions.safeParse(context.checkpoint);
	let earlier = kept.success && kept.data.epoch === source.epoch ? kept.data : null;
	if (context.openBatch !== null && context.openBatch.length > 0) {
		const kind = (context.openBatch[0] as EntryRef).backend;
		const backend = backends.get(kind);
		if (backend !== undefined) {
			const outcomes = await removerOf(backend, context.job.id, hold)(context.openBatch, { signal: context.signal, resumed: true });
			if (earlier !== null) earlier = pastBatch(earlier, kind);
			await context.endBatch(resultOf(kind, outcomes), earlier ?? {});
			await catalog.forget(goneIds(outcomes));
		}
	}
	await catalog.refresh(kinds);
	if (earlier !== null) return earlier;
	const { entries, revision } = await source.count(kinds);
	const layers = kinds.map((backend) => {
		const selected = entries.get(backend) ?? 0;
		const before = context.job.progress.layers.find((layer) => layer.backend === backend);
		return {
			backend,
			total: selected + (before === undefined ? 0 : before.deletedEntries + before.failedEntries + before.skippedEntries),
			status: "QUEUED" as const,
		};
	});
	const checkpoint = atTheBeginning(revision, source.epoch);
	await context.report({ layers });
	await context.saveCheckpoint(checkpoint);
	return checkpoint;
}

async function removeLayer(
	{ catalog, context, source, hold }: Removal,
	backend: CacheBackend,
	start: LayerPositions,
): Promise<{ readonly checkpoint: LayerPositions; readonly someFailed: boolean; readonly error: Failure | null }> {
	const { kind } = backend;
	const remove = removerOf(backend, context.job.id, hold);
	const away = whyUnreadable(catalog, kind);
	if (away !== null) return { checkpoint: start, someFailed: false, error: away };
	let checkpoint = start;
	let someFailed = (context.job.progress.layers.find((layer) => layer.backend === kind)?.failedEntries ?? 0) > 0;
	let after = start.positions[kind] ?? null;
	/** The catalog takes longer to forget a batch than a server to remove it: meanwhile the next one is removed. */
	let forgotten: Promise<void> = Promise.resolve();
	let lost: Failure | null = null;
	try {
		let selected = source.select(kind, start.maxRevision, after, context.batchEntries(kind));
		while (!context.signal.aborted) {
			const { refs, next } = await selected;
			if (refs.length > 0) {
				// The next batch is read while this one is deleted.
				if (next !== null) selected = source.select(kind, start.maxRevision, next, context.batchEntries(kind));
				checkpoint = { ...checkpoint, afterBatch: next };
				await context.beginBatch(refs, checkpoint);
				const outcomes = await remove(refs, { signal: context.signal, resumed: false });
				// A cancelled batch is not behind us: what it left is selected again should the job go on.
				if (!context.signal.aborted) checkpoint = pastBatch(checkpoint, kind);
				const result = resultOf(kind, outcomes);
				await context.endBatch(result, checkpoint);
				await forgotten;
				forgotten = catalog.forget(goneIds(outcomes));
				forgotten.catch(() => undefined);
				someFailed ||= result.failures.length > 0;
				// A layer that went away would say the same of every entry that is left.
				if (isServer(kind)) lost = wentAway(outcomes);
			}
			if (next === null || lost !== null) break;
			after = next;
		}
		await forgotten;
		return { checkpoint, someFailed, error: lost };
	} catch (error) {
		return { checkpoint, someFailed, error: failureOf(error) };
	}
}

function removerOf(backend: CacheBackend, jobId: string, hold: Removal["hold"]): CacheBackend["remove"] {
	if (hold === undefined || backend.kind !== "FILE") return (...order) => backend.remove(...order);
	return (...order) => hold(jobId, ...order);
}

function resultOf(backend: BackendKind, outcomes: readonly RemovalOutcome[]): BatchResult {
	let deletedEntries = 0;
	let freedBytes = 0;
	let skippedEntries = 0;
	const failures: { entryId: string; failure: Failure }[] = [];
	for (const outcome of outcomes) {
		if (outcome.outcome === "deleted") {
			deletedEntries++;
			freedBytes += outcome.freedBytes;
		} else if (outcome.outcome === "skipped") skippedEntries++;
		else failures.push({ entryId: outcome.id, failure: outcome.failure });
	}
	return { backend, deletedEntries, freedBytes, skippedEntries, failures };
}

function goneIds(outcomes: readonly RemovalOutcome[]): string[] {
	return outcomes
		.filter((outcome) => outcome.outcome === "deleted" || (outcome.outcome === "skipped" && outcome.reason === "gone"))
		.map((outcome) => outcome.id);
}

/** Why no entry of a batch could be reached; null when one was, or failed for a reason of its own. */
function wentAway(outcomes: readonly RemovalOutcome[]): Failure | null {
	const [first] = outcomes;
	const isAway = (outcome: RemovalOutcome): boolean =>
		outcome.outcome === "failed" && (outcome.failure.code === "BACKEND_UNAVAILABLE" || outcome.failure.code === "BACKEND_TIMEOUT");
	return first?.outcome === "failed" && outcomes.every(isAway) ? first.failure : null;
}

/** A layer of which a place could not be read is not wholly done, whatever was deleted elsewhere in it. */
function placeError(catalog: Catalog, kind: BackendKind): Failure | null {
	return catalog.status().find((place) => place.backend === kind && place.error !== null)?.error ?? null;
}
