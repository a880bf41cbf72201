import { callableMutations } from "../core/roles.js";
import type { Operations } from "./operations.js";
import { permit } from "./permission.js";

export function viewerOperation(): Pick<Operations, "viewer"> {
	return {
		async viewer(call) {
			const actor = permit(call, "viewer");
			return { actor, can: callableMutations(actor.roles) };
		},
	};
}
