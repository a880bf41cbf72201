import { OPERATIONS } from "../core/roles.js";
import type { Dependencies } from "./dependencies.js";
import type { Operations } from "./operations.js";
import { permit } from "./permission.js";
import { recorded } from "./recorded.js";

export function refusal(deps: Pick<Dependencies, "audit" | "clock">): Pick<Operations, "refuse"> {
	return {
		async refuse(call, operation, given, error) {
			if (OPERATIONS[operation].kind !== "mutation") {
				permit(call, operation);
				throw error;
			}
			return recorded(deps, call, { name: operation, actionType: "cache_operation", details: given }, async () => {
				throw error;
			});
		},
	};
}
