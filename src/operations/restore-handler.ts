import { z } from "zod";
import type { HeldList, Quarantine, RestoreOutcome } from "../backends/quarantine.js";
import type { EntryRef } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import type { EntryFailure, JobStatus } from "../core/job.js";
import type { BatchResult, JobContext, JobHandler } from "../jobs/port.js";
import type { Dependencies } from "./dependencies.js";
import { lockOf, type QuarantineKeeper } from "./quarantine-keeper.js";

type HandlerDependencies = Pick<Dependencies, "catalog" | "coordination"> & {
	readonly quarantine: Quarantine;
	/** Told when something has come back. */
	readonly keeper: Pick<QuarantineKeeper, "held">;
};

/** What a RESTORE job keeps as its input: the cleanup that it undoes. */
export const restoreJobInput = z.object({ jobId: z.string().regex(/^j[0-9a-z]{1,64}$/) });
type Input = z.infer<typeof restoreJobInput>;

/** The list that is being restored, when an attempt dies over it. */
const checkpointShape = z.object({ place: z.string(), name: z.string() });
const NEWER: Failure = { code: "CHANGED", said: { key: "error.quarantine.newer", facts: {} } };

/** Brings back what a cleanup or clear has in quarantine, where nothing newer stands in its place. */
export function restoreHandler(deps: HandlerDependencies): JobHandler<Input> {
	return {
		kind: "RESTORE",
		input: restoreJobInput,
		async run(context) {
			const lease = await deps.coordination.lock(lockOf(context.input.jobId), context.signal);
			try {
				return await restore(deps, context);
			} finally {
				await lease.release();
			}
		},
	};
}

async function restore(
	{ catalog, quarantine, keeper }: HandlerDependencies,
	context: JobContext<Input>,
): Promise<Exclude<JobStatus, "QUEUED" | "RUNNING">> {
	const { signal } = context;
	const { jobId } = context.input;

	async function batch(list: HeldList, refs: readonly EntryRef[], resumed: boolean): Promise<void> {
		const checkpoint = { place: list.place, name: list.name };
		if (!resumed) await context.beginBatch(refs, checkpoint);
		const outcomes = await quarantine.restore(list, refs, { signal, resumed });
		await context.endBatch(resultOf(outcomes), checkpoint);
		await catalog.forget(outcomes.filter(({ outcome }) => outcome === "restored").map(({ id }) => id));
	}

	await context.report({ phase: "select", layers: [{ backend: "FILE", status: "RUNNING" }] });
	await quarantine.settle(jobId);
	const kept = checkpointShape.safeParse(context.checkpoint);
	// What a killed attempt had begun is finished and counted first.
	if (context.openBatch !== null && kept.success) {
		const list = { ...kept.data, jobId, open: false, entries: 0, bytes: 0, since: 0 };
		await batch(list, context.openBatch, true);
	}
	const lists = (await quarantine.lists()).filter((list) => list.jobId === jobId);
	const [before] = context.job.progress.layers;
	const restored = (before?.loadedEntries ?? 0) + (before?.skippedEntries ?? 0);
	const total = restored + lists.reduce((sum, { entries }) => sum + entries, 0);
	await context.report({ phase: "restore", layers: [{ backend: "FILE", total }] });
	for (const list of lists) {
		if (signal.aborted) break;
		const refs = await quarantine.read(list);
		if (refs.length > 0) await batch(list, refs, false);
		// What a killed attempt listed and the next one took is named by two lists: with the first all of it came back.
		else await quarantine.restore(list, [], { signal, resumed: false });
	}
	await Promise.all([catalog.refresh(["FILE"]), keeper.held()]);
	if (signal.aborted) return "CANCELLED";
	const [layer] = context.job.progress.layers;
	const failed = layer?.failedEntries ?? 0;
	const status = failed === 0 ? "SUCCEEDED" : (layer?.loadedEntries ?? 0) === 0 ? "FAILED" : "PARTIALLY_FAILED";
	await context.report({ layers: [{ backend: "FILE", status, ...(status === "FAILED" ? { error: NEWER } : {}) }] });
	return status;
}

function resultOf(outcomes: readonly RestoreOutcome[]): BatchResult {
	let loadedEntries = 0;
	let loadedBytes = 0;
	let skippedEntries = 0;
	const failures: EntryFailure[] = [];
	for (const outcome of outcomes) {
		if (outcome.outcome === "restored") {
			loadedEntries++;
			loadedBytes += outcome.bytes;
		} else if (outcome.outcome === "gone") skippedEntries++;
		else failures.push({ entryId: outcome.id, failure: outcome.outcome === "failed" ? outcome.failure : NEWER });
	}
	return { backend: "FILE", deletedEntries: 0, freedBytes: 0, skippedEntries, loadedEntries, loadedBytes, failures };
}
