import { z } from "zod";
import type { Recipe } from "../backends/writer.js";
import { BACKEND_KINDS, type BackendKind, type EntryRef } from "../core/entry.js";
import { type Failure, failureOf } from "../core/errors.js";
import type { Selection } from "../core/selection.js";
import type { JobContext, JobHandler } from "../jobs/port.js";
import type { Loader, LoadRequest } from "../loaders/port.js";
import type { Dependencies } from "./dependencies.js";
import { refreshJobInput } from "./input.js";
import { atTheBeginning, layerPositions, pastBatch, pastLayer } from "./layer-positions.js";
import { endOfLoads, LOAD_BATCH, type LoadItem, loadBatch } from "./load-batch.js";

type HandlerDependencies = Pick<Dependencies, "catalog" | "writers" | "loaders" | "coordination" | "clock">;
type Input = z.infer<typeof refreshJobInput>;

/** `unknown`: ids that were asked for and that nobody knows, until they have been said. */
const checkpointShape = layerPositions.extend({ unknown: z.array(z.string()) });
type Checkpoint = z.infer<typeof checkpointShape>;

/** Loads entries again, layer by layer. Those under way are STALE until their new value is in. */
export function refreshHandler(deps: HandlerDependencies): JobHandler<Input> {
	return {
		kind: "REFRESH",
		input: refreshJobInput,
		run: (context) => new Refresh(deps, context).run(),
	};
}

class Refresh {
	private readonly kinds: readonly BackendKind[];
	private readonly selection: Selection;
	private gaveUp: Failure | null = null;

	constructor(
		private readonly deps: HandlerDependencies,
		private readonly context: JobContext<Input>,
	) {
		const { input } = context;
		this.kinds = BACKEND_KINDS.filter((kind) => deps.writers.has(kind));
		this.selection = {
			...(input.ids ? { ids: input.ids } : {}),
			...(input.types ? { types: input.types } : {}),
			...(input.symbols ? { symbols: input.symbols } : {}),
			...(input.expiredOnly ? { statuses: ["EXPIRED", "STALE"] } : {}),
		};
	}

	async run() {
		const { context, deps } = this;
		await context.report({ phase: "select" });
		let checkpoint = await this.begun();
		await context.report({ phase: "load" });
		for (const kind of this.kinds) {
			if (context.signal.aborted || this.gaveUp !== null) break;
			if (checkpoint.finished.includes(kind)) continue;
			await context.report({ layers: [{ backend: kind, status: "RUNNING" }] });
			checkpoint = await this.layer(kind, checkpoint);
			if (context.signal.aborted) break;
			checkpoint = pastLayer(checkpoint, kind);
			await context.saveCheckpoint(checkpoint);
		}
		await deps.catalog.refresh(this.kinds);
		return endOfLoads(context, this.gaveUp);
	}

	/** What a killed attempt had begun is finished and counted first. */
	private async begun(): Promise<Checkpoint> {
		const { context, deps } = this;
		const { catalog } = deps;
		await catalog.refresh(this.kinds);
		const kept = checkpointShape.safeParse(context.checkpoint);
		const earlier = kept.success && kept.data.epoch === catalog.epoch ? kept.data : null;
		if (context.openBatch !== null && context.openBatch.length > 0) {
			const kind = (context.openBatch[0] as EntryRef).backend;
			return this.batch(kind, await this.asTheyAre(context.openBatch), earlier ?? (await this.selected()), true);
		}
		return earlier ?? this.selected();
	}

	private async selected(): Promise<Checkpoint> {
		const { context, deps, selection, kinds } = this;
		const { tallies, revision } = await deps.catalog.summarize({ ...selection, backends: kinds });
		const found = new Set((await deps.catalog.refs(context.input.ids ?? [])).map(({ id }) => id));
		const unknown = (context.input.ids ?? []).filter((id) => !found.has(id));
		await context.report({
			layers: kinds.map((backend, i) => {
				const before = context.job.progress.layers.find((layer) => layer.backend === backend);
				const done = (before?.loadedEntries ?? 0) + (before?.failedEntries ?? 0) + (before?.skippedEntries ?? 0);
				const entries = tallies.filter((tally) => tally.backend === backend).reduce((sum, tally) => sum + tally.entries, 0);
				return { backend, status: "QUEUED" as const, total: done + entries + (i === 0 ? unknown.length : 0) };
			}),
		});
		const checkpoint: Checkpoint = { ...atTheBeginning(revision, deps.catalog.epoch), unknown };
		await context.saveCheckpoint(checkpoint);
		return checkpoint;
	}

	private async layer(kind: BackendKind, start: Checkpoint): Promise<Checkpoint> {
		const { context, deps } = this;
		const wanted: Selection = { ...this.selection, maxRevision: start.maxRevision };
		let checkpoint = start;
		let after = start.positions[kind] ?? null;
		while (!context.signal.aborted && this.gaveUp === null) {
			const { refs, next } = await deps.catalog.select(kind, wanted, after, LOAD_BATCH);
			checkpoint = { ...checkpoint, afterBatch: next };
			if (refs.length > 0 || checkpoint.unknown.length > 0) checkpoint = await this.batch(kind, refs, checkpoint, false);
			if (next === null) break;
			after = next;
		}
		return checkpoint;
	}

	private async batch(kind: BackendKind, refs: readonly EntryRef[], before: Checkpoint, resumed: boolean): Promise<Checkpoint> {
		const { context, deps } = this;
		const { catalog } = deps;
		const unknown: LoadItem[] = before.unknown.map((id) => ({
			id,
			failure: { code: "NOT_FOUND", said: { key: "error.notFound", facts: {} } },
		}));
		if (!resumed) await context.beginBatch(refs, before);
		await catalog.markStale(idsOf(refs), true);
		const items = [...unknown, ...(await Promise.all(refs.map((ref) => this.item(kind, ref, resumed))))];
		const failedBefore = context.job.progress.layers.reduce((sum, layer) => sum + layer.failedEntries, 0);
		const { result, loadedIds, leftIds, gaveUp } = await loadBatch(deps, kind, items, failedBefore, context.signal);
		this.gaveUp ??= gaveUp;
		const checkpoint: Checkpoint = context.signal.aborted ? before : { ...pastBatch(before, kind), unknown: [] };
		await context.endBatch(result, checkpoint);
		const untouched = items.flatMap((item) => ("skipped" in item ? [item.id] : []));
		// What a killed attempt had put in place is loaded without being written anew.
		await catalog.markStale([...leftIds, ...untouched, ...loadedIds], false);
		// Also reads again what is there.
		await catalog.forget(loadedIds);
		return checkpoint;
	}

	private async item(kind: BackendKind, ref: EntryRef, resumed: boolean): Promise<LoadItem> {
		const { id, place, key, locator } = ref;
		const writer = this.deps.writers.get(kind);
		if (writer === undefined) return { id, skipped: true };
		try {
			const recipe = await writer.recipeOf(ref);
			const found = await this.loaderFor(kind, key, recipe);
			if (found === null) return this.nothingFor(id, ref.type, recipe);
			const { createdAt: since } = this.context.job;
			return { id, order: { ...found, writer, at: { place, key, locator }, replaces: ref, since, resumed } };
		} catch (error) {
			return { id, failure: failureOf(error) };
		}
	}

	/** What was named must be done or be said; what a selection meets by the way is passed over. */
	private nothingFor(id: string, type: string, recipe: Recipe | null): LoadItem {
		if (!this.context.input.ids) return { id, skipped: true };
		if (recipe === null) return { id, failure: { code: "LOADER_FAILED", said: { key: "error.noRecipe", facts: {} } } };
		return { id, failure: { code: "LOADER_FAILED", said: { key: "error.noLoaderFor", facts: { type } } } };
	}

	/** The loader that its source names, else the first that has something for it. */
	private async loaderFor(
		backend: BackendKind,
		key: string,
		recipe: Recipe | null,
	): Promise<{ readonly loader: Loader; readonly request: LoadRequest } | null> {
		const loaders = [...this.deps.loaders.values()];
		const own = loaders.filter(({ source }) => source !== null && source === recipe?.source);
		for (const loader of [...own, ...loaders.filter((one) => !own.includes(one))]) {
			const request = await loader.requestFor({ backend, key }, recipe);
			if (request !== null) return { loader, request };
		}
		return null;
	}

	/** With the proofs of now: the killed attempt may have written some of them. One that is gone keeps its old proof, which nothing matches. */
	private async asTheyAre(entries: readonly EntryRef[]): Promise<EntryRef[]> {
		const now = new Map((await this.deps.catalog.refs(idsOf(entries))).map((ref) => [ref.id, ref]));
		return entries.map((entry) => now.get(entry.id) ?? entry);
	}
}

function idsOf(entries: readonly EntryRef[]): string[] {
	return entries.map(({ id }) => id);
}
