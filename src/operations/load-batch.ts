import type { BackendKind } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import type { EntryFailure, JobStatus } from "../core/job.js";
import type { BatchResult, JobContext } from "../jobs/port.js";
import type { Dependencies } from "./dependencies.js";
import { type LoadOrder, type LoadOutcome, loadEntry } from "./load-entry.js";

/** Entries loaded between two durable states. */
export const LOAD_BATCH = 50;
const LANES = 16;

/** One entry of a batch: what is to be done, or why nothing can be. */
export type LoadItem = { readonly id: string } & (
	| { readonly order: LoadOrder }
	| { readonly failure: Failure }
	/** Nothing is to be done. */
	| { readonly skipped: true }
);

export interface BatchOutcome {
	readonly result: BatchResult;
	readonly loadedIds: readonly string[];
	/** Cancelled, or given up after too many failures, before their turn. */
	readonly leftIds: readonly string[];
	/** Of the loader that failed too often. */
	readonly gaveUp: Failure | null;
}

/** Loads side by side, as far as the loaders' pace lets them. Failures of earlier batches count for the limit. */
export async function loadBatch(
	parts: Pick<Dependencies, "coordination" | "clock">,
	backend: BackendKind,
	items: readonly LoadItem[],
	failedBefore: number,
	signal: AbortSignal,
): Promise<BatchOutcome> {
	const failures: EntryFailure[] = [];
	const loadedIds: string[] = [];
	const leftIds: string[] = [];
	let loadedBytes = 0;
	let skippedEntries = 0;
	let gaveUp: Failure | null = null;

	async function one(item: LoadItem): Promise<void> {
		if ("skipped" in item) {
			skippedEntries++;
			return;
		}
		const outcome: LoadOutcome =
			"failure" in item
				? { outcome: "failed", failure: item.failure }
				: gaveUp !== null
					? { outcome: "left" }
					: await loadEntry(parts, item.order, signal);
		if (outcome.outcome === "loaded") {
			loadedIds.push(item.id);
			loadedBytes += outcome.bytes;
		} else if (outcome.outcome === "skipped") skippedEntries++;
		else if (outcome.outcome === "left") leftIds.push(item.id);
		else {
			failures.push({ entryId: item.id, failure: outcome.failure });
			const count = failedBefore + failures.length;
			if ("order" in item && count >= item.order.loader.stopAfterFailures)
				gaveUp ??= { code: "LOADER_FAILED", said: { key: "error.tooManyFailures", facts: { count } } };
		}
	}

	// A loader that is given up is asked no more, so entries begin in small groups and not all at once.
	const waiting = [...items];
	const lane = async (): Promise<void> => {
		for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await one(item);
	};
	await Promise.all(Array.from({ length: Math.min(LANES, items.length) }, lane));
	const result: BatchResult = {
		backend,
		deletedEntries: 0,
		freedBytes: 0,
		skippedEntries,
		failures,
		loadedEntries: loadedIds.length,
		loadedBytes,
	};
	return { result, loadedIds, leftIds, gaveUp };
}

type Ended = Exclude<JobStatus, "QUEUED" | "RUNNING">;

/** How a job of loads ends, by what its layers have come to. */
export async function endOfLoads(context: JobContext<unknown>, gaveUp: Failure | null): Promise<Ended> {
	if (context.signal.aborted) return "CANCELLED";
	const { layers } = context.job.progress;
	const sum = (count: (layer: (typeof layers)[number]) => number): number => layers.reduce((total, layer) => total + count(layer), 0);
	const failed = sum((layer) => layer.failedEntries);
	const done = sum((layer) => (layer.loadedEntries ?? 0) + layer.skippedEntries);
	const status = failed === 0 && gaveUp === null ? "SUCCEEDED" : done === 0 ? "FAILED" : "PARTIALLY_FAILED";
	const error: Failure = gaveUp ?? { code: "LOADER_FAILED", said: { key: "error.loaderFailed", facts: {} } };
	await context.report({
		layers: layers.map((layer) => ({
			backend: layer.backend,
			status:
				layer.failedEntries === 0 ? "SUCCEEDED" : (layer.loadedEntries ?? 0) + layer.skippedEntries === 0 ? "FAILED" : "PARTIALLY_FAILED",
			...(layer.failedEntries === 0 ? {} : { error }),
		})),
	});
	return status;
}
