import { CachewardenError } from "../core/errors.js";
import { hasEnded, type Job } from "../core/job.js";
import type { JobEngine } from "../jobs/port.js";
import { NewestByKey } from "./buffers.js";
import { SlowConsumerError } from "./port.js";
import { subscription } from "./subscription.js";

export type JobSource = Pick<JobEngine, "get" | "onChange">;

/** The state now, then changes until the job ends. Listening starts before the state is read, so nothing falls in between. */
export function jobStream(jobs: JobSource, id: string): AsyncIterableIterator<Job> {
	const buffer = new NewestByKey<Job>();
	return subscription(buffer, (sink) => {
		let sequence = -1;
		let known = false;

		function offer(job: Job): void {
			if (job.progress.sequence <= sequence) return;
			sequence = job.progress.sequence;
			buffer.put(id, job, 1);
			if (hasEnded(job.status)) sink.end();
			else sink.wake();
		}

		const stop = jobs.onChange((job) => {
			if (job.id !== id) return;
			known = true;
			offer(job);
		});
		jobs.get(id).then(
			(job) => {
				if (job !== null) offer(job);
				else if (!known) sink.fail(new CachewardenError("NOT_FOUND", { key: "error.jobNotFound", facts: {} }));
			},
			(error: unknown) => sink.fail(error),
		);
		return stop;
	});
}

/** Changes of every job that `sees`; the newest of each job waits for a slow reader. */
export function jobsStream(jobs: Pick<JobSource, "onChange">, sees: (job: Job) => boolean, maxWaiting: number): AsyncIterableIterator<Job> {
	const buffer = new NewestByKey<Job>();
	return subscription(buffer, (sink) =>
		jobs.onChange((job) => {
			if (!sees(job)) return;
			if (buffer.put(job.id, job, maxWaiting)) sink.wake();
			else sink.fail(new SlowConsumerError());
		}),
	);
}
