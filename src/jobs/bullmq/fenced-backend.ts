import type { CacheBackend, RemovalOptions, RemovalOutcome } from "../../backends/backend.js";
import type { Quarantine } from "../../backends/quarantine.js";
import type { EntryRef } from "../../core/entry.js";
import { currentRun } from "./current-run.js";
import type { Lease } from "./leases.js";

/** Entries that are asked for between two looks at the lease: what a process that wakes up too late may still remove. */
const SLICE = 500;

/** A layer from which only the run that holds its job removes anything, here or through the workers of its parts. */
export function fencedBackend(backend: CacheBackend): CacheBackend {
	return {
		kind: backend.kind,
		places: backend.places,
		remove: (entries, options) => {
			const run = currentRun.getStore();
			if (run === undefined) return backend.remove(entries, options);
			return run.share?.(backend, entries, options) ?? removeWhileHeld(backend, run.lease, entries, options);
		},
		preview: (entry, maxBytes) => backend.preview(entry, maxBytes),
		health: () => backend.health(),
		close: () => backend.close(),
	};
}

/** In slices, and none after the lease is lost; what was not reached is missing from the answer. */
export async function removeWhileHeld(
	backend: Pick<CacheBackend, "remove">,
	lease: Lease,
	entries: readonly EntryRef[],
	options: RemovalOptions,
): Promise<RemovalOutcome[]> {
	const outcomes: RemovalOutcome[] = [];
	const fenced = { ...options, heldForMs: () => lease.heldForMs };
	for (let from = 0; from < entries.length && lease.held; from += SLICE) {
		if (options.signal.aborted && !options.resumed) break;
		outcomes.push(...(await backend.remove(entries.slice(from, from + SLICE), fenced)));
	}
	return outcomes;
}

/** The same for what is taken into quarantine instead of being removed. */
export function fencedQuarantine<Held extends Pick<Quarantine, "hold">>(quarantine: Held): Held {
	return Object.create(quarantine, {
		hold: {
			value: ((jobId, entries, options) => {
				const lease = currentRun.getStore()?.lease;
				const order = { remove: (slice: readonly EntryRef[], how: RemovalOptions) => quarantine.hold(jobId, slice, how) };
				return lease === undefined ? quarantine.hold(jobId, entries, options) : removeWhileHeld(order, lease, entries, options);
			}) satisfies Quarantine["hold"],
		},
	}) as Held;
}
