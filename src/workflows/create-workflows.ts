import type { Dependencies } from "../operations/dependencies.js";
import type { WorkflowOperations } from "../operations/operations.js";
import type { DataSource } from "../sources/port.js";
import { syncRequests } from "./after-sync/sync-requests.js";
import { configChangeRequest } from "./config-change/config-change-request.js";

export interface WorkflowDependencies extends Pick<Dependencies, "jobs" | "audit" | "clock" | "modelConfigs"> {
	readonly sources: ReadonlyMap<string, DataSource>;
}

export function createWorkflows(deps: WorkflowDependencies): WorkflowOperations {
	return { ...syncRequests(deps), ...configChangeRequest(deps) };
}
