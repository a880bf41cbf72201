import type { Logger } from "pino";
import type { Clock } from "../../core/clock.js";
import type { BackendKind, EntryRef } from "../../core/entry.js";
import type { LayerProgress } from "../../core/job.js";
import type { BatchResult, JobContext } from "../port.js";
import type { BegunJob, JobWrites, Report } from "../records.js";
import { batchSizeOf } from "../splitting.js";
import { available } from "./availability.js";
import type { LiveJob } from "./live-job.js";

/** Reports reach the store at most this often; what subscribers see does not wait for it. */
const REPORT_EVERY_MS = 250;

export type ReportChange = Parameters<JobContext<unknown>["report"]>[0];

/** Carries what a handler reports to the store and to everybody who watches. */
export class JobReporter {
	private timer: NodeJS.Timeout | null = null;
	private flushing: Promise<void> = Promise.resolve();

	constructor(
		readonly live: LiveJob,
		private readonly calls: JobWrites,
		private readonly environment: { readonly clock: Clock; readonly log: Pick<Logger, "warn">; readonly sharesOut?: boolean },
		private readonly publish: (live: LiveJob) => boolean,
	) {}

	context<Input>(input: Input, { checkpoint: kept, openBatch }: BegunJob): JobContext<Input> {
		const { live } = this;
		const reporter = this;
		return {
			get job() {
				return live.job;
			},
			input,
			signal: live.controller.signal,
			checkpoint: kept === null ? null : (JSON.parse(kept) as Readonly<Record<string, unknown>>),
			openBatch: openBatch === null ? null : (JSON.parse(openBatch) as EntryRef[]),
			batchEntries: (layer) => batchSizeOf(live.job, layer, reporter.environment.sharesOut ?? false),
			saveCheckpoint: (checkpoint) => this.saveCheckpoint(JSON.stringify(checkpoint)),
			beginBatch: (entries, checkpoint) => this.beginBatch(JSON.stringify(entries), JSON.stringify(checkpoint)),
			endBatch: (result, checkpoint) => this.endBatch(result, JSON.stringify(checkpoint)),
			async report(change) {
				reporter.report(change);
			},
		};
	}

	/** What every durable step carries; the sequence it reserves counts once it is durable. */
	step() {
		const { live } = this;
		const { id, attempts: attempt } = live.job;
		return { id, attempt, sequence: live.reservation, at: this.environment.clock.now(), report: live.takeReport() };
	}

	private async durably<T>(step: ReturnType<JobReporter["step"]>, call: Promise<T>): Promise<T> {
		try {
			const result = await available(call);
			this.live.reserve(step.sequence);
			return result;
		} catch (error) {
			if (step.report !== null) this.live.reportDirty = true;
			throw error;
		}
	}

	private async saveCheckpoint(checkpoint: string): Promise<void> {
		const step = this.step();
		await this.durably(step, this.calls.checkpoint({ ...step, checkpoint }));
	}

	private async beginBatch(entries: string, checkpoint: string): Promise<void> {
		const step = this.step();
		await this.durably(step, this.calls.beginBatch({ ...step, entries, checkpoint }));
	}

	private async endBatch(result: BatchResult, checkpoint: string): Promise<void> {
		const step = this.step();
		const counts = await this.durably(step, this.calls.endBatch({ ...step, ...result, checkpoint }));
		this.live.addCounts(result.backend, counts);
		this.publish(this.live);
	}

	report(change: ReportChange): void {
		this.live.setReport(merged(this.live.report, change));
		const published = this.publish(this.live);
		if (!published) void this.flush();
		else
			this.timer ??= setTimeout(() => {
				void this.flush();
			}, REPORT_EVERY_MS);
	}

	/** Brings the report to the store; a failure is left to the next step, which carries the report too. */
	private flush(): Promise<void> {
		this.stopTimer();
		this.flushing = this.flushing.then(async () => {
			if (!this.live.reportDirty) return;
			const step = this.step();
			try {
				await this.durably(step, this.calls.report(step));
				this.publish(this.live);
			} catch (error) {
				this.environment.log.warn(
					{ err: error, jobId: this.live.job.id },
					"the progress of a job could not be kept; the next step carries it",
				);
			}
		});
		return this.flushing;
	}

	private stopTimer(): void {
		if (this.timer !== null) clearTimeout(this.timer);
		this.timer = null;
	}

	/** Nothing comes from it any more. */
	async settle(): Promise<void> {
		this.stopTimer();
		await this.flushing;
	}
}

function merged(report: Report, { phase, layers, steps, details = report.details }: ReportChange): Report {
	const byBackend = new Map<BackendKind, Report["layers"][number]>(report.layers.map((layer) => [layer.backend, layer]));
	for (const { backend, total, status, error } of layers ?? []) {
		const before: Pick<LayerProgress, "backend" | "status" | "total" | "error"> = byBackend.get(backend) ?? {
			backend,
			status: "QUEUED",
			total: null,
			error: null,
		};
		byBackend.set(backend, {
			backend,
			status: status ?? before.status,
			total: total === undefined ? before.total : total,
			error: error ?? before.error,
		});
	}
	const kept = details === undefined ? {} : { details };
	return { ...report, phase: phase ?? report.phase, layers: [...byBackend.values()], steps: steps ?? report.steps, ...kept };
}
