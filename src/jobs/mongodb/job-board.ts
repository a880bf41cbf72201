import { setTimeout as pause } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import type { mongo } from "mongoose";
import type { Logger } from "pino";
import { DAY_MS } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import { hasEnded, type Job } from "../../core/job.js";
import type { ChangeFeed } from "../../mongodb/change-feed.js";
import { isMongoFailure, within, writeFailures } from "../../mongodb/failures.js";
import type { JobBoard } from "../board.js";

export interface JobBoardOptions {
	readonly db: mongo.Db;
	/** Of the same database, not started yet. */
	readonly feed: ChangeFeed;
	/** This process; its own states are not told to it again. */
	readonly publisher: string;
	/** Ended jobs go after so long. */
	readonly keepDays: number;
	readonly log: Pick<Logger, "warn" | "error">;
}

const COLLECTION = "cachewarden_jobs";
const ANSWER_WITHIN_MS = 4_000;
/** States of one job that follow each other faster than this are one. */
const PUBLISH_EVERY_MS = 50;
const RETRY_MS = 500;
/** How long a closing process tries to bring its last states there. */
const CLOSE_WITHIN_MS = 3_000;
const FOLLOWED = 10_000;
/** Clocks of processes differ by less. */
const CLOCK_SKEW_MS = 60_000;

interface JobDocument {
	readonly _id: string;
	readonly requested_by: string;
	readonly kind: string;
	readonly status: string;
	readonly sequence: number;
	readonly publisher: string;
	readonly updated_at: Date;
	/** Removed some time after it. */
	readonly ended_at: Date | null;
	readonly job: Job;
}

/** States of jobs in MongoDB, one document a job, followed by the change stream of the process. */
export function openJobBoard(options: JobBoardOptions): JobBoard {
	return new MongodbJobBoard(options);
}

class MongodbJobBoard implements JobBoard {
	private readonly collection: mongo.Collection<JobDocument>;
	private readonly listeners = new Set<(job: Job) => void>();
	private readonly unpublished = new Map<string, Job>();
	/** Newest sequence that listeners were told, by job. */
	private readonly told = new LRUCache<string, number>({ max: FOLLOWED });
	private readonly awaited = new Map<string, Set<() => void>>();
	private publishing: Promise<void> | null = null;
	private prepared = false;
	private lookedAt = Date.now();
	private closed = false;

	constructor(private readonly options: JobBoardOptions) {
		this.collection = options.db.collection(COLLECTION);
		options.feed.follow({
			collection: COLLECTION,
			changed: (document) => this.seen(document as unknown as JobDocument),
			catchUp: () => this.catchUp(),
		});
	}

	publish(job: Job): void {
		const waiting = this.unpublished.get(job.id);
		if (waiting !== undefined && waiting.progress.sequence >= job.progress.sequence) return;
		this.unpublished.set(job.id, job);
		this.publishing ??= this.publishAll().finally(() => {
			this.publishing = null;
		});
	}

	published(id: string, ms: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(done, ms);
			const waiting = this.awaited.get(id) ?? new Set();
			this.awaited.set(id, waiting.add(done));
			function done(): void {
				clearTimeout(timer);
				resolve();
			}
		});
	}

	async get(id: string): Promise<Job | null> {
		try {
			return (await within(ANSWER_WITHIN_MS, this.collection.findOne({ _id: id })))?.job ?? null;
		} catch (error) {
			if (!isMongoFailure(error)) throw error;
			throw new CachewardenError("QUEUE_UNAVAILABLE", undefined, { cause: error });
		}
	}

	onChange(listener: (job: Job) => void): () => void {
		// A function of its own, so that one listener registered twice is two.
		const own = (job: Job): void => listener(job);
		this.listeners.add(own);
		return () => {
			this.listeners.delete(own);
		};
	}

	async close(): Promise<void> {
		const timer = setTimeout(() => {
			this.closed = true;
		}, CLOSE_WITHIN_MS);
		await this.publishing;
		clearTimeout(timer);
		this.closed = true;
	}

	private async publishAll(): Promise<void> {
		while (this.unpublished.size > 0 && !this.closed) {
			const jobs = [...this.unpublished.values()];
			this.unpublished.clear();
			try {
				await this.prepare();
				await this.write(jobs);
				for (const { id } of jobs) this.tellWritten(id);
				await pause(PUBLISH_EVERY_MS);
			} catch (error) {
				for (const job of jobs) if (!this.unpublished.has(job.id)) this.unpublished.set(job.id, job);
				this.options.log.warn({ err: error }, "states of jobs could not be published to other processes yet");
				await pause(RETRY_MS);
			}
		}
	}

	private tellWritten(id: string): void {
		for (const done of this.awaited.get(id) ?? []) done();
		this.awaited.delete(id);
	}

	private async prepare(): Promise<void> {
		if (this.prepared) return;
		await within(
			ANSWER_WITHIN_MS,
			this.collection.createIndexes([
				{ key: { ended_at: 1 }, expireAfterSeconds: (this.options.keepDays * DAY_MS) / 1000 },
				{ key: { updated_at: 1 } },
			]),
		);
		this.prepared = true;
	}

	private async write(jobs: readonly Job[]): Promise<void> {
		const writes = jobs.map((job) => ({
			// A state that is there already and newer makes this a second document of the same id, which is refused.
			replaceOne: { filter: { _id: job.id, sequence: { $lt: job.progress.sequence } }, replacement: this.documentOf(job), upsert: true },
		}));
		try {
			await within(ANSWER_WITHIN_MS, this.collection.bulkWrite(writes, { ordered: false }));
		} catch (error) {
			const failures = writeFailures(error);
			if (failures === null || failures.rejected.size > 0) throw error;
		}
	}

	private documentOf(job: Job): Omit<JobDocument, "_id"> {
		return {
			requested_by: job.requestedBy,
			kind: job.kind,
			status: job.status,
			sequence: job.progress.sequence,
			publisher: this.options.publisher,
			updated_at: new Date(),
			ended_at: hasEnded(job.status) ? new Date(job.finishedAt ?? job.progress.at) : null,
			job,
		};
	}

	private seen({ _id, publisher, sequence, job }: JobDocument): void {
		if (publisher === this.options.publisher || sequence <= (this.told.get(_id) ?? -1)) return;
		this.told.set(_id, sequence);
		for (const listener of [...this.listeners]) {
			try {
				listener(job);
			} catch (error) {
				this.options.log.error({ err: error, jobId: _id }, "a listener of jobs failed");
			}
		}
	}

	/** What was published since the last look. */
	private async catchUp(): Promise<void> {
		const now = Date.now();
		const since = new Date(this.lookedAt - CLOCK_SKEW_MS);
		try {
			const changed = this.collection
				.find({ updated_at: { $gte: since }, publisher: { $ne: this.options.publisher } })
				.sort({ updated_at: 1 });
			for (const document of await within(ANSWER_WITHIN_MS, changed.limit(FOLLOWED).toArray())) this.seen(document);
			this.lookedAt = now;
		} catch (error) {
			this.options.log.warn({ err: error }, "states of other processes' jobs could not be read; tried again with the next change");
		}
	}
}
