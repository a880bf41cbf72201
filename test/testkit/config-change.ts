/** The change of a model configuration on embedded parts, with a place to stop before and after everything that it does to them. */
import { openEmbeddedAudit } from "../../src/audit/embedded/embedded-audit.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import { openFileWriter } from "../../src/backends/file/file-writer.js";
import type { CacheWriter } from "../../src/backends/writer.js";
import { openEmbeddedCoordination } from "../../src/coordination/embedded.js";
import { systemClock } from "../../src/core/clock.js";
import { CachewardenError } from "../../src/core/errors.js";
import type { ModelCapability } from "../../src/core/model-capability.js";
import { openEmbeddedJobs, ticketsOfUnfinishedJobs } from "../../src/jobs/embedded/embedded-jobs.js";
import type { JobHandler } from "../../src/jobs/port.js";
import { openEmbeddedModels } from "../../src/models/embedded/embedded-models.js";
import { openStore } from "../../src/store/store.js";
import { configChangeHandler } from "../../src/workflows/config-change/config-change-handler.js";
import { callOf, intentOf } from "./calls.js";

export const OLD: readonly ModelCapability[] = [model("gpt-4", 3), model("qwen", 2)];
export const NEW: readonly ModelCapability[] = [model("gpt-4", 5), model("claude", 4)];
export const KEY = "the change";

function model(name: string, capabilityLevel: number): ModelCapability {
	return { name, provider: "p", capabilityLevel, roles: ["r"], features: ["f"], enabled: true };
}

export interface ConfigChangeOptions {
	readonly dataDir: string;
	readonly root: string;
	/** The layer's probe fails, so that the change is taken back. */
	readonly failing: boolean;
	/** Called with `save:before`, `save:after`, `probe:before`, … */
	readonly at: (point: string) => Promise<void>;
}

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function openConfigChange({ dataDir, root, failing, at }: ConfigChangeOptions) {
	const store = await openStore({ dataDir, warn: () => undefined });
	const clock = systemClock;
	const audit = await openEmbeddedAudit({
		store,
		secret: "the secret of a test",
		keepDays: 30,
		ownedTickets: await ticketsOfUnfinishedJobs(store),
		clock,
		log,
	});
	const { configs, capabilities } = await openEmbeddedModels({ store, clock, initial: OLD });
	const roots = [{ name: "main", path: root, layout: "metadata" as const }];
	const backend = openFileBackend({ roots });
	const writer = openFileWriter({ roots, timeZone: "UTC" });
	const probed = failing ? Object.assign(Object.create(writer) as CacheWriter, { probe: refuse }) : writer;
	const parts = {
		modelConfigs: watched(configs, at),
		capabilities: watched(capabilities, at),
		writers: new Map([["FILE" as const, watched(probed, at)]]),
		backends: new Map([["FILE" as const, backend]]),
		coordination: openEmbeddedCoordination(),
		clock,
		capabilityTtlMs: 3_600_000,
	};
	const jobs = await openEmbeddedJobs({
		store,
		audit,
		clock,
		handlers: [configChangeHandler(parts) as JobHandler<unknown>],
		concurrency: 1,
		concurrencyPerUser: 1,
		maxQueued: 10,
		keepDays: 1,
		log,
	});
	return {
		configs,
		capabilities,
		audit,
		jobs,
		/** The job of the one change, submitted when there is none. */
		async change() {
			const earlier = await jobs.findByKey("alice", KEY);
			if (earlier !== null) return earlier;
			const auditTicket = await audit.begin(intentOf("alice", { action: "updateModelConfig", actionType: "config_management" }));
			const input = { expectedVersion: 0, models: NEW };
			const request = { kind: "CONFIG_CHANGE", input, auditTicket, call: callOf("alice"), idempotencyKey: KEY } as const;
			return (await jobs.submit(request)).job;
		},
		async close() {
			await jobs.close();
			await audit.close();
			await Promise.all([backend.close(), writer.close()]);
			await store.close();
		},
	};
}

async function refuse(): Promise<never> {
	throw new CachewardenError("BACKEND_UNAVAILABLE");
}

/** The same object, whose calls stop before and after. */
function watched<T extends object>(target: T, at: ConfigChangeOptions["at"]): T {
	return new Proxy(target, {
		get(of, name) {
			const member: unknown = Reflect.get(of, name, of);
			if (typeof member !== "function") return member;
			return async (...args: unknown[]) => {
				await at(`${String(name)}:before`);
				const result: unknown = await Reflect.apply(member, of, args);
				await at(`${String(name)}:after`);
				return result;
			};
		},
	});
}
