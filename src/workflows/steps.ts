import { type Failure, failureOf } from "../core/errors.js";
import type { JobStatus, StepProgress } from "../core/job.js";
import type { JobContext } from "../jobs/port.js";

/** A job's steps, seen by everybody as they begin and end. */
export class Steps {
	private steps: StepProgress[];

	/** `names` in their order; those of an earlier attempt that are done stay done. */
	constructor(
		private readonly context: Pick<JobContext<unknown>, "job" | "report">,
		names: readonly string[],
	) {
		const before = context.job.progress.steps;
		this.steps = names.map((name) => {
			const done = before.find((step) => step.name === name && step.status === "SUCCEEDED");
			return done ?? { name, status: "QUEUED", durationMs: null, error: null };
		});
	}

	/** Runs the step. Its status is what `statusOf` makes of the result, SUCCEEDED without it; a throw fails it and goes on to the caller. */
	async run<T>(name: string, work: () => Promise<T>, statusOf: (result: T) => JobStatus = () => "SUCCEEDED"): Promise<T> {
		const began = performance.now();
		await this.set(name, "RUNNING", null, null);
		try {
			const result = await work();
			await this.set(name, statusOf(result), performance.now() - began, null);
			return result;
		} catch (error) {
			await this.set(name, "FAILED", performance.now() - began, failureOf(error));
			throw error;
		}
	}

	/** What was not reached is not going to be. */
	async cancelRest(): Promise<void> {
		this.steps = this.steps.map((step) =>
			step.status === "QUEUED" || step.status === "RUNNING" ? { ...step, status: "CANCELLED" } : step,
		);
		await this.context.report({ steps: this.steps });
	}

	/** Adds steps at the end that were not meant to be needed. */
	add(names: readonly string[]): void {
		this.steps = [...this.steps, ...names.map((name) => ({ name, status: "QUEUED" as const, durationMs: null, error: null }))];
	}

	private async set(name: string, status: JobStatus, durationMs: number | null, error: Failure | null): Promise<void> {
		this.steps = this.steps.map((step) => (step.name === name ? { name, status, durationMs, error } : step));
		await this.context.report({ phase: name, steps: this.steps });
	}
}
