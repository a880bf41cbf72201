import type { Clock } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import type { QueuedRecords, StoredJob } from "../records.js";
import { available } from "../running/availability.js";
import { within } from "./deadline.js";
import type { FairQueue } from "./fair-queue.js";

const WITHIN_MS = 2_000;

/**
 * Puts a job that was kept into the queue within two seconds, or takes it back: what reaches the server later finds no record
 * then, or the one of the next try, which has the same id. QUEUE_FULL, QUEUE_UNAVAILABLE.
 */
export async function handIn(
	{ facts }: StoredJob,
	{
		fair,
		records,
		maxQueued,
		clock,
	}: { readonly fair: FairQueue; readonly records: QueuedRecords; readonly maxQueued: number; readonly clock: Clock },
): Promise<void> {
	const run = facts.attempts + 1;
	let refusal: CachewardenError | null = null;
	try {
		const answer = await within(WITHIN_MS, fair.push({ id: facts.id, run, userId: facts.requestedBy }, maxQueued));
		if (answer === "full") refusal = new CachewardenError("QUEUE_FULL");
	} catch (error) {
		const full = error instanceof Error && /\bOOM\b/.test(error.message);
		refusal = full
			? new CachewardenError("QUEUE_FULL", { key: "queue.full", facts: {} }, { cause: error })
			: new CachewardenError("QUEUE_UNAVAILABLE", undefined, { cause: error });
	}
	if (refusal !== null) {
		const withdrawn = await available(records.write.withdraw({ id: facts.id, attempt: facts.attempts, now: clock.now() }));
		// Otherwise it was taken to be refused and runs all the same.
		if (withdrawn) throw refusal;
	}
}
