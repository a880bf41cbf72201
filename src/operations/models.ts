import { capabilityOf, type ModelCapability, type ModelConfig, namesToTry } from "../core/model-capability.js";
import type { CapabilityCache, ModelConfigStore } from "../models/port.js";
import type { Dependencies } from "./dependencies.js";
import { badInput } from "./input.js";
import type { Operations } from "./operations.js";
import { permit } from "./permission.js";

const MAX_NAME = 300;

export interface CapabilityReading {
	readonly capabilities: CapabilityCache;
	readonly capabilityTtlMs: number;
}

/**
 * Reads through the cache: what it holds of another version does not count, and what it does not hold is read from the
 * configuration and kept. Null for an unknown model, which is not kept.
 */
export async function readCapability(
	{ capabilities, capabilityTtlMs }: CapabilityReading,
	model: string,
	version: number,
	configOf: () => Promise<Pick<ModelConfig, "version" | "models">>,
): Promise<ModelCapability | null> {
	const cached = await capabilities.get(model);
	if (cached !== null && cached.version === version) return cached.capability;
	const config = await configOf();
	const capability = capabilityOf(config.models, model);
	// Kept under its own name: others are made up by whoever asks.
	if (capability !== null) await capabilities.put(capability.name, { version: config.version, capability }, capabilityTtlMs);
	return capability;
}

export function modelOperations(deps: Dependencies): Pick<Operations, "modelConfig" | "modelCapability"> {
	const configs: ModelConfigStore = deps.modelConfigs;
	return {
		async modelConfig(call) {
			permit(call, "modelConfig");
			return configs.current();
		},

		async modelCapability(call, model) {
			permit(call, "modelCapability");
			if (model.length > MAX_NAME)
				throw badInput({ key: "error.outOfRange", facts: { name: "model", range: `1–${MAX_NAME}`, value: model.length } });
			if (namesToTry(model).length === 0) return null;
			return readCapability(deps, model, await configs.version(), () => configs.current());
		},
	};
}
