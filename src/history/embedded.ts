import { workerUrl } from "../core/worker-url.js";
import type { Store } from "../store/store.js";
import type { storeModule } from "./history-procedures.js";
import type { StatsHistory } from "./port.js";

/** Totals over time in the embedded store. What was deleted comes from the job engine's ledger in the same store. */
export async function openEmbeddedHistory({ store }: { readonly store: Store }): Promise<StatsHistory> {
	const { write, read } = await store.use<typeof storeModule>("history", workerUrl(import.meta.url, "./history-procedures.js"), null);
	return {
		record: (sample) => write.record(sample),
		addDeletion: (deletion) => write.addDeletion(deletion),
		points: (since, until, bucket) => read.points({ since, until, bucket }),
	};
}
