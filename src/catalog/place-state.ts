import type { SourceCounters } from "../backends/entry-source.js";
import type { Failure } from "../core/errors.js";
import type { Place } from "./places.js";
import type { PlaceFacts } from "./protocol.js";

/** More groups of files than these, changed while a scan runs, are not remembered one by one: the scan is repeated. */
const MAX_DISTURBED = 50_000;
/** Of keys: a server's scan takes longer, and its clients write faster. */
const MAX_DISTURBED_KEYS = 500_000;

/** How well one place is known, and what has to be done about it. */
export class PlaceState<P extends Place = Place> {
	/** Of the last scan. */
	error: Failure | null = null;
	/** The server does not answer, whatever the last scan said. */
	down: Failure | null = null;
	/** Of the whole server; null for folders, and before it was asked. */
	counters: SourceCounters | null = null;
	scanning: number | null = null;
	needsScan = true;
	/** Of the last scan, complete or not. */
	scannedAt = 0;
	/** Not to be scanned again earlier, unless somebody asks. */
	retryAt = 0;
	/** The watch reports this place, whether or not a scan has found what was there before. */
	established = false;
	watchProblem: string | null = null;
	/** Counts how often the watch was made anew or may have lost something. */
	watchEpoch = 0;
	/** Everything since the last complete scan has been reported. */
	intact = false;
	/** Groups or keys that were looked at while a scan runs: what it reports of them may be older. Null when none runs. */
	disturbed: Set<string> | null = null;
	#spoiled = false;
	#waiting: (() => void)[] = [];
	/** Of the scan that runs, and of those that failed. */
	#served: (() => void)[] = [];

	constructor(
		readonly place: P,
		public asOf: number,
	) {}

	/** Resolves when a scan that has not begun yet has ended. */
	scanned(): Promise<void> {
		this.needsScan = true;
		return new Promise((resolve) => this.#waiting.push(resolve));
	}

	beginScan(): void {
		this.needsScan = false;
		this.scanning = 0;
		this.disturbed = new Set();
		this.#spoiled = false;
		this.#served.push(...this.#waiting);
		this.#waiting = [];
	}

	disturb(name: string): void {
		if (!this.disturbed) return;
		const most = this.place.layout === "server" ? MAX_DISTURBED_KEYS : MAX_DISTURBED;
		if (this.disturbed.size < most) this.disturbed.add(name);
		else this.#spoiled = true;
	}

	/** `watchEpoch` is that of the scan's begin. */
	endScan(startedAt: number, watchEpoch: number, error: Failure | null, complete: boolean): void {
		this.scanning = null;
		this.disturbed = null;
		this.scannedAt = startedAt;
		this.error = error;
		if (this.#spoiled) this.needsScan = true;
		else if (complete) {
			this.asOf = Math.max(this.asOf, startedAt);
			this.intact = this.established && this.watchEpoch === watchEpoch;
		}
		// What was spoiled is repeated, and answers then.
		if (this.#spoiled) return;
		for (const resolve of this.#served) resolve();
		this.#served = [];
	}

	/** A scan could not be ended. The place stays due, and who waits goes on waiting. */
	interrupt(): void {
		this.scanning = null;
		this.disturbed = null;
		this.needsScan = true;
	}

	/** The same, where nobody can tell more for now. */
	breakOff(error: Failure | null, retryAt: number): void {
		this.interrupt();
		this.error = error;
		this.retryAt = retryAt;
		this.answerAll();
	}

	answerAll(): void {
		for (const resolve of [...this.#served, ...this.#waiting]) resolve();
		this.#served = [];
		this.#waiting = [];
	}

	/** Something may have been missed: only a scan can tell. */
	doubt(): void {
		this.watchEpoch++;
		this.intact = false;
		this.needsScan = true;
	}

	facts(): PlaceFacts {
		const { id, backend, place, path } = this.place;
		return {
			id,
			backend,
			place,
			path,
			asOf: this.asOf,
			scanning: this.scanning,
			watched: this.established,
			watchProblem: this.watchProblem,
			error: this.down ?? this.error,
			hits: this.counters?.hits ?? null,
			misses: this.counters?.misses ?? null,
		};
	}
}
