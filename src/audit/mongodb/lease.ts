import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { within } from "../../mongodb/failures.js";
import type { Collections } from "./collections.js";

/** Whoever holds it says so three times before it ends; whoever wants it asks as often. A dead holder is replaced within 4 s. */
const LEASE_MS = 3_000;
const EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 2_000;

/**
 * One process seals. The lease is a document that its holder renews, by the server's clock. It saves work and does not
 * decide: two that believe to hold it for a moment are kept apart by the unique numbers of the seals.
 */
export class Lease {
	private readonly stopping = new AbortController();
	private heldUntil = 0;
	private running: Promise<void> = Promise.resolve();

	constructor(
		private readonly state: Collections["state"],
		private readonly holder: string,
		private readonly log: Pick<Logger, "info" | "warn">,
		/** Called when it has been taken. */
		private readonly taken: () => void,
	) {}

	/** As far as this process can know without asking. */
	get held(): boolean {
		return performance.now() < this.heldUntil;
	}

	/** Resolves after the first attempt. */
	async start(): Promise<void> {
		await this.attempt();
		this.running = this.run();
	}

	private async run(): Promise<void> {
		const { signal } = this.stopping;
		while (!signal.aborted) {
			await pause(EVERY_MS, undefined, { signal }).catch(() => undefined);
			if (!signal.aborted) await this.attempt();
		}
	}

	private async attempt(): Promise<void> {
		const before = this.held;
		// The lease is counted from before it was asked for, so that no other one can have it earlier than this process believes.
		const asked = performance.now();
		try {
			const got = await within(ANSWER_WITHIN_MS, this.takeOrRenew());
			if (got) this.heldUntil = asked + LEASE_MS;
			else this.heldUntil = 0;
		} catch (error) {
			this.log.warn({ err: error }, "the lease of the audit log's sealer could not be asked for; tried again in a second");
		}
		if (this.held && !before) this.taken();
	}

	private async takeOrRenew(): Promise<boolean> {
		const { state, holder } = this;
		const mine = { $eq: ["$holder", holder] };
		const ended = { $lte: [{ $ifNull: ["$expires_at", new Date(0)] }, "$$NOW"] };
		const may = { $or: [mine, ended] };
		const before = { $ifNull: ["$term", 0] };
		const lease = await state.findOneAndUpdate(
			{ _id: "sealer" },
			[
				{
					$set: {
						term: { $cond: [{ $and: [ended, { $not: mine }] }, { $add: [before, 1] }, before] },
						holder: { $cond: [may, holder, "$holder"] },
						expires_at: { $cond: [may, { $add: ["$$NOW", LEASE_MS] }, "$expires_at"] },
					},
				},
			],
			{ upsert: true, returnDocument: "after" },
		);
		return lease?.holder === holder;
	}

	/** Gives it to whoever asks next. */
	async close(): Promise<void> {
		this.stopping.abort();
		await this.running;
		this.heldUntil = 0;
		await within(
			ANSWER_WITHIN_MS,
			this.state.updateOne({ _id: "sealer", holder: this.holder }, { $set: { holder: null, expires_at: new Date(0) } }),
		).catch((error: unknown) => this.log.warn({ err: error }, "the lease of the audit log's sealer ends by itself"));
	}
}
