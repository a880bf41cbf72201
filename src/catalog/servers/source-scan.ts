/** A scan inside the source's thread: what is known already is only marked as seen, the rest goes to the index as rows. */
import type { EntrySource, ReportedEntry } from "../../backends/entry-source.js";
import { HashSet } from "../index/hash-set.js";
import { combinedFingerprint, keyHash } from "../index/key-hash.js";
import { KnownEntries } from "../index/known-entries.js";
import { type RowBatch, RowBatchBuilder } from "../index/row-batch.js";
import type { ServerPlace } from "../places.js";
import type { SourceReading, SourceScanOrder } from "./protocol.js";

const BATCH_ROWS = 2000;
/** Servers tell idle times in whole seconds, and not all at once: less says nothing. */
const ACCESS_TOLERANCE_S = 5;
/** Rows of a server have no layout but their own. */
const LAYOUT = "server";

interface ScannedPlace {
	readonly place: ServerPlace;
	readonly known: KnownEntries;
	readonly seen: HashSet;
	rows: RowBatchBuilder;
}

export interface ScanReport {
	take(batch: RowBatch): Promise<void>;
	progress(entries: number): void;
}

/** Answers what it has seen, in the order of the places. */
export async function scanSource(
	source: EntrySource,
	order: SourceScanOrder,
	report: ScanReport,
	signal: AbortSignal,
): Promise<readonly Float64Array[]> {
	const places = new Map(
		order.places.map(({ place, known, entries }): [string, ScannedPlace] => [
			place.place,
			{ place, known: new KnownEntries(known), seen: new HashSet(entries), rows: builder(place, BATCH_ROWS) },
		]),
	);
	let entries = 0;

	async function flush(scanned: ScannedPlace): Promise<void> {
		if (scanned.rows.empty) return;
		const batch = scanned.rows.build();
		scanned.rows = builder(scanned.place, BATCH_ROWS);
		await report.take(batch);
	}

	async function deliver(name: string, found: readonly ReportedEntry[]): Promise<void> {
		const scanned = places.get(name);
		if (!scanned) return;
		for (const entry of found) {
			const hash = keyHash(order.salt, entry.key);
			if (scanned.seen.add(hash)) entries++;
			if (isKnown(scanned, hash, entry)) continue;
			scanned.rows.add(hash, LAYOUT, entry, provable(entry));
			if (scanned.rows.full) await flush(scanned);
		}
		if (scanned.rows.full) await flush(scanned);
		report.progress(entries);
	}

	await source.scan([...places.keys()], deliver, signal);
	for (const scanned of places.values()) await flush(scanned);
	return [...places.values()].map(({ seen }) => seen.slots);
}

/** True when nothing but perhaps the last access has changed. */
function isKnown({ known, rows }: ScannedPlace, hash: number, entry: ReportedEntry): boolean {
	const slot = known.find(hash);
	const { data, metadata } = entry.fingerprint;
	if (slot < 0 || !provable(entry) || known.fingerprint(slot) !== combinedFingerprint(data, metadata)) return false;
	const { lastAccessedAt } = entry;
	if (lastAccessedAt !== null && Math.abs(lastAccessedAt / 1000 - known.accessed(slot)) > ACCESS_TOLERANCE_S) {
		rows.touch(hash, Math.floor(lastAccessedAt));
	}
	return true;
}

/** Without a fingerprint nothing tells whether it is still the same. */
function provable({ fingerprint }: ReportedEntry): boolean {
	return fingerprint.data !== null || fingerprint.metadata !== null;
}

export async function readSource(source: EntrySource, place: ServerPlace, salt: number, keys: readonly string[]): Promise<SourceReading> {
	const found = await source.read(place.place, keys);
	const rows = builder(place, Math.max(found.length, 1));
	const there = new Set<string>();
	for (const entry of found) {
		there.add(entry.key);
		rows.add(keyHash(salt, entry.key), LAYOUT, entry, provable(entry));
	}
	return { batch: rows.build(), missing: keys.filter((key) => !there.has(key)) };
}

function builder({ id, backend, place }: ServerPlace, rows: number): RowBatchBuilder {
	return new RowBatchBuilder({ id, backend, name: place }, rows);
}
