import type { Clock } from "../../core/clock.js";
import type { ModelCapability } from "../../core/model-capability.js";
import { workerUrl } from "../../core/worker-url.js";
import type { Store } from "../../store/store.js";
import type { CapabilityCache, ModelConfigStore } from "../port.js";
import type { storeModule } from "./model-procedures.js";

export interface EmbeddedModelsOptions {
	readonly store: Store;
	readonly clock: Clock;
	/** The configuration that is in force before anybody has changed it: version 0. */
	readonly initial: readonly ModelCapability[];
}

/** Versions and capabilities in the embedded store. */
export async function openEmbeddedModels({ store, clock, initial }: EmbeddedModelsOptions): Promise<{
	readonly configs: ModelConfigStore;
	readonly capabilities: CapabilityCache;
}> {
	const { write, read } = await store.use<typeof storeModule>("models", workerUrl(import.meta.url, "./model-procedures.js"), null);
	await write.seed({ models: initial, at: clock.now(), by: "configuration" });
	const close = async (): Promise<void> => undefined;
	return {
		configs: {
			version: () => read.version(),
			current: () => read.current(),
			find: (version) => read.find(version),
			save: (change) => write.save(change),
			activate: (version, from) => write.activate({ version, from }),
			discard: (version) => write.discard(version),
			close,
		},
		capabilities: {
			get: (model) => read.get({ model, now: clock.now() }),
			put: (model, cached, forMs) => write.put({ model, cached, expiresAt: clock.now() + forMs }),
			clear: () => write.clear(),
			close,
		},
	};
}
