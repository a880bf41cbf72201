import { CachewardenError } from "../../core/errors.js";
import { hasEnded } from "../../core/job.js";
import type { Dependencies } from "../../operations/dependencies.js";
import { checked } from "../../operations/input.js";
import type { WorkflowOperations } from "../../operations/operations.js";
import { recorded } from "../../operations/recorded.js";
import { submit } from "../../operations/submit.js";
import { configChangeJobInput } from "./model-input.js";

type Parts = Pick<Dependencies, "jobs" | "audit" | "clock" | "modelConfigs">;

export function configChangeRequest(parts: Parts): Pick<WorkflowOperations, "updateModelConfig"> {
	const { modelConfigs } = parts;
	return {
		async updateModelConfig(call, input) {
			const details = { expectedVersion: input.expectedVersion, models: input.models.map(({ name }) => name) };
			const change = { name: "updateModelConfig", actionType: "config_management", details } as const;
			const job = await recorded(parts, call, change, async (acting, ticket) => {
				const given = checked(configChangeJobInput, input);
				const version = await modelConfigs.version();
				if (given.expectedVersion !== version) throw new CachewardenError("CONFLICT", { key: "error.models.conflict", facts: { version } });
				return submit(parts, acting, ticket, { kind: "CONFIG_CHANGE", input: given, idempotencyKey: null, wait: true });
			});
			// The job goes on and records its end.
			if (!hasEnded(job.status)) throw new CachewardenError("BACKEND_TIMEOUT", { key: "error.models.slow", facts: { id: job.id } });
			// Somebody else's change came first.
			if (job.error?.code === "CONFLICT") throw new CachewardenError("CONFLICT", job.error.said);
			return { job, status: job.status === "SUCCEEDED" ? "APPLIED" : "ROLLED_BACK", config: await modelConfigs.current() };
		},
	};
}
