/** Where states of jobs are seen by every process, whichever runs them. */
import type { Job } from "../core/job.js";

export interface JobBoard {
	/** Never waits and never fails: the newest state of each job is on its way, and its last one arrives. */
	publish(job: Job): void;
	/** After `publish`: resolves when the job is there for everybody, at the latest after `ms`. */
	published(id: string, ms: number): Promise<void>;
	/** As it was published last. */
	get(id: string): Promise<Job | null>;
	/** States that other processes published, each job's in order; superseded ones may be missing. Returns the way to stop. */
	onChange(listener: (job: Job) => void): () => void;
	/** What was published is there when it resolves, or cannot be brought there. */
	close(): Promise<void>;
}
