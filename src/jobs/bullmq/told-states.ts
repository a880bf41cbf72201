import { hasEnded, type Job } from "../../core/job.js";
import type { Announcer } from "../running/announcer.js";
import type { Teller } from "./teller.js";

/** States of jobs on their way: what is announced here is told to the other processes, and what they tell is announced here. */
export class ToldStates {
	/** The newest state that was announced here, of jobs that have not ended. */
	private readonly announced = new Map<string, number>();
	/** A state that came from another process, while it is announced here. */
	private heard: Job | null = null;

	constructor(
		private readonly announcer: Announcer,
		teller: Teller,
		private readonly instance: string,
	) {
		announcer.onChange((job) => {
			if (job === this.heard) return;
			this.note(job);
			teller.tell(job);
		});
	}

	/** A state that another process told; states of one job come in order. */
	hear(text: string): void {
		const { from, job } = JSON.parse(text) as { readonly from: string; readonly job: Job };
		if (from === this.instance || job.progress.sequence <= (this.announced.get(job.id) ?? -1)) return;
		this.note(job);
		this.heard = job;
		this.announcer.tell(job);
		this.heard = null;
	}

	/** States that this process made: every job's is made by one. */
	onOwn(listener: (job: Job) => void): () => void {
		return this.announcer.onChange((job) => {
			if (job !== this.heard) listener(job);
		});
	}

	private note({ id, status, progress }: Job): void {
		if (hasEnded(status)) this.announced.delete(id);
		else this.announced.set(id, progress.sequence);
	}
}
