import { canonicalJson } from "../../core/canonical-json.js";
import type { BackendKind } from "../../core/entry.js";
import { CachewardenError, type Said } from "../../core/errors.js";
import type { ModelConfig } from "../../core/model-capability.js";
import type { Dependencies } from "../../operations/dependencies.js";
import { readCapability } from "../../operations/models.js";

export type TestParts = Pick<Dependencies, "backends" | "writers" | "capabilities" | "capabilityTtlMs">;

/**
 * Each layer that is available stores a probe, reads it and removes it; then every enabled model is read through the cache, twice, so
 * that the cache itself has answered once, and compared. CONFIG_TEST_FAILED names what was different.
 */
export async function testConfig(parts: TestParts, config: ModelConfig, signal: AbortSignal): Promise<void> {
	await Promise.all([...parts.writers.keys()].map((kind) => probe(parts, kind)));
	for (const model of config.models.filter(({ enabled }) => enabled)) {
		signal.throwIfAborted();
		await readCapability(parts, model.name, config.version, async () => config);
		const cached = await parts.capabilities.get(model.name);
		if (cached === null || cached.version !== config.version || canonicalJson(cached.capability) !== canonicalJson(model))
			throw failed({ key: "error.models.readBack", facts: { model: model.name } });
	}
}

async function probe({ backends, writers }: TestParts, kind: BackendKind): Promise<void> {
	const health = (await backends.get(kind)?.health()) ?? [];
	if (!health.some(({ available }) => available)) return;
	try {
		await writers.get(kind)?.probe();
	} catch (error) {
		const reason = error instanceof CachewardenError ? error.message : "INTERNAL";
		throw new CachewardenError("CONFIG_TEST_FAILED", { key: "error.models.probe", facts: { backend: kind, reason } }, { cause: error });
	}
}

function failed(said: Said): CachewardenError {
	return new CachewardenError("CONFIG_TEST_FAILED", said);
}
