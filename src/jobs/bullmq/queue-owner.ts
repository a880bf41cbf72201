import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { redisLocation } from "../../config/redis.js";
import { CachewardenError } from "../../core/errors.js";
import { checkQueueServer, type QueueAddress } from "./connection.js";

/** Whose records the jobs of a queue are in: processes of one owner share them, of others they know nothing. */
export interface Owner {
	readonly id: string;
	/** Nobody else is of this owner, so that the queue is free when this process ends. */
	readonly alone: boolean;
}

export interface ClaimOptions {
	readonly address: QueueAddress;
	/** Null: nobody looks whether others are at work on the queue. */
	readonly owner: Owner | null;
	readonly key: string;
	readonly log: Pick<Logger, "error">;
}

/** After so long without a sign of life an owner is taken for dead. */
const LIVES_MS = 5_000;
const LOOK_EVERY_MS = 250;

/** Whether this process may give jobs to the server as it is now: it must not lose them, and the queue must be nobody else's. */
export class QueueClaim {
	/** Why nothing is given to the server as it is now. */
	private unfit: CachewardenError | null = null;
	/** Once and for all: another has it. */
	private lost: CachewardenError | null = null;

	constructor(private readonly options: ClaimOptions) {}

	get isLost(): boolean {
		return this.lost !== null;
	}

	refuseWhenUnfit(): void {
		const refusal = this.lost ?? this.unfit;
		if (refusal !== null) throw refusal;
	}

	/** What comes back may be another server, or another setting of the same. */
	async check(client: Redis): Promise<void> {
		const { log, address } = this.options;
		try {
			await checkQueueServer(client, address);
			this.unfit = null;
		} catch (error) {
			if (!(error instanceof CachewardenError)) return;
			this.unfit = error;
			log.error({ err: error }, "jobs are refused");
		}
	}

	/** Waits for an owner that gives no sign of life any more. QUEUE_UNAVAILABLE when it gives one. */
	async make(client: Redis): Promise<void> {
		let left = Number.POSITIVE_INFINITY;
		while (!(await this.take(client))) {
			const lives = await client.pttl(this.options.key);
			// It was told again that it lives.
			if (lives > left) throw this.refusal();
			left = lives;
			await pause(LOOK_EVERY_MS);
		}
	}

	/** Says that this process lives. It has lost the queue for good when it was stopped for so long that another has it. */
	async keep(client: Redis): Promise<void> {
		if (this.isLost || (await this.take(client))) return;
		this.lose();
	}

	lose(): void {
		this.lost = this.refusal();
		this.options.log.error({ err: this.lost }, "the queue is another server's; no work is taken from it");
	}

	async release(client: Redis): Promise<void> {
		const { owner, key } = this.options;
		if (owner?.alone === true && (await client.get(key)) === owner.id) await client.del(key);
	}

	private refusal(): CachewardenError {
		const location = redisLocation(this.options.address);
		return new CachewardenError("QUEUE_UNAVAILABLE", { key: "queue.ownedByAnother", facts: { location } });
	}

	private async take(client: Redis): Promise<boolean> {
		const { owner, key } = this.options;
		if (owner === null) return true;
		const holder = await client.set(key, owner.id, "PX", LIVES_MS, "NX", "GET");
		if (holder !== null && holder !== owner.id) return false;
		await client.pexpire(key, LIVES_MS);
		return true;
	}
}
