import DataLoader from "dataloader";
import type { Redis } from "ioredis";
import { FAIR_SCRIPTS, type FairScript } from "./fair-scripts.js";

export interface QueueNames {
	/** Of the engine's own keys; `bull` unless configured. */
	readonly enginePrefix: string;
	/** Before the keys of the original system; empty unless configured. */
	readonly viewPrefix: string;
}

/** The engine's queue of jobs. */
export const QUEUE_NAME = "cachewarden";

/** A job as the fair queue knows it. */
export interface QueuedJob {
	readonly id: string;
	readonly state: "waiting" | "admitted" | "running";
	readonly run: number;
	readonly userId: string;
	/** All of it as it was seen: a change can be made on the condition that it still stands. */
	readonly value: string;
}

export interface Admitted {
	readonly id: string;
	readonly run: number;
	readonly userId: string;
}

/** Steps in one call; the server does nothing else meanwhile. */
const AT_ONCE = 100;

export interface Taken {
	readonly job: Admitted;
	/** Its user has no other that was admitted. */
	readonly only: boolean;
}

const STATES = { w: "waiting", a: "admitted", r: "running" } as const;

/** The fair queue and the keys of the original system, on one connection. */
export class FairQueue {
	/** Before every key of ours that is not the original system's. */
	readonly prefix: string;
	private readonly pushes = this.together<"new" | "there" | "full">("push");
	private readonly starts = this.together<number>("start");
	private readonly finishes = this.together<number>("finish");

	constructor(
		readonly client: Redis,
		private readonly names: QueueNames,
	) {
		this.prefix = `${names.enginePrefix}:${QUEUE_NAME}-fair:`;
		for (const [name, lua] of Object.entries(FAIR_SCRIPTS)) client.defineCommand(commandOf(name as FairScript), { numberOfKeys: 0, lua });
	}

	private call<T>(script: FairScript, ...given: (string | number)[]): Promise<T> {
		const commands = this.client as unknown as Record<string, (...all: (string | number)[]) => Promise<T>>;
		return (commands[commandOf(script)] as (...all: (string | number)[]) => Promise<T>)(this.prefix, this.names.viewPrefix, ...given);
	}

	/** What is asked for several jobs in one turn of the loop goes to the server in one call. */
	private together<T>(script: FairScript): DataLoader<readonly (string | number)[], T> {
		const ask = (jobs: readonly (readonly (string | number)[])[]): Promise<T[]> => this.call(script, ...jobs.flat());
		return new DataLoader(ask, { cache: false, maxBatchSize: AT_ONCE });
	}

	/** `most`: jobs that may wait, 0 for any number. */
	push(job: Admitted, most: number): Promise<"new" | "there" | "full"> {
		return this.pushes.load([job.id, job.run, job.userId, most]);
	}

	/** As many as there are free slots, and no more than `most`. */
	async take(most: number): Promise<Taken[]> {
		const flat = await this.call<string[]>("take", most);
		const taken: Taken[] = [];
		for (let i = 0; i < flat.length; i += 4) {
			const [id, run, userId, only] = flat.slice(i, i + 4) as [string, string, string, string];
			taken.push({ job: { id, run: Number(run), userId }, only: only === "1" });
		}
		return taken;
	}

	/** False when this run is not the one that counts. */
	async start(id: string, run: number): Promise<boolean> {
		return (await this.starts.load([id, run])) === 1;
	}

	/** It is in the queue no more. Without `run` whichever run it is. May be repeated. */
	async finish(id: string, run: number | null): Promise<boolean> {
		return (await this.finishes.load([id, run ?? ""])) === 1;
	}

	/** To the front of its user's jobs; with `seen`, when it still stands so. */
	async requeue(id: string, run: number, seen: string | null): Promise<boolean> {
		return (await this.call<number>("requeue", id, seen ?? "", run)) === 1;
	}

	/** Writes a job's progress where no newer one is; it is kept for so long after, 0 for good. */
	async tell(id: string, sequence: number, keptSeconds: number, fields: Readonly<Record<string, string | number>>): Promise<void> {
		await this.call("tell", id, sequence, keptSeconds, ...Object.entries(fields).flat());
	}

	/** Puts what waits into the order in which it will start. */
	async arrange(): Promise<void> {
		await this.call("arrange");
	}

	/** Makes lists, sets and counts anew from what is known of each job; true when one was wrong. */
	async rebuild(): Promise<boolean> {
		return (await this.call<number>("rebuild")) > 0;
	}

	/** This process works, with so many slots, for so long from now on; 0 takes it out. */
	async register(instance: string, slots: number, ttlMs: number): Promise<void> {
		await this.call("register", `${instance}:${slots}`, ttlMs, "workers");
	}

	/** The same for a process that only works on parts of jobs. */
	async registerParts(instance: string, slots: number, ttlMs: number): Promise<void> {
		await this.call("register", `${instance}:${slots}`, ttlMs, "part-workers");
	}

	/** Slots of all processes that work, on jobs or only on parts of them. */
	capacity(): Promise<number> {
		return this.call("capacity");
	}

	async setLimit(perUser: number): Promise<void> {
		await this.client.set(`${this.prefix}limit`, perUser);
	}

	async jobs(): Promise<Map<string, QueuedJob>> {
		const all = await this.client.hgetall(`${this.prefix}jobs`);
		const jobs = new Map<string, QueuedJob>();
		for (const [id, value] of Object.entries(all)) {
			const [, state, run, userId] = /^([war])\|(\d+)\|\d+\|(.*)$/s.exec(value) ?? [];
			if (state !== undefined)
				jobs.set(id, { id, state: STATES[state as keyof typeof STATES], run: Number(run), userId: userId as string, value });
		}
		return jobs;
	}

	/** True for one process at a time. */
	async leads(instance: string, ttlMs: number): Promise<boolean> {
		const key = `${this.prefix}leader`;
		const holder = await this.client.set(key, instance, "PX", ttlMs, "NX", "GET");
		if (holder === null) return true;
		if (holder !== instance) return false;
		await this.client.pexpire(key, ttlMs);
		return true;
	}

	async addToBatch(batchId: string, ids: readonly string[], keptSeconds: number): Promise<void> {
		const key = `${this.names.viewPrefix}batch:${batchId}:tasks`;
		await this.client
			.multi()
			.sadd(key, ...ids)
			.expire(key, keptSeconds)
			.exec();
	}

	/** Parts of this attempt may be worked on for so long; false when a later one has begun. */
	async openFlow(jobId: string, attempt: number, ttlMs: number): Promise<boolean> {
		return (await this.call<number>("openFlow", jobId, attempt, ttlMs)) === 1;
	}

	async closeFlow(jobId: string, attempt: number): Promise<void> {
		await this.call("closeFlow", jobId, attempt);
	}

	/** The attempt whose parts may be worked on just now; null for none. */
	async flowOf(jobId: string): Promise<number | null> {
		const attempt = await this.client.get(`${this.prefix}flow:${jobId}`);
		return attempt === null ? null : Number(attempt);
	}

	async tellPartEnded(id: string): Promise<void> {
		await this.client.publish(`${this.prefix}parts`, id);
	}
}

function commandOf(script: FairScript): string {
	return `cachewarden_${script}`;
}
