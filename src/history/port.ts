/** The port of totals over time: one point a minute for a day, an hour for 30 days, a day for 2 years. */

export type HistoryBucket = "MINUTE" | "HOUR" | "DAY";

export interface HistorySample {
	readonly at: number;
	readonly totalEntries: number;
	readonly totalBytes: number;
	readonly byType: readonly { readonly type: string; readonly entries: number; readonly bytes: number }[];
	readonly hits: number | null;
	readonly misses: number | null;
}

/** Totals as they were at the end of the bucket, and what was deleted within it. */
export interface HistoryPoint extends HistorySample {
	readonly deletedEntries: number;
	readonly freedBytes: number;
}

export interface StatsHistory {
	/** Records the totals of now; several samples within a minute leave the last. */
	record(sample: HistorySample): Promise<void>;
	/** What was deleted now, where the records of jobs do not say so by themselves. */
	addDeletion(deletion: { readonly at: number; readonly entries: number; readonly bytes: number }): Promise<void>;
	points(since: number, until: number, bucket: HistoryBucket): Promise<HistoryPoint[]>;
}
