import type { Logger } from "pino";
import { hasEnded, type Job } from "../../core/job.js";

/** Tells new states of jobs to whoever listens, and ends to whoever waits for them. */
export class Announcer {
	private readonly listeners = new Set<(job: Job) => void>();
	private readonly waiters = new Map<string, Set<(job: Job) => void>>();

	constructor(private readonly log: Pick<Logger, "error">) {}

	onChange(listener: (job: Job) => void): () => void {
		// A function of its own, so that one listener registered twice is two.
		const own = (job: Job): void => listener(job);
		this.listeners.add(own);
		return () => {
			this.listeners.delete(own);
		};
	}

	tell(job: Job): void {
		for (const listener of [...this.listeners]) {
			try {
				listener(job);
			} catch (error) {
				this.log.error({ err: error, jobId: job.id }, "a listener of jobs failed");
			}
		}
		if (hasEnded(job.status)) for (const waiter of [...(this.waiters.get(job.id) ?? [])]) waiter(job);
	}

	/** The next end of a job from now on, null after `timeoutMs`; `stop` when it is not waited for any more. */
	nextEnd(id: string, timeoutMs: number): { readonly ended: Promise<Job | null>; stop(): void } {
		let stop = (): void => undefined;
		const ended = new Promise<Job | null>((resolve) => {
			const timer = setTimeout(() => resolve(null), timeoutMs);
			const waiting = this.waiters.get(id) ?? new Set();
			this.waiters.set(id, waiting.add(resolve));
			stop = () => {
				clearTimeout(timer);
				waiting.delete(resolve);
				if (waiting.size === 0) this.waiters.delete(id);
			};
		});
		return { ended, stop };
	}
}
