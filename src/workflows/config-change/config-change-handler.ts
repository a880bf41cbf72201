import { z } from "zod";
import type { Coordination } from "../../coordination/port.js";
import { canonicalJson } from "../../core/canonical-json.js";
import type { Clock } from "../../core/clock.js";
import { CachewardenError, type Failure, failureOf } from "../../core/errors.js";
import { differenceOf, type ModelCapability, type ModelConfig } from "../../core/model-capability.js";
import type { JobContext, JobHandler } from "../../jobs/port.js";
import type { ModelConfigStore } from "../../models/port.js";
import { Steps } from "../steps.js";
import { type ConfigChangeInput, configChangeJobInput } from "./model-input.js";
import { type TestParts, testConfig } from "./test-config.js";

export interface ConfigChangeParts extends TestParts {
	readonly modelConfigs: ModelConfigStore;
	readonly coordination: Coordination;
	readonly clock: Clock;
}

const keptShape = z.object({
	version: z.number(),
	/** Why the change is taken back; absent while it is not. */
	failure: z
		.object({ code: z.string(), said: z.object({ key: z.string(), facts: z.record(z.string(), z.union([z.string(), z.number()])) }) })
		.optional(),
});

const STEPS = ["save", "clear-cache", "reload", "test", "apply"];
const TAKING_BACK = ["roll-back", "reload-previous"];
const LOCK = "model-config";
/** Of a difference as the audit log shows it. */
const MAX_SHOWN = 50;

/**
 * Save, clear the capability cache, reload, test, put in force; or take back. A version is in force from one moment on, which is the
 * last step: whatever happens before, the one before it still is, whole.
 */
export function configChangeHandler(parts: ConfigChangeParts): JobHandler<ConfigChangeInput> {
	return {
		kind: "CONFIG_CHANGE",
		input: configChangeJobInput,
		async run(context) {
			const lease = await parts.coordination.lock(LOCK, context.signal);
			try {
				return await new Change(parts, context).run();
			} finally {
				await lease.release();
			}
		},
	};
}

class Change {
	private readonly steps: Steps;

	constructor(
		private readonly parts: ConfigChangeParts,
		private readonly context: JobContext<ConfigChangeInput>,
	) {
		this.steps = new Steps(context, STEPS);
	}

	async run(): Promise<"SUCCEEDED" | "FAILED" | "CANCELLED"> {
		const { parts, context, steps } = this;
		const kept = keptShape.safeParse(context.checkpoint);
		// A killed attempt had begun to take it back.
		if (kept.success && kept.data.failure !== undefined) return this.takeBack(kept.data.version, kept.data.failure as Failure);
		let saved: ModelConfig | null = null;
		try {
			saved = await steps.run("save", () => this.save());
			const { version } = saved;
			await context.saveCheckpoint({ version });
			// A killed attempt came as far as that.
			if ((await parts.modelConfigs.version()) === version) return "SUCCEEDED";
			await steps.run("clear-cache", () => parts.capabilities.clear());
			const reloaded = await steps.run("reload", () => this.reload(version));
			await steps.run("test", () => testConfig(parts, reloaded, context.signal));
			context.signal.throwIfAborted();
			await steps.run("apply", () => parts.modelConfigs.activate(version, context.input.expectedVersion));
			return "SUCCEEDED";
		} catch (error) {
			// It is handed back, and goes on from its checkpoint.
			if (context.signal.reason === "shutdown") throw error;
			await steps.cancelRest();
			if (saved === null) throw error;
			const failure: Failure = context.signal.aborted
				? { code: "CANCELLED", said: { key: "error.cancelled", facts: {} } }
				: failureOf(error);
			return this.takeBack(saved.version, failure);
		}
	}

	private async save(): Promise<ModelConfig> {
		const { parts, context } = this;
		const { job, input } = context;
		const saved = await parts.modelConfigs.save({ ...input, changeId: job.id, by: job.username, at: job.createdAt });
		const before = await parts.modelConfigs.find(input.expectedVersion);
		const { added, removed, changed } = differenceOf(before?.models ?? [], saved.models);
		await context.report({
			details: {
				from: input.expectedVersion,
				to: saved.version,
				difference: { added: added.slice(0, MAX_SHOWN), removed: removed.slice(0, MAX_SHOWN), changed: changed.slice(0, MAX_SHOWN) },
				differences: added.length + removed.length + changed.length,
			},
		});
		return saved;
	}

	/** From where it was saved, and just what was to be saved. */
	private async reload(version: number): Promise<ModelConfig> {
		const found = await this.parts.modelConfigs.find(version);
		const models: readonly ModelCapability[] = this.context.input.models;
		if (found === null || canonicalJson(found.models) !== canonicalJson(models))
			throw new CachewardenError("CONFIG_TEST_FAILED", { key: "error.models.reload", facts: { version } });
		return found;
	}

	private async takeBack(version: number, failure: Failure): Promise<"FAILED" | "CANCELLED"> {
		const { parts, context, steps } = this;
		await context.saveCheckpoint({ version, failure });
		steps.add(TAKING_BACK);
		await steps.run("roll-back", async () => {
			await parts.modelConfigs.discard(version);
			await parts.capabilities.clear();
		});
		await steps.run("reload-previous", () => parts.modelConfigs.current());
		if (failure.code === "CANCELLED") return "CANCELLED";
		throw new CachewardenError(failure.code, failure.said);
	}
}
