import { primaryLayer } from "../core/primary-layer.js";
import type { Dependencies } from "./dependencies.js";
import type { BackendInfo, Operations } from "./operations.js";
import { permit } from "./permission.js";

export function backendOperations(deps: Dependencies): Pick<Operations, "backendInfo" | "backendStatusChanged"> {
	return {
		async backendInfo(call): Promise<BackendInfo> {
			permit(call, "backendInfo");
			const health = (await Promise.all([...deps.backends.values()].map((backend) => backend.health()))).flat();
			const primaryBackend = primaryLayer(health);
			const adaptive = deps.backends.has("REDIS") || deps.backends.has("MONGODB");
			return {
				system: adaptive ? "adaptive" : "file",
				primaryBackend,
				fallbackEnabled: adaptive && deps.backends.has("FILE"),
				backends: health.map((backend) => ({ ...backend, primary: backend.kind === primaryBackend })),
			};
		},

		async backendStatusChanged(call) {
			permit(call, "backendStatusChanged");
			return deps.live.backends();
		},
	};
}
