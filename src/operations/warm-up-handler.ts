import { z } from "zod";
import type { CacheWriter } from "../backends/writer.js";
import type { BackendKind, EntryRef } from "../core/entry.js";
import { entryId } from "../core/entry-id.js";
import { CachewardenError, failureOf } from "../core/errors.js";
import type { JobContext, JobHandler } from "../jobs/port.js";
import type { Loader, LoadRequest } from "../loaders/port.js";
import type { Dependencies } from "./dependencies.js";
import { warmUpJobInput } from "./input.js";
import { endOfLoads, LOAD_BATCH, type LoadItem, loadBatch } from "./load-batch.js";

type HandlerDependencies = Pick<Dependencies, "catalog" | "writers" | "loaders" | "coordination" | "clock">;
type Input = z.infer<typeof warmUpJobInput>;

const checkpointShape = z.object({ done: z.number() });

/** Where values go when no layer is named: where the applications look first. */
const TARGET_ORDER: readonly BackendKind[] = ["REDIS", "MONGODB", "FILE"];

/** Loads what a loader has for the symbols, also what is not in the cache yet. */
export function warmUpHandler(deps: HandlerDependencies): JobHandler<Input> {
	return {
		kind: "WARM_UP",
		input: warmUpJobInput,
		async run(context) {
			const { catalog, loaders } = deps;
			const { job, input, signal } = context;
			const loader = loaders.get(input.loader);
			if (loader === undefined)
				throw new CachewardenError("BAD_USER_INPUT", {
					key: "error.unknownLoader",
					facts: { name: input.loader, names: [...loaders.keys()].join(", ") },
				});
			const writer = targetOf(deps, input.target ?? null);
			await context.report({ phase: "select" });
			// What another layer holds may be what is asked for.
			await catalog.refresh(null);
			const requests = await loader.requests(input.symbols, job.createdAt);
			const kept = checkpointShape.safeParse(context.checkpoint);
			let done = kept.success ? kept.data.done : 0;
			await context.report({ phase: "load", layers: [{ backend: writer.kind, status: "RUNNING", total: requests.length }] });
			let gaveUp = null;
			let resumed = context.openBatch !== null;
			for (; done < requests.length && !signal.aborted && gaveUp === null; resumed = false) {
				const part = requests.slice(done, done + LOAD_BATCH);
				const targets = await Promise.all(part.map((request) => target(writer, request, job.createdAt)));
				if (!resumed)
					await context.beginBatch(
						targets.map(({ ref }) => ref),
						{ done },
					);
				const items = targets.map(({ ref, failure }, i) =>
					item({ loader, writer, request: part[i] as LoadRequest, context, ref, failure, resumed }),
				);
				const failedBefore = context.job.progress.layers.reduce((sum, layer) => sum + layer.failedEntries, 0);
				const outcome = await loadBatch(deps, writer.kind, items, failedBefore, signal);
				gaveUp = outcome.gaveUp;
				if (!signal.aborted) done += part.length;
				await context.endBatch(outcome.result, { done });
				await catalog.forget(outcome.loadedIds);
			}
			await catalog.refresh([writer.kind]);
			return endOfLoads(context, gaveUp);
		},
	};
}

function targetOf({ writers }: HandlerDependencies, wanted: BackendKind | null): CacheWriter {
	const kind = wanted ?? TARGET_ORDER.find((one) => writers.has(one));
	const writer = kind === undefined ? undefined : writers.get(kind);
	if (writer === undefined)
		throw new CachewardenError("BAD_USER_INPUT", { key: "error.noWriter", facts: { backend: kind ?? "?", type: "*" } });
	return writer;
}

interface Target {
	readonly ref: EntryRef;
	readonly failure: ReturnType<typeof failureOf> | null;
}

/** Where a value belongs; an entry that cannot be placed has its place in the report all the same. */
async function target(writer: CacheWriter, { recipe, key, copyOf }: LoadRequest, at: number): Promise<Target> {
	const { type } = recipe;
	const form = key === null ? "text" : "pickle";
	let found = { key: key ?? `${recipe.symbol}_${type}`, place: "" };
	let failure: Target["failure"] = null;
	try {
		const place = await writer.placeFor(type, form);
		if (place === null) throw new CachewardenError("BAD_USER_INPUT", { key: "error.noWriter", facts: { backend: writer.kind, type } });
		found = { key: key ?? copiedKey(writer, copyOf) ?? writer.keyOf(recipe, copyOf?.createdAt ?? at), place };
	} catch (error) {
		failure = failureOf(error);
	}
	const id = entryId(writer.kind, found.place, found.key);
	const fingerprint = { data: null, metadata: null };
	return { ref: { ...found, id, backend: writer.kind, type, size: 0, locator: null, fingerprint }, failure };
}

/** Between layers whose keys have one form the key stays what it is. */
function copiedKey(writer: CacheWriter, copyOf: LoadRequest["copyOf"]): string | null {
	const databases: readonly BackendKind[] = ["REDIS", "MONGODB"];
	if (copyOf === null) return null;
	const alike = copyOf.backend === writer.kind || (databases.includes(copyOf.backend) && databases.includes(writer.kind));
	return alike ? copyOf.key : null;
}

function item(part: {
	readonly loader: Loader;
	readonly writer: CacheWriter;
	readonly request: LoadRequest;
	readonly context: JobContext<Input>;
	readonly ref: EntryRef;
	readonly failure: Target["failure"];
	readonly resumed: boolean;
}): LoadItem {
	const { loader, writer, request, context, ref, failure, resumed } = part;
	const { id, place, key } = ref;
	if (failure !== null) return { id, failure };
	const at = { place, key, locator: null };
	return { id, order: { loader, writer, request, at, replaces: null, since: context.job.createdAt, resumed } };
}
