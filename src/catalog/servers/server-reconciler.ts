/** Brings the index in line with a server: a scan, then a second look at everything that the scan did not see. */

import { HashSet } from "../index/hash-set.js";
import type { GoneKey, IndexWriter } from "../index/index-writer.js";
import type { RowBatch } from "../index/row-batch.js";
import type { PlaceState } from "../place-state.js";
import type { ServerPlace } from "../places.js";
import { SourceFailure, type SourceLink } from "./source-link.js";

const KEYS_AT_ONCE = 500;
/** In one transaction: rows that lie together in the file are written once. */
const WRITTEN_AT_ONCE = 1_000;

export type ServerState = PlaceState<ServerPlace>;

interface Scan {
	readonly id: number;
	readonly states: readonly ServerState[];
	/** Looked at since by others: what the scan saw may be older. */
	readonly again: Map<ServerState, string[]>;
	/** Why the index could not be written. */
	indexError: unknown;
	progressAt: number;
}

export class ServerReconciler {
	#scan: Scan | null = null;
	#lastScan = 0;
	#reading: Promise<unknown> = Promise.resolve();

	constructor(
		private readonly link: SourceLink,
		private readonly host: { ready(): Promise<void>; writer(): IndexWriter; now(): number },
	) {}

	/** How long the scan that runs has delivered nothing; 0 when none runs. */
	get silentMs(): number {
		return this.#scan === null ? 0 : performance.now() - this.#scan.progressAt;
	}

	/** @throws {SourceFailure} when the server could not be read to the end; nothing is said about the places then. */
	async reconcile(states: readonly ServerState[]): Promise<void> {
		const scan: Scan = { id: ++this.#lastScan, states, again: new Map(), indexError: null, progressAt: performance.now() };
		// Between two reads: what was asked earlier than the scan is answered before it, and what comes later is known to be newer.
		const { startedAt, epochs } = await this.#inTurn(async () => {
			this.#scan = scan;
			for (const state of states) state.beginScan();
			return { startedAt: this.host.now(), epochs: states.map(({ watchEpoch }) => watchEpoch) };
		});
		const writer = this.host.writer();
		try {
			if (this.#scan !== scan) throw cancelled();
			const places = states.map(({ place }) => {
				const known = writer.known(place.id);
				return { place, known: known.view, entries: known.size };
			});
			const seen = await this.link.scan({ scan: scan.id, salt: writer.salt, places });
			for (const [index, state] of states.entries()) await this.#lookForUnseen(scan, state, seen[index] as Float64Array);
			for (const [state, keys] of scan.again) await this.review(state, keys);
		} catch (error) {
			throw scan.indexError ?? error;
		} finally {
			if (this.#scan === scan) this.#scan = null;
		}
		for (const [index, state] of states.entries()) state.endScan(startedAt, epochs[index] as number, null, true);
	}

	/** A scan that runs is given up. */
	cancel(): void {
		this.#scan = null;
		this.link.cancel();
	}

	progress(id: number, entries: number): void {
		const scan = this.#scan;
		if (scan?.id !== id) return;
		scan.progressAt = performance.now();
		for (const state of scan.states) state.scanning = entries;
	}

	/** Rows that a scan found. Rejects when it has been given up. */
	async take(id: number, batch: RowBatch): Promise<void> {
		await this.host.ready();
		const scan = this.#scan;
		const state = scan?.states.find(({ place }) => place.id === batch.placeId);
		if (scan?.id !== id || !state) throw new Error("the scan has been given up");
		const skip = new Set<string>();
		if (state.disturbed && state.disturbed.size > 0) {
			const again = scan.again.get(state) ?? [];
			scan.again.set(state, again);
			for (const key of batch.keys) {
				if (!state.disturbed.has(key)) continue;
				skip.add(key);
				again.push(key);
			}
		}
		try {
			this.host.writer().apply([batch], [], skip);
		} catch (error) {
			scan.indexError ??= error;
			throw error;
		}
	}

	/** Reads keys and writes what differs; one call after the other, so that nothing older can follow. */
	review(state: ServerState, keys: readonly string[]): Promise<void> {
		return this.#inTurn(() => this.#review(state, keys));
	}

	#inTurn<T>(work: () => Promise<T>): Promise<T> {
		const turn = this.#reading.then(work);
		this.#reading = turn.catch(() => undefined);
		return turn;
	}

	async #review(state: ServerState, keys: readonly string[]): Promise<void> {
		for (let at = 0; at < keys.length; at += WRITTEN_AT_ONCE) {
			const asked = keys.slice(at, at + WRITTEN_AT_ONCE);
			for (const key of asked) state.disturb(key);
			const writer = this.host.writer();
			const batches: RowBatch[] = [];
			const gone: GoneKey[] = [];
			for (let from = 0; from < asked.length; from += KEYS_AT_ONCE) {
				const { batch, missing } = await this.link.read(state.place, writer.salt, asked.slice(from, from + KEYS_AT_ONCE));
				batches.push(batch);
				for (const key of missing) gone.push({ placeId: state.place.id, key });
			}
			await this.host.ready();
			// Another index needs other hashes: it is read anew anyway.
			if (writer !== this.host.writer()) throw cancelled();
			writer.apply(batches, gone);
		}
	}

	async #lookForUnseen(scan: Scan, state: ServerState, slots: Float64Array): Promise<void> {
		const seen = new HashSet(slots);
		// All at once: reviewing moves the others about.
		const unseen = this.host
			.writer()
			.known(state.place.id)
			.rowsWithout((hash) => seen.has(hash));
		for (let at = 0; at < unseen.length; at += KEYS_AT_ONCE) {
			const writer = this.host.writer();
			const keys = unseen.slice(at, at + KEYS_AT_ONCE).flatMap((row) => writer.describe(row)?.key ?? []);
			await this.review(state, keys);
			scan.progressAt = performance.now();
		}
	}
}

function cancelled(): SourceFailure {
	return new SourceFailure({ code: "CANCELLED", said: { key: "error.cancelled", facts: {} } });
}
