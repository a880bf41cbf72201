import type { Call } from "../core/actor.js";
import type { BackendKind } from "../core/entry.js";
import { CachewardenError } from "../core/errors.js";
import type { Dependencies } from "./dependencies.js";
import { failingAs } from "./failing.js";
import { badInput } from "./input.js";
import type { CacheStats, Operations } from "./operations.js";
import { permit } from "./permission.js";

const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 3_600_000;

/** Totals of now. A layer that is down says so in its own line; only when none can be read does the whole fail. */
function readStats({ catalog, maxBytes, quarantine }: Dependencies, backends: readonly BackendKind[] | null): CacheStats {
	const stats = catalog.stats(backends);
	if (stats.layers.length > 0 && stats.layers.every((layer) => !layer.available)) throw new CachewardenError("CACHE_STATS_FAILED");
	return { ...stats, maxBytes, quarantine: quarantine.totals };
}

export function statsOperations(deps: Dependencies): Pick<Operations, "cacheStats" | "cacheStatsChanged" | "cacheStatsHistory"> {
	return {
		async cacheStats(call, { backends, fresh }) {
			permit(call, "cacheStats");
			return failingAs("CACHE_STATS_FAILED", async () => {
				if (fresh) await Promise.all([deps.catalog.refresh(backends ?? null), deps.quarantine.held()]);
				return readStats(deps, backends ?? null);
			});
		},

		async cacheStatsChanged(call: Call, backends, minIntervalMs) {
			permit(call, "cacheStatsChanged");
			if (!Number.isInteger(minIntervalMs) || minIntervalMs < MIN_INTERVAL_MS || minIntervalMs > MAX_INTERVAL_MS) {
				throw badInput({
					key: "error.outOfRange",
					facts: { name: "minIntervalMs", range: `${MIN_INTERVAL_MS}–${MAX_INTERVAL_MS}`, value: minIntervalMs },
				});
			}
			return mapped(deps.live.stats(minIntervalMs), () => readStats(deps, backends));
		},

		async cacheStatsHistory(call, since, until, bucket) {
			permit(call, "cacheStatsHistory");
			const end = until ?? deps.clock.now();
			if (end < since)
				throw badInput({ key: "error.outOfRange", facts: { name: "until", range: ">= since", value: new Date(end).toISOString() } });
			return deps.history.points(since, end, bucket);
		},
	};
}

/** The same iterator with other values; ending it ends the source at once. */
function mapped<T, U>(source: AsyncIterableIterator<T>, change: (value: T) => U): AsyncIterableIterator<U> {
	const iterator: AsyncIterableIterator<U> = {
		async next() {
			const item = await source.next();
			return item.done ? { done: true, value: undefined } : { done: false, value: change(item.value) };
		},
		async return() {
			await source.return?.();
			return { done: true, value: undefined };
		},
		[Symbol.asyncIterator]: () => iterator,
	};
	return iterator;
}
