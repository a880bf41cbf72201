import type { Logger } from "pino";
import type { QueuedWrites } from "../records.js";

export interface Accounting {
	/** Told what each batch deleted, where the records do not keep account of it. */
	readonly deleted?: ((deletion: { readonly at: number; readonly entries: number; readonly bytes: number }) => Promise<void>) | undefined;
	readonly log: Pick<Logger, "warn">;
}

/** Tells what each batch deleted. */
export function accounted(write: QueuedWrites, { deleted, log }: Accounting): QueuedWrites {
	if (deleted === undefined) return write;
	return {
		...write,
		async endBatch(batch) {
			const counts = await write.endBatch(batch);
			const { at, deletedEntries: entries, freedBytes: bytes } = batch;
			if (entries > 0)
				await deleted({ at, entries, bytes }).catch((error: unknown) =>
					log.warn({ err: error }, "what was deleted is missing from the history"),
				);
			return counts;
		},
	};
}
