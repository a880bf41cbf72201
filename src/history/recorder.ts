import type { Catalog } from "../catalog/port.js";
import type { Clock } from "../core/clock.js";
import type { StatsHistory } from "./port.js";

const EVERY_MS = 60_000;

/** Keeps the totals of each minute until it is stopped; stopping records the last ones. */
export function recordHistory(
	{ catalog, history, clock }: { readonly catalog: Pick<Catalog, "stats">; readonly history: StatsHistory; readonly clock: Clock },
	failed: (error: unknown) => void,
): () => Promise<void> {
	async function record(): Promise<void> {
		const stats = catalog.stats(null);
		// Totals of a catalog that is still being built would be read as a loss. A server that was never there has none to lose.
		if (stats.layers.some((layer) => layer.asOf === 0 && layer.available)) return;
		const byType = new Map<string, { type: string; entries: number; bytes: number }>();
		for (const { type, entries, bytes } of stats.byType) {
			const sum = byType.get(type) ?? { type, entries: 0, bytes: 0 };
			byType.set(type, { type, entries: sum.entries + entries, bytes: sum.bytes + bytes });
		}
		const known = stats.layers.filter((layer) => layer.hits !== null && layer.misses !== null);
		await history.record({
			at: clock.now(),
			totalEntries: stats.layers.reduce((sum, layer) => sum + layer.entries, 0),
			totalBytes: stats.layers.reduce((sum, layer) => sum + layer.bytes, 0),
			byType: [...byType.values()],
			hits: known.length === 0 ? null : known.reduce((sum, layer) => sum + (layer.hits ?? 0), 0),
			misses: known.length === 0 ? null : known.reduce((sum, layer) => sum + (layer.misses ?? 0), 0),
		});
	}

	const timer = setInterval(() => record().catch(failed), EVERY_MS).unref();
	return async () => {
		clearInterval(timer);
		await record().catch(failed);
	};
}
