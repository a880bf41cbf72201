import { workerUrl } from "../core/worker-url.js";
import type { Store } from "../store/store.js";
import type { ScheduleStore } from "./port.js";
import type { storeModule } from "./schedule-procedures.js";

/** Schedules in the embedded store. */
export async function openEmbeddedSchedules({ store }: { readonly store: Store }): Promise<ScheduleStore> {
	const { write, read } = await store.use<typeof storeModule>("schedules", workerUrl(import.meta.url, "./schedule-procedures.js"), null);
	return {
		add: (schedule) => write.add(schedule),
		get: (id) => read.get(id),
		list: (ownerId) => read.list(ownerId),
		change: (id, change, state = {}) => write.change({ id, change, state }),
		remove: (id) => write.remove(id),
	};
}
