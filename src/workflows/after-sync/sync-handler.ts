import type { JobHandler } from "../../jobs/port.js";
import { Steps } from "../steps.js";
import { type ClearingParts, clearTogether } from "./clear-together.js";
import { relatedTo, reportedFailure, type SyncJobInput, syncJobInput } from "./related.js";

/** Sync, then clear what it made stale, then bring the statistics up to date. Nothing is cleared when the sync failed. */
export function syncHandler(parts: ClearingParts): JobHandler<SyncJobInput> {
	return {
		kind: "SYNC",
		input: syncJobInput,
		async run(context) {
			const { input, signal } = context;
			const steps = new Steps(context, ["sync", "clear", "statistics"]);
			try {
				if (context.checkpoint?.synced !== true) {
					await steps.run("sync", () => synced(parts, input, signal));
					await context.saveCheckpoint({ synced: true });
				}
				const status = await steps.run(
					"clear",
					() => clearTogether(parts, context),
					(cleared) => cleared,
				);
				if (status === "CANCELLED") {
					await steps.cancelRest();
					return "CANCELLED";
				}
				await steps.run("statistics", () => parts.catalog.refresh(null));
				return status;
			} catch (error) {
				await steps.cancelRest();
				throw error;
			}
		},
	};
}

async function synced({ sources }: ClearingParts, input: SyncJobInput, signal: AbortSignal): Promise<void> {
	relatedTo(input, sources);
	if (input.report) {
		if (!input.report.success) throw reportedFailure(input);
		return;
	}
	await sources.get(input.source)?.sync?.(input.symbols ?? null, signal);
}
