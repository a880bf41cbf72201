import { type Clock, systemClock } from "../../core/clock.js";
import type { EntryRef } from "../../core/entry.js";
import { CachewardenError, failureOf } from "../../core/errors.js";
import type { BackendHealth, CacheBackend, EntryPreview, RemovalOptions, RemovalOutcome } from "../backend.js";
import { bestProtection, type Protection } from "./descent.js";
import type { RemovalTask, TaskOutcome } from "./remove-entry.js";
import { Root } from "./root.js";
import { Tuner } from "./tuner.js";
import { WorkerPool } from "./worker-pool.js";
import type { WorkerReply, WorkerRequest } from "./worker-protocol.js";

export interface DiskBackendOptions {
	/** The name of a root is its place. */
	readonly roots: readonly { readonly name: string; readonly path: string }[];
	/** Default: the system's. */
	readonly clock?: Clock;
	/** Default: the best that the platform has. */
	readonly protection?: Protection;
}

/** A backend of files, whatever they hold. */
export interface DiskBackend extends CacheBackend {
	readonly capabilities: { readonly protection: Protection };
}

/** `emptiedFolder`: folders of that name are removed when the last of their files was. */
export function openDiskBackend(kind: "FILE" | "PYTHON", options: DiskBackendOptions, emptiedFolder: string | null): DiskBackend {
	return new Disk(kind, options, emptiedFolder);
}

/** Entries of one root that go to one thread together, each with its place in the batch. */
export interface Chunk {
	readonly root: string;
	readonly items: readonly { readonly entry: EntryRef; readonly at: number }[];
}

const MIN_CHUNK = 32;
const MAX_CHUNK = 512;

class Disk implements DiskBackend {
	readonly places: readonly string[];
	readonly capabilities: { readonly protection: Protection };
	private readonly roots: ReadonlyMap<string, Root>;
	private readonly pool = new WorkerPool(Tuner.maxWorkers);
	private readonly tuner = new Tuner();

	constructor(
		readonly kind: "FILE" | "PYTHON",
		{ roots, clock = systemClock, protection = bestProtection() }: DiskBackendOptions,
		private readonly emptiedFolder: string | null,
	) {
		this.capabilities = { protection };
		this.places = roots.map((root) => root.name);
		this.roots = new Map(roots.map(({ name, path }) => [name, new Root(kind, name, path, clock)]));
	}

	async remove(entries: readonly EntryRef[], { signal, resumed }: RemovalOptions): Promise<RemovalOutcome[]> {
		const outcomes = new Array<RemovalOutcome | undefined>(entries.length);
		const settle = ({ items }: Chunk, done: readonly TaskOutcome[]): void => {
			for (const [i, outcome] of done.entries()) {
				const item = items[i] as Chunk["items"][number];
				if (outcome.outcome !== "left") outcomes[item.at] = outcomeOf(item.entry.id, outcome);
			}
		};
		const workers = this.tuner.workersFor(entries.length);
		const chunks = chunksOf(entries, Math.ceil(entries.length / (2 * workers)));
		const { stop, release } = stopOn(signal);
		const began = performance.now();
		const lane = async (): Promise<void> => {
			for (let chunk = chunks.shift(); chunk && (resumed || !signal.aborted); chunk = chunks.shift())
				settle(chunk, await this.removeChunk(chunk, resumed, stop));
		};
		await Promise.all(Array.from({ length: workers }, lane));
		release();
		if (!signal.aborted) this.tuner.record(workers, entries.length, performance.now() - began);
		return outcomes.filter((outcome) => outcome !== undefined);
	}

	private async removeChunk({ root, items }: Chunk, resumed: boolean, stop: SharedArrayBuffer): Promise<TaskOutcome[]> {
		const tasks = items.map(({ entry }) => taskOf(entry));
		const reply = await this.ask(root, (path) => ({
			kind: "remove",
			root: path,
			protection: this.capabilities.protection,
			tasks,
			resumed,
			emptiedFolder: this.emptiedFolder,
			stop,
		}));
		if (reply.kind === "removed") return [...reply.outcomes];
		const failure = reply.kind === "failed" ? reply.failure : failureOf(null);
		return tasks.map(() => ({ outcome: "failed", failure }));
	}

	async preview(entry: EntryRef, maxBytes: number): Promise<EntryPreview | null> {
		const { locator } = entry;
		if (locator === null) return null;
		const reply = await this.ask(entry.place, (root) => ({
			kind: "preview",
			root,
			protection: this.capabilities.protection,
			locator,
			maxBytes,
		}));
		if (reply.kind === "previewed") return reply.preview;
		throw reply.kind === "failed" ? new CachewardenError(reply.failure.code, reply.failure.said) : new CachewardenError("INTERNAL");
	}

	/** A thread that dies takes nothing with it but its answer: what it was asked is asked again, as of a batch that a crash cut short. */
	private async ask(place: string, requestFor: (root: string) => WorkerRequest): Promise<WorkerReply> {
		try {
			const root = this.roots.get(place);
			if (!root) throw new CachewardenError("BAD_PATH");
			const request = requestFor(await root.resolve());
			try {
				return await this.pool.ask(request);
			} catch {
				return await this.pool.ask(request.kind === "remove" ? { ...request, resumed: true } : request);
			}
		} catch (error) {
			return { kind: "failed", failure: failureOf(error) };
		}
	}

	async health(): Promise<BackendHealth[]> {
		return Promise.all([...this.roots.values()].map((root) => root.health()));
	}

	close(): Promise<void> {
		return this.pool.close();
	}
}

/** A number on shared memory that is not 0 any more once the signal is aborted. */
export function stopOn(signal: AbortSignal): { readonly stop: SharedArrayBuffer; readonly release: () => void } {
	const stop = new SharedArrayBuffer(4);
	const halt = (): void => void Atomics.store(new Int32Array(stop), 0, 1);
	if (signal.aborted) halt();
	signal.addEventListener("abort", halt, { once: true });
	return { stop, release: () => signal.removeEventListener("abort", halt) };
}

export function chunksOf(entries: readonly EntryRef[], evenShare: number): Chunk[] {
	const byRoot = new Map<string, { entry: EntryRef; at: number }[]>();
	for (const [at, entry] of entries.entries()) {
		const items = byRoot.get(entry.place);
		if (items) items.push({ entry, at });
		else byRoot.set(entry.place, [{ entry, at }]);
	}
	const size = Math.min(MAX_CHUNK, Math.max(MIN_CHUNK, evenShare));
	const chunks: Chunk[] = [];
	for (const [root, items] of byRoot)
		for (let start = 0; start < items.length; start += size) chunks.push({ root, items: items.slice(start, start + size) });
	return chunks;
}

export function taskOf({ key, locator, size, fingerprint }: EntryRef): RemovalTask {
	return { key, locator, size, data: fingerprint.data, metadata: fingerprint.metadata };
}

export function outcomeOf(id: string, outcome: Exclude<TaskOutcome, { readonly outcome: "left" }>): RemovalOutcome {
	switch (outcome.outcome) {
		case "deleted":
			return { id, outcome: "deleted", freedBytes: outcome.freedBytes };
		case "failed":
			return { id, outcome: "failed", failure: outcome.failure };
		default:
			return { id, outcome: "skipped", reason: outcome.outcome };
	}
}
