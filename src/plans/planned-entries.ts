/** The entries of plans in MongoDB, in chunks of JSON that is made smaller: some fifty bytes an entry. */
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import mongoose, { type mongo } from "mongoose";
import type { BackendKind, EntryRef } from "../core/entry.js";
import { CachewardenError } from "../core/errors.js";
import type { PlaceGroup } from "../core/place-groups.js";
import type { SelectPosition } from "../core/selection.js";
import type { Plan, PlannedLayer, PlannedLayers, SharedPlans } from "./port.js";

/** As many as are removed in one batch. */
const CHUNK = 2_000;
const LOOK_EVERY_MS = 200;
const CLOSE_WITHIN_MS = 3_000;
const FASTEST = { level: 1 };

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Of the plan itself. */
export interface WrittenFacts {
	/** Where its entries lie: all places of its layers at first, and those that have some once it is written down. */
	readonly groups: readonly PlaceGroup[];
	/** Chunks that are there. */
	readonly chunks: number;
	/** Null until all are there. */
	readonly layers: PlannedLayers | null;
	readonly held: boolean;
}

interface Chunk {
	readonly _id: string;
	readonly plan: string;
	readonly expiresAt: number;
	readonly body: mongo.Binary;
}

interface PlannedEntriesOptions<Document extends { readonly _id: string } & WrittenFacts> {
	readonly plans: mongo.Collection<Document>;
	readonly db: mongo.Db;
	/** Every place that this process can reach. */
	readonly groups: readonly PlaceGroup[];
	readonly available: <T>(work: Promise<T>) => Promise<T>;
	readonly silentMs: number;
	readonly writeFailed: (planId: string, error: unknown) => void;
}

export class PlannedEntries<Document extends { readonly _id: string } & WrittenFacts> implements SharedPlans {
	private readonly writing = new Set<Promise<void>>();
	private readonly closing = new AbortController();
	private readonly chunks: mongo.Collection<Chunk>;

	constructor(private readonly options: PlannedEntriesOptions<Document>) {
		this.chunks = options.db.collection<Chunk>("cachewarden_plan_entries");
	}

	async index(): Promise<void> {
		await this.options.available(this.chunks.createIndexes([{ key: { plan: 1 } }, { key: { expiresAt: 1 } }]));
	}

	groupsOf({ selection: { backends } }: Plan): readonly PlaceGroup[] {
		return this.options.groups.filter(({ backend }) => backends?.includes(backend) ?? true);
	}

	write(plan: Plan, entries: AsyncIterable<readonly EntryRef[]>): void {
		const written = this.writeAll(plan, entries)
			.catch((error: unknown) => this.options.writeFailed(plan.id, error))
			.finally(() => this.writing.delete(written));
		this.writing.add(written);
	}

	private async writeAll(plan: Plan, entries: AsyncIterable<readonly EntryRef[]>): Promise<void> {
		const { available } = this.options;
		const layers: Partial<Record<BackendKind, PlannedLayer>> = {};
		const places = new Set<string>();
		for await (const refs of entries) {
			const documents: Chunk[] = [];
			for (let from = 0; from < refs.length; from += CHUNK) {
				const some = refs.slice(from, from + CHUNK);
				const { backend } = some[0] as EntryRef;
				const layer = layers[backend] ?? { entries: 0, chunks: 0 };
				for (const { place } of some) places.add(`${backend} ${place}`);
				const body = new mongoose.mongo.Binary(await deflate(JSON.stringify(some), FASTEST));
				documents.push({ _id: chunkId(plan.id, backend, layer.chunks), plan: plan.id, expiresAt: plan.expiresAt, body });
				layers[backend] = { entries: layer.entries + some.length, chunks: layer.chunks + 1 };
			}
			if (documents.length === 0) continue;
			await available(this.chunks.insertMany(documents));
			const there = await this.change(plan.id, { $inc: { chunks: documents.length } });
			// Newer plans have taken its place.
			if (!there) await available(this.chunks.deleteMany({ plan: plan.id }));
			if (!there || this.closing.signal.aborted) return;
		}
		const groups = this.groupsOf(plan).filter(({ backend, places: names }) => names.some((name) => places.has(`${backend} ${name}`)));
		await this.change(plan.id, { $set: { layers, groups } });
	}

	async hold(planId: string): Promise<void> {
		if (!(await this.change(planId, { $set: { held: true } }))) throw new CachewardenError("PLAN_STALE");
	}

	async missing(planId: string): Promise<readonly PlaceGroup[]> {
		const groups = (await this.facts(planId))?.groups ?? [];
		const here = new Set(this.options.groups.map(nameOf));
		return groups.filter((group) => !here.has(nameOf(group)));
	}

	async written(planId: string, signal: AbortSignal): Promise<PlannedLayers | null> {
		let seen = { chunks: -1, at: performance.now() };
		while (!signal.aborted) {
			const facts = await this.facts(planId);
			if (facts === null) return null;
			if (facts.layers) return facts.layers;
			if (facts.chunks !== seen.chunks) seen = { chunks: facts.chunks, at: performance.now() };
			else if (performance.now() - seen.at > this.options.silentMs) return null;
			await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
		}
		return null;
	}

	async read(
		planId: string,
		{ backend, chunks: count }: Parameters<SharedPlans["read"]>[1],
		after: SelectPosition | null,
		limit: number,
	): ReturnType<SharedPlans["read"]> {
		const { available } = this.options;
		const from = Number(after ?? -1) + 1;
		const until = Math.min(count, from + Math.max(1, Math.floor(limit / CHUNK)));
		const refs: EntryRef[] = [];
		for (let n = from; n < until; n++) {
			const chunk = await available(this.chunks.findOne({ _id: chunkId(planId, backend, n) }));
			if (chunk === null) throw new CachewardenError("PLAN_STALE");
			refs.push(...(JSON.parse((await inflate(chunk.body.buffer)).toString("utf8")) as EntryRef[]));
		}
		return { refs, next: until < count ? until - 1 : null };
	}

	/** Of plans that are gone. */
	async forget(planIds: readonly string[], expiredBefore: number): Promise<void> {
		const { available } = this.options;
		await available(this.chunks.deleteMany({ $or: [{ plan: { $in: planIds } }, { expiresAt: { $lt: expiredBefore } }] }));
	}

	async close(): Promise<void> {
		const timer = setTimeout(() => this.closing.abort(), CLOSE_WITHIN_MS);
		await Promise.all(this.writing);
		clearTimeout(timer);
	}

	private async facts(planId: string): Promise<WrittenFacts | null> {
		return this.options.available(
			this.options.plans.findOne<WrittenFacts>({ _id: planId } as never, { projection: { groups: 1, chunks: 1, layers: 1, held: 1 } }),
		);
	}

	/** False when the plan is gone. */
	private async change(planId: string, update: object): Promise<boolean> {
		const { matchedCount } = await this.options.available(this.options.plans.updateOne({ _id: planId } as never, update as never));
		return matchedCount === 1;
	}
}

function chunkId(planId: string, backend: BackendKind, number: number): string {
	return `${planId}:${backend}:${number}`;
}

function nameOf({ backend, identity }: PlaceGroup): string {
	return `${backend} ${identity}`;
}
