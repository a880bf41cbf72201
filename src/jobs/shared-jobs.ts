import { CachewardenError } from "../core/errors.js";
import { hasEnded, type Job, progressTotals } from "../core/job.js";
import type { JobBoard } from "./board.js";
import type { JobEngine } from "./port.js";

const SEEN_WITHIN_MS = 1_000;

/**
 * An engine whose jobs everybody sees, and which sees everybody's: states of its own go to the board, others' come from it.
 * What only the process can do that runs a job, or has its failures, is CONFLICT for the others; lists have jobs of its own.
 */
export function shareJobs(engine: JobEngine, board: JobBoard): JobEngine {
	engine.onChange((job) => board.publish(job));

	async function get(id: string): Promise<Job | null> {
		return (await engine.get(id)) ?? (await board.get(id));
	}

	/** The job when another process has it; null when this one does, or nobody. */
	async function elsewhere(id: string): Promise<Job | null> {
		return (await engine.get(id)) === null ? board.get(id) : null;
	}

	return {
		async submit(request) {
			const submission = await engine.submit(request);
			board.publish(submission.job);
			// Whoever is told of the job may ask another server for it.
			await board.published(submission.job.id, SEEN_WITHIN_MS);
			return submission;
		},
		get,
		findByKey: (userId, key) => engine.findByKey(userId, key),
		list: (filter, page) => engine.list(filter, page),

		async failures(jobId, page) {
			const other = await elsewhere(jobId);
			if (other !== null && progressTotals(other).failedEntries > 0) throw askTheOther();
			return engine.failures(jobId, page);
		},

		async cancel(id) {
			const other = await elsewhere(id);
			if (other === null) return engine.cancel(id);
			if (!hasEnded(other.status)) throw askTheOther();
			return other;
		},

		async retry(id, auditTicket) {
			if ((await elsewhere(id)) !== null) throw askTheOther();
			return engine.retry(id, auditTicket);
		},

		counts: (userId) => engine.counts(userId),
		start: () => engine.start(),

		async waitForEnd(id, timeoutMs) {
			if ((await engine.get(id)) !== null) return engine.waitForEnd(id, timeoutMs);
			return (await nextEnd(board, id, timeoutMs)) ?? engine.waitForEnd(id, timeoutMs);
		},

		onChange(listener) {
			const stops = [engine.onChange(listener), board.onChange(listener)];
			return () => {
				for (const stop of stops) stop();
			};
		},

		async close() {
			await engine.close();
			await board.close();
		},
	};
}

function askTheOther(): CachewardenError {
	return new CachewardenError("CONFLICT", { key: "error.jobElsewhere", facts: {} });
}

/** The end of another process's job, or its state after the time; null when nobody published it. */
async function nextEnd(board: JobBoard, id: string, timeoutMs: number): Promise<Job | null> {
	let stop = (): void => undefined;
	let timer: NodeJS.Timeout | undefined;
	const ended = new Promise<Job | null>((resolve) => {
		timer = setTimeout(() => resolve(null), timeoutMs);
		stop = board.onChange((job) => {
			if (job.id === id && hasEnded(job.status)) resolve(job);
		});
	});
	try {
		const now = await board.get(id);
		return now === null || hasEnded(now.status) ? now : ((await ended) ?? (await board.get(id)));
	} finally {
		clearTimeout(timer);
		stop();
	}
}
