import type { z } from "zod";
import { DAY_MS } from "../core/clock.js";
import type { JobHandler } from "../jobs/port.js";
import type { Dependencies } from "./dependencies.js";
import { cleanupJobInput, clearJobInput, selectionOf } from "./input.js";
import { DEFAULT_DAYS } from "./preview.js";
import { catalogSource, plannedSource } from "./removal-source.js";
import { type Removal, removeEntries } from "./remove-entries.js";

type HandlerDependencies = Pick<Dependencies, "catalog" | "backends" | "plans" | "quarantine">;

export function cleanupHandler(deps: HandlerDependencies): JobHandler<z.infer<typeof cleanupJobInput>> {
	return {
		kind: "CLEANUP",
		input: cleanupJobInput,
		async run(context) {
			const { input, job } = context;
			const source = input.planId
				? await plannedSource(deps, input.planId, "CLEANUP", context.signal)
				: catalogSource(deps.catalog, {
						...selectionOf(input, true),
						createdBefore: job.createdAt - (input.olderThanDays ?? DEFAULT_DAYS) * DAY_MS,
					});
			return source === null ? "CANCELLED" : removeEntries({ ...deps, context, source, ...holding(deps, input) });
		},
	};
}

/** Files go into quarantine where the job says so. */
function holding({ quarantine }: HandlerDependencies, input: { readonly quarantine?: boolean | null | undefined }): Pick<Removal, "hold"> {
	return input.quarantine ? { hold: (...order) => quarantine.hold(...order) } : {};
}

export function clearHandler(deps: HandlerDependencies): JobHandler<z.infer<typeof clearJobInput>> {
	return {
		kind: "CLEAR",
		input: clearJobInput,
		async run(context) {
			const { input } = context;
			const source = input.planId
				? await plannedSource(deps, input.planId, "CLEAR", context.signal)
				: catalogSource(deps.catalog, selectionOf(input, true));
			return source === null ? "CANCELLED" : removeEntries({ ...deps, context, source, ...holding(deps, input) });
		},
	};
}
