/** A cleanup of one folder of real files by the file backend, as a handler of jobs: what a job's input names is removed. */
import { z } from "zod";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import type { EntryRef } from "../../src/core/entry.js";
import { progressTotals } from "../../src/core/job.js";
import { fencedBackend } from "../../src/jobs/bullmq/fenced-backend.js";
import type { BatchResult, JobContext, JobHandler } from "../../src/jobs/port.js";
import { refsOf } from "./disk-refs.js";

const BATCH = 100;
/** Removing takes longer than recording it, so that kills fall within batches. */
const SLICE = 10;

export interface FolderCleanup {
	readonly folder: string;
	readonly pauseMs: number;
}

/** `removed` is told after each few entries. */
export function folderCleanup(removed: (count: number) => void): JobHandler<unknown> {
	async function remove(context: JobContext<FolderCleanup>, entries: readonly EntryRef[], resumed: boolean): Promise<void> {
		const { folder, pauseMs } = context.input;
		const backend = fencedBackend(openFileBackend({ roots: [{ name: "test", path: folder }] }));
		let result: BatchResult = { backend: "FILE", deletedEntries: 0, freedBytes: 0, skippedEntries: 0, failures: [] };
		for (let i = 0; i < entries.length && (resumed || !context.signal.aborted); i += SLICE) {
			const outcomes = await backend.remove(entries.slice(i, i + SLICE), { signal: context.signal, resumed });
			for (const outcome of outcomes) {
				if (outcome.outcome === "deleted")
					result = { ...result, deletedEntries: result.deletedEntries + 1, freedBytes: result.freedBytes + outcome.freedBytes };
				else if (outcome.outcome === "skipped") result = { ...result, skippedEntries: result.skippedEntries + 1 };
				else result = { ...result, failures: [...result.failures, { entryId: outcome.id, failure: outcome.failure }] };
			}
			removed(outcomes.length);
			await new Promise((turn) => setTimeout(turn, pauseMs));
		}
		await backend.close();
		await context.endBatch(result, {});
	}

	const handler: JobHandler<FolderCleanup> = {
		kind: "CLEANUP",
		input: z.object({ folder: z.string(), pauseMs: z.number() }),
		async run(context) {
			const { signal, openBatch, input } = context;
			if (openBatch !== null) await remove(context, openBatch, true);
			const refs = refsOf(input.folder, "plain", "test");
			const done = progressTotals(context.job).processed;
			await context.report({ phase: "delete", layers: [{ backend: "FILE", total: done + refs.length, status: "RUNNING" }] });
			for (let i = 0; i < refs.length && !signal.aborted; i += BATCH) {
				const batch = refs.slice(i, i + BATCH);
				await context.beginBatch(batch, {});
				await remove(context, batch, false);
			}
			if (signal.aborted) return "CANCELLED";
			await context.report({ layers: [{ backend: "FILE", status: "SUCCEEDED" }] });
			return "SUCCEEDED";
		},
	};
	return handler as JobHandler<unknown>;
}
