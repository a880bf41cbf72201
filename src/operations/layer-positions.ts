/** How far a job that goes through the layers one after the other has come: what it writes down after each batch. */
import { z } from "zod";
import { BACKEND_KINDS, type BackendKind } from "../core/entry.js";

const position = z.union([z.number(), z.string()]);

export const layerPositions = z.object({
	/** The newest change that belongs to this job: what came later is left alone. */
	maxRevision: z.number(),
	/** Revisions and positions of another epoch mean nothing. */
	epoch: z.string(),
	/** How far each layer has come; absent before its first batch has ended. */
	positions: z.partialRecord(z.enum(BACKEND_KINDS), position),
	finished: z.array(z.enum(BACKEND_KINDS)),
	/** Where its layer stands once the batch that is open just now is closed. */
	afterBatch: position.nullable(),
});
export type LayerPositions = z.infer<typeof layerPositions>;

export function atTheBeginning(maxRevision: number, epoch: string): LayerPositions {
	return { maxRevision, epoch, positions: {}, finished: [], afterBatch: null };
}

/** The layer has moved past its open batch; at the layer's end there is nowhere to move. */
export function pastBatch<T extends LayerPositions>(checkpoint: T, kind: BackendKind): T {
	const { afterBatch, positions } = checkpoint;
	return { ...checkpoint, afterBatch: null, positions: afterBatch === null ? positions : { ...positions, [kind]: afterBatch } };
}

export function pastLayer<T extends LayerPositions>(checkpoint: T, kind: BackendKind): T {
	return { ...checkpoint, finished: [...checkpoint.finished, kind] };
}
