/**
 * The ledger of what was deleted and when, by minute, hour and day. The job engine writes it in the transaction that closes a
 * batch, so nothing is counted twice after a crash; the history reads it.
 */
import { DAY_MS, HOUR_MS } from "../core/clock.js";
import type { Db } from "./database.js";

const MINUTE_MS = 60_000;
const YEAR_DAYS = 365;

/** Width of each bucket, and for how long it is kept. Buckets begin at whole UTC minutes, hours and days. */
export const BUCKETS = {
	MINUTE: { widthMs: MINUTE_MS, keptMs: DAY_MS },
	HOUR: { widthMs: HOUR_MS, keptMs: 30 * DAY_MS },
	DAY: { widthMs: DAY_MS, keptMs: 2 * YEAR_DAYS * DAY_MS },
} as const;
export type Bucket = keyof typeof BUCKETS;
export const BUCKET_NAMES = Object.keys(BUCKETS) as Bucket[];

export function bucketStart(bucket: Bucket, at: number): number {
	const { widthMs } = BUCKETS[bucket];
	return Math.floor(at / widthMs) * widthMs;
}

export const deletionsTable = `
	CREATE TABLE IF NOT EXISTS deletions (
		bucket TEXT NOT NULL,
		at INTEGER NOT NULL,
		entries INTEGER NOT NULL,
		bytes INTEGER NOT NULL,
		PRIMARY KEY (bucket, at)
	) WITHOUT ROWID;
`;

export interface Deletion {
	readonly at: number;
	readonly entries: number;
	readonly bytes: number;
}

export function deletionLedger(db: Db): (deletion: Deletion) => void {
	const add = db.prepare(`INSERT INTO deletions VALUES (?, ?, ?, ?)
		ON CONFLICT (bucket, at) DO UPDATE SET entries = entries + excluded.entries, bytes = bytes + excluded.bytes`);
	return ({ at, entries, bytes }) => {
		for (const bucket of BUCKET_NAMES) add.run(bucket, bucketStart(bucket, at), entries, bytes);
	};
}
