import PQueue from "p-queue";
import pRetry from "p-retry";

export interface PaceOptions {
	readonly concurrency: number;
	/** Attempts in a second, repeated ones included. */
	readonly requestsPerSecond: number;
	/** Attempts after the first. */
	readonly retries: number;
	/** Before the second attempt; twice as long before each further one, and a random part of it more. */
	readonly backoffMs: number;
}

export interface Pace {
	/** `passing` says whether an error may be gone with the next attempt, and after how long at the earliest. */
	run<T>(attempt: () => Promise<T>, passing: (error: unknown) => { readonly afterMs: number } | null, signal: AbortSignal): Promise<T>;
	close(): void;
}

const LONGEST_PAUSE_MS = 60_000;

/** No more attempts at once, and in a time, than a source can bear. */
export function openPace({ concurrency, requestsPerSecond, retries, backoffMs }: PaceOptions): Pace {
	const slow = requestsPerSecond < 1;
	const queue = new PQueue({
		concurrency,
		interval: slow ? 1000 / requestsPerSecond : 1000,
		intervalCap: slow ? 1 : Math.floor(requestsPerSecond),
	});
	return {
		run: (attempt, passing, signal) =>
			pRetry(() => queue.add(attempt, { signal }), {
				retries,
				minTimeout: backoffMs,
				maxTimeout: LONGEST_PAUSE_MS,
				factor: 2,
				randomize: true,
				signal,
				shouldRetry: async ({ error, retriesLeft }) => {
					const found = signal.aborted ? null : passing(error);
					if (found === null) return false;
					if (retriesLeft > 0 && found.afterMs > 0) await pause(Math.min(found.afterMs, LONGEST_PAUSE_MS), signal);
					return true;
				},
			}),
		close() {
			queue.clear();
		},
	};
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const done = (): void => {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		};
		const timer = setTimeout(done, ms);
		signal.addEventListener("abort", done, { once: true });
	});
}
