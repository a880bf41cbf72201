import type { Job as EngineJob } from "bullmq";

/** For how long, by this process's own clock, nobody else may take a run over. */
export interface Lease {
	/** False as soon as somebody else may have begun: then nothing may be deleted any more. */
	readonly held: boolean;
	/** Until somebody else may begin; 0 once it is lost. */
	readonly heldForMs: number;
	/** Called once, when it is lost. */
	onLost(listener: () => void): void;
}

/** Between the moment that a lease counts as lost here and the moment that the engine may give the job to another. */
const MARGIN = 0.25;
const CHECK_MS = 100;

class HeldLease implements Lease {
	private until: number;
	private lost = false;
	private renewing = false;
	private readonly listeners: (() => void)[] = [];

	constructor(
		private readonly job: EngineJob,
		private readonly token: string,
		private readonly durationMs: number,
	) {
		// Counted from when the engine handed it out: this process may have been stopped since.
		const since = Math.max(0, Date.now() - (job.processedOn ?? Date.now()));
		this.until = performance.now() + durationMs - since;
	}

	/** The clock goes on while a process is stopped, so that one who wakes up knows at once. */
	get held(): boolean {
		if (!this.lost && performance.now() > this.until - this.durationMs * MARGIN) this.lose();
		return !this.lost;
	}

	get heldForMs(): number {
		return this.held ? this.until - performance.now() : 0;
	}

	onLost(listener: () => void): void {
		if (this.lost) listener();
		else this.listeners.push(listener);
	}

	renewIfDue(): void {
		if (!this.held || this.renewing || performance.now() < this.until - this.durationMs * (2 / 3)) return;
		const began = performance.now();
		this.renewing = true;
		this.job
			.extendLock(this.token, this.durationMs)
			.then(
				(kept) => {
					if (Number(kept) === 0) this.lose();
					else this.until = began + this.durationMs;
				},
				// A server that is away may come back in time.
				() => undefined,
			)
			.finally(() => {
				this.renewing = false;
			});
	}

	private lose(): void {
		if (this.lost) return;
		this.lost = true;
		for (const listener of this.listeners.splice(0)) listener();
	}
}

/** Renews the locks of what runs here, and says when one is lost. */
export class Leases {
	private readonly held = new Set<HeldLease>();
	private timer: NodeJS.Timeout | null = null;

	constructor(private readonly durationMs: number) {}

	take(job: EngineJob, token: string): { readonly lease: Lease; release(): void } {
		const lease = new HeldLease(job, token, this.durationMs);
		this.held.add(lease);
		this.timer ??= setInterval(() => {
			for (const one of this.held) one.renewIfDue();
		}, CHECK_MS);
		return {
			lease,
			release: () => {
				this.held.delete(lease);
				if (this.held.size > 0 || this.timer === null) return;
				clearInterval(this.timer);
				this.timer = null;
			},
		};
	}
}
