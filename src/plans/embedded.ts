import type { Clock } from "../core/clock.js";
import { workerUrl } from "../core/worker-url.js";
import type { Store } from "../store/store.js";
import type { storeModule } from "./plan-procedures.js";
import type { PlanStore } from "./port.js";

/** Plans in the embedded store. */
export async function openEmbeddedPlans({ store, clock }: { readonly store: Store; readonly clock: Clock }): Promise<PlanStore> {
	const { write, read } = await store.use<typeof storeModule>("plans", workerUrl(import.meta.url, "./plan-procedures.js"), null);
	return {
		shared: null,
		save: (plan) => write.save(plan),
		find: (id) => read.find({ id, now: clock.now() }),
		close: async () => undefined,
	};
}
