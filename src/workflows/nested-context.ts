import type { JobContext } from "../jobs/port.js";

type Kept = Readonly<Record<string, unknown>>;

/**
 * A context whose checkpoints lie in a member of the outer one's, beside what the outer work keeps: so that a step can be a whole
 * operation of its own. Its phases are not shown; the step's name is.
 */
export function nestedContext<Input>(outer: JobContext<Input>, name: string, own: () => Kept): JobContext<Input> {
	const around = (checkpoint: Kept): Kept => ({ ...own(), [name]: checkpoint });
	const inner = outer.checkpoint?.[name];
	return {
		get job() {
			return outer.job;
		},
		input: outer.input,
		signal: outer.signal,
		checkpoint: typeof inner === "object" && inner !== null ? (inner as Kept) : null,
		saveCheckpoint: (checkpoint) => outer.saveCheckpoint(around(checkpoint)),
		openBatch: outer.openBatch,
		batchEntries: (layer) => outer.batchEntries(layer),
		beginBatch: (entries, checkpoint) => outer.beginBatch(entries, around(checkpoint)),
		endBatch: (result, checkpoint) => outer.endBatch(result, around(checkpoint)),
		report: ({ phase: _, ...change }) => outer.report(change),
	};
}
