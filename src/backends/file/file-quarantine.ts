import { type Clock, systemClock } from "../../core/clock.js";
import type { EntryRef } from "../../core/entry.js";
import { entryId } from "../../core/entry-id.js";
import { CachewardenError, type Failure, failureOf } from "../../core/errors.js";
import type { RemovalOptions, RemovalOutcome } from "../backend.js";
import { bestProtection } from "../disk/descent.js";
import { type Chunk, chunksOf, outcomeOf, stopOn, taskOf } from "../disk/disk-backend.js";
import type { RestoreTaskOutcome } from "../disk/restore-entry.js";
import { Root } from "../disk/root.js";
import { WorkerPool } from "../disk/worker-pool.js";
import type { WorkerReply, WorkerRequest } from "../disk/worker-protocol.js";
import type { HeldList, Quarantine, RestoreOutcome, Unfit } from "../quarantine.js";

export interface FileQuarantineOptions {
	readonly roots: readonly { readonly name: string; readonly path: string }[];
	/** Default: the system's. */
	readonly clock?: Clock;
}

/** Moves wait for the disk's journal as deletions do; two threads hide that from each other. */
const THREADS = 2;
const PROOFS = { data: null, metadata: null };

/** In a folder of each root, so that a move is one step and needs no room. */
export function openFileQuarantine(options: FileQuarantineOptions): Quarantine {
	return new FileQuarantine(options);
}

class FileQuarantine implements Quarantine {
	private readonly roots: ReadonlyMap<string, Root>;
	private readonly pool = new WorkerPool(THREADS);

	constructor({ roots, clock = systemClock }: FileQuarantineOptions) {
		this.roots = new Map(roots.map(({ name, path }) => [name, new Root("FILE", name, path, clock)]));
	}

	async hold(jobId: string, entries: readonly EntryRef[], { signal, resumed }: RemovalOptions): Promise<RemovalOutcome[]> {
		// The lists of an attempt that was killed are closed first: what they hold is theirs.
		if (resumed) await this.settle(jobId);
		const outcomes = new Array<RemovalOutcome | undefined>(entries.length);
		const { stop, release } = stopOn(signal);
		const chunks = chunksOf(entries, Math.ceil(entries.length / (2 * THREADS)));
		const lane = async (): Promise<void> => {
			for (let chunk = chunks.shift(); chunk && (resumed || !signal.aborted); chunk = chunks.shift())
				for (const [at, outcome] of await this.holdChunk(jobId, chunk, resumed, stop)) outcomes[at] = outcome;
		};
		await Promise.all(Array.from({ length: THREADS }, lane));
		release();
		return outcomes.filter((outcome) => outcome !== undefined);
	}

	private async holdChunk(
		job: string,
		{ root, items }: Chunk,
		resumed: boolean,
		stop: SharedArrayBuffer,
	): Promise<[number, RemovalOutcome][]> {
		const tasks = items.map(({ entry }) => ({ ...taskOf(entry), type: entry.type }));
		const failed = (failure: Failure) =>
			items.map(({ entry, at }): [number, RemovalOutcome] => [at, { id: entry.id, outcome: "failed", failure }]);
		try {
			const reply = await this.ask(root, { kind: "hold", job, tasks, resumed, stop });
			if (reply.kind !== "removed") return failed(failureOf(null));
			return items.slice(0, reply.outcomes.length).flatMap(({ entry, at }, i): [number, RemovalOutcome][] => {
				const outcome = reply.outcomes[i];
				return outcome === undefined || outcome.outcome === "left" ? [] : [[at, outcomeOf(entry.id, outcome)]];
			});
		} catch (error) {
			return failed(failureOf(error));
		}
	}

	async settle(jobId: string): Promise<void> {
		await this.everywhere(async (place) => void (await this.ask(place, { kind: "settle", job: jobId })));
	}

	async lists(): Promise<HeldList[]> {
		const found = await this.everywhere(async (place) => {
			const reply = await this.ask(place, { kind: "lists" });
			return reply.kind === "lists" ? reply.lists.map(({ job, ...list }) => ({ ...list, jobId: job, place })) : [];
		});
		return found.flat();
	}

	async read({ jobId, place, name }: HeldList): Promise<EntryRef[]> {
		const reply = await this.ask(place, { kind: "held", job: jobId, list: name });
		if (reply.kind !== "held") return [];
		return reply.lines.map(({ key, locator, type, size }) => {
			return { id: entryId("FILE", place, key), key, backend: "FILE", place, type, size, locator, fingerprint: PROOFS };
		});
	}

	async restore(list: HeldList, entries: readonly EntryRef[], { signal, resumed }: RemovalOptions): Promise<RestoreOutcome[]> {
		const tasks = entries.map(({ key, locator, size }) => ({ key, locator, size }));
		const { stop, release } = stopOn(signal);
		try {
			const reply = await this.ask(list.place, { kind: "restore", job: list.jobId, list: list.name, tasks, resumed, stop });
			if (reply.kind !== "restored") throw new CachewardenError("INTERNAL");
			return reply.outcomes.map((outcome, i) => restoredOf((entries[i] as EntryRef).id, outcome));
		} finally {
			release();
		}
	}

	async discard(jobId: string): Promise<{ readonly entries: number; readonly bytes: number }> {
		const all = await this.everywhere(async (place) => {
			const reply = await this.ask(place, { kind: "discard", job: jobId });
			return reply.kind === "discarded" ? reply : { entries: 0, bytes: 0 };
		});
		return all.reduce((sum, one) => ({ entries: sum.entries + one.entries, bytes: sum.bytes + one.bytes }), { entries: 0, bytes: 0 });
	}

	async survey(): Promise<Unfit[]> {
		const found: Unfit[] = [];
		for (const place of this.roots.keys()) {
			try {
				const reply = await this.ask(place, { kind: "survey" });
				const folders = reply.kind === "surveyed" ? reply.survey.otherDevices : [];
				const said = { key: "error.quarantine.otherDevice", facts: { path: folders.join(", ") } } as const;
				if (folders.length > 0) found.push({ place, folders, failure: { code: "BAD_PATH", said } });
			} catch (error) {
				const failure = failureOf(error);
				const said = { key: "error.writeDenied", facts: { path: place } } as const;
				found.push({ place, folders: null, failure: failure.code === "PERMISSION_DENIED" ? { ...failure, said } : failure });
			}
		}
		return found;
	}

	close(): Promise<void> {
		return this.pool.close();
	}

	/** A root that is away has nothing to tell; what lies in its quarantine is there when it is back. */
	private async everywhere<T>(work: (place: string) => Promise<T>): Promise<T[]> {
		const results: T[] = [];
		for (const place of this.roots.keys()) {
			try {
				results.push(await work(place));
			} catch (error) {
				if (!(error instanceof CachewardenError)) throw error;
			}
		}
		return results;
	}

	private async ask(place: string, request: Without<WorkerRequest, "root" | "protection">): Promise<WorkerReply> {
		const root = this.roots.get(place);
		if (root === undefined) throw new CachewardenError("BAD_PATH");
		const reply = await this.pool.ask({ ...request, root: await root.resolve(), protection: bestProtection() });
		if (reply.kind === "failed") throw new CachewardenError(reply.failure.code, reply.failure.said);
		return reply;
	}
}

type Without<Union, Names extends PropertyKey> = Union extends unknown ? Omit<Union, Names> : never;

function restoredOf(id: string, outcome: RestoreTaskOutcome): RestoreOutcome {
	switch (outcome.outcome) {
		case "restored":
			return { id, outcome: "restored", bytes: outcome.bytes };
		case "failed":
			return { id, outcome: "failed", failure: outcome.failure };
		default:
			return { id, outcome: outcome.outcome };
	}
}
