import { z } from "zod";
import type { RemovalOptions, RemovalOutcome } from "../backends/backend.js";
import { BACKEND_KINDS, type BackendKind, type EntryRef } from "../core/entry.js";
import type { ErrorCode } from "../core/errors.js";
import { ERRORS } from "../core/errors.js";
import type { EntryFailure } from "../core/job.js";
import type { BatchResult, JobContext, JobHandler } from "../jobs/port.js";
import { whyAway } from "./away.js";
import type { Dependencies } from "./dependencies.js";
import { deleteJobInput } from "./input.js";

type HandlerDependencies = Pick<Dependencies, "catalog" | "backends">;

const checkpointShape = z.object({
	/** Which of the ids lie in which layer, as found when the job first ran: what is missing later was deleted by it. */
	layers: z.partialRecord(z.enum(BACKEND_KINDS), z.array(z.string())),
	unknown: z.array(z.string()),
	finished: z.array(z.enum(BACKEND_KINDS)),
});
type Checkpoint = z.infer<typeof checkpointShape>;

/** Single entries: whichever was not removed is named among the job's failures, also one that is gone or has changed. */
export function deleteHandler(deps: HandlerDependencies): JobHandler<z.infer<typeof deleteJobInput>> {
	return {
		kind: "DELETE",
		input: deleteJobInput,
		async run(context) {
			let checkpoint = await located(deps, context);
			const kinds = BACKEND_KINDS.filter((kind) => checkpoint.layers[kind] !== undefined);
			for (const kind of kinds) {
				if (checkpoint.finished.includes(kind)) continue;
				const resumed = context.openBatch?.[0]?.backend === kind;
				const refs = resumed ? (context.openBatch ?? []) : await deps.catalog.refs(checkpoint.layers[kind] ?? []);
				if (!resumed) await context.beginBatch(refs, checkpoint);
				const outcomes = await removed(deps, kind, refs, { signal: context.signal, resumed });
				checkpoint = { ...checkpoint, finished: [...checkpoint.finished, kind] };
				const result = resultOf(kind, refs, outcomes, kind === kinds[0] ? checkpoint.unknown : []);
				await context.endBatch(result, checkpoint);
				await deps.catalog.forget(outcomes.filter((outcome) => outcome.outcome === "deleted").map((outcome) => outcome.id));
				await context.report({ layers: [{ backend: kind, status: result.failures.length > 0 ? "PARTIALLY_FAILED" : "SUCCEEDED" }] });
			}
			if (context.signal.aborted) return "CANCELLED";
			const { layers } = context.job.progress;
			const failed = layers.reduce((sum, layer) => sum + layer.failedEntries, 0);
			return failed === 0 ? "SUCCEEDED" : layers.every((layer) => layer.deletedEntries === 0) ? "FAILED" : "PARTIALLY_FAILED";
		},
	};
}

async function removed(
	{ catalog, backends }: HandlerDependencies,
	kind: BackendKind,
	refs: readonly EntryRef[],
	options: RemovalOptions,
): Promise<readonly RemovalOutcome[]> {
	const failure = whyAway(catalog, kind);
	if (failure !== null) return refs.map(({ id }) => ({ id, outcome: "failed", failure }));
	return (await backends.get(kind)?.remove(refs, options)) ?? [];
}

/** Finds the entries, reading the layers again only when the catalog does not know one. */
async function located(
	{ catalog, backends }: HandlerDependencies,
	context: JobContext<{ readonly ids: readonly string[] }>,
): Promise<Checkpoint> {
	const kept = checkpointShape.safeParse(context.checkpoint);
	if (kept.success) return kept.data;
	const { ids } = context.input;
	await context.report({ phase: "select" });
	let refs = await catalog.refs(ids);
	if (refs.length < ids.length) {
		await catalog.refresh(null);
		refs = await catalog.refs(ids);
	}
	const found = new Set(refs.map((ref) => ref.id));
	const unknown = ids.filter((id) => !found.has(id));
	const layers: Partial<Record<BackendKind, string[]>> = {};
	for (const ref of refs) layers[ref.backend] = [...(layers[ref.backend] ?? []), ref.id];
	// What is nowhere is told by the first layer there is.
	const [first] = backends.keys();
	if (refs.length === 0 && first !== undefined) layers[first] = [];
	const kinds = BACKEND_KINDS.filter((kind) => layers[kind] !== undefined);
	await context.report({
		phase: "delete",
		layers: kinds.map((backend) => ({
			backend,
			status: "RUNNING",
			total: (layers[backend]?.length ?? 0) + (backend === kinds[0] ? unknown.length : 0),
		})),
	});
	return { layers, unknown, finished: [] };
}

function resultOf(
	backend: BackendKind,
	refs: readonly EntryRef[],
	outcomes: readonly RemovalOutcome[],
	unknown: readonly string[],
): BatchResult {
	const reached = new Set(outcomes.map((outcome) => outcome.id));
	const failures: EntryFailure[] = [
		...unknown.map((id) => failure(id, "NOT_FOUND")),
		...refs.filter((ref) => !reached.has(ref.id)).map((ref) => failure(ref.id, "CANCELLED")),
	];
	let deletedEntries = 0;
	let freedBytes = 0;
	for (const outcome of outcomes) {
		if (outcome.outcome === "deleted") {
			deletedEntries++;
			freedBytes += outcome.freedBytes;
		} else if (outcome.outcome === "failed") failures.push({ entryId: outcome.id, failure: outcome.failure });
		else failures.push(failure(outcome.id, outcome.reason === "gone" ? "NOT_FOUND" : "CHANGED"));
	}
	return { backend, deletedEntries, freedBytes, skippedEntries: 0, failures };
}

function failure(entryId: string, code: ErrorCode): EntryFailure {
	return { entryId, failure: { code, said: { key: ERRORS[code].message, facts: {} } } };
}
