/** What the history does inside the store's threads. */
import type { Db } from "../store/database.js";
import { BUCKET_NAMES, BUCKETS, type Bucket, bucketStart, type Deletion, deletionLedger, deletionsTable } from "../store/deletions.js";
import type { StoreModule } from "../store/procedures.js";
import type { HistoryPoint, HistorySample } from "./port.js";

interface SampleRow {
	readonly at: number;
	readonly sample: string;
}

function historyWrites(db: Db) {
	const keep = db.prepare("INSERT INTO history VALUES (?, ?, ?) ON CONFLICT (bucket, at) DO UPDATE SET sample = excluded.sample");
	const forget = ["history", "deletions"].map((table) => db.prepare(`DELETE FROM ${table} WHERE bucket = ? AND at < ?`));
	const deletion = deletionLedger(db);
	return {
		addDeletion: (deleted: Deletion): void => deletion(deleted),

		record(sample: HistorySample): void {
			for (const bucket of BUCKET_NAMES) {
				keep.run(bucket, bucketStart(bucket, sample.at), JSON.stringify(sample));
				for (const statement of forget) statement.run(bucket, bucketStart(bucket, sample.at - BUCKETS[bucket].keptMs));
			}
		},
	};
}

function historyReads(db: Db) {
	const samples = db.prepare("SELECT at, sample FROM history WHERE bucket = ? AND at >= ? AND at <= ? ORDER BY at");
	const sampleBefore = db.prepare("SELECT at, sample FROM history WHERE bucket = ? AND at < ? ORDER BY at DESC LIMIT 1");
	const deletions = db.prepare("SELECT at, entries, bytes FROM deletions WHERE bucket = ? AND at >= ? AND at <= ? ORDER BY at");

	return {
		/** A bucket without a sample of its own, in which something was deleted, has the totals of the sample before it. */
		points({ since, until, bucket }: { readonly since: number; readonly until: number; readonly bucket: Bucket }): HistoryPoint[] {
			const from = bucketStart(bucket, since);
			const sampled = new Map(samples.rows<SampleRow>(bucket, from, until).map((row) => [row.at, row]));
			const deleted = new Map(deletions.rows<Deletion>(bucket, from, until).map((row) => [row.at, row]));
			let newest = sampleBefore.row<SampleRow>(bucket, from);
			const points: HistoryPoint[] = [];
			for (const at of [...new Set([...sampled.keys(), ...deleted.keys()])].sort((a, b) => a - b)) {
				newest = sampled.get(at) ?? newest;
				if (newest === undefined) continue;
				const deletion = deleted.get(at);
				points.push({
					...(JSON.parse(newest.sample) as HistorySample),
					at,
					deletedEntries: deletion?.entries ?? 0,
					freedBytes: deletion?.bytes ?? 0,
				});
			}
			return points;
		},
	};
}

export const storeModule: StoreModule<null, ReturnType<typeof historyWrites>, ReturnType<typeof historyReads>> = {
	migrations: [
		`
		CREATE TABLE history (bucket TEXT NOT NULL, at INTEGER NOT NULL, sample TEXT NOT NULL, PRIMARY KEY (bucket, at)) WITHOUT ROWID;
		${deletionsTable}
		`,
	],
	writes: historyWrites,
	reads: historyReads,
};
