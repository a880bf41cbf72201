/** Numbers of workers that are tried. */
const LEVELS = [1, 2, 4, 8] as const;
/** Four do better than one in memory as well as on a disk; what is best is found out from there. */
const FIRST_LEVEL = 2;
/** A worker with less to do is not worth its start. */
const ENTRIES_PER_WORKER = 64;
/** Smaller batches say little about a level. */
const TELLING_ENTRIES = 256;
/** The first batch of a level pays for the start of its workers, the others are averaged. */
const BATCHES_PER_TRIAL = 3;
/** More workers must be worth it; fewer that do as well are better. */
const WORTH_ONE_MORE = 1.1;
/** After a trial that was not worth it, so many batches pass before the next. */
const REST_BATCHES = 20;

/**
 * Finds out how many workers remove entries fastest here. Removal waits for the journal on most disks, where several at
 * once are two to four times as fast, and only for the processor in memory, where many are in each other's way.
 * From where it is, it tries one level up or down, stays where that was better, and now and then tries again.
 */
export class Tuner {
	private home: number = FIRST_LEVEL;
	private level: number = FIRST_LEVEL;
	private direction: 1 | -1 = 1;
	private batches = 0;
	private rest = 0;
	private homeRate = 0;
	private rate = 0;

	static readonly maxWorkers = LEVELS[LEVELS.length - 1] as number;

	/** Of the level in use or, for a small batch, of a lower one. */
	workersFor(entries: number): number {
		let level = this.level;
		while (level > 0 && (LEVELS[level] as number) * ENTRIES_PER_WORKER > entries) level--;
		return LEVELS[level] as number;
	}

	/** What a batch came to that `workersFor` was asked for. */
	record(workers: number, entries: number, elapsedMs: number): void {
		if (entries < TELLING_ENTRIES) return;
		if (workers !== LEVELS[this.level]) {
			// The batches that come are too small for this level: it cannot be tried.
			this.home = Math.min(this.home, (LEVELS as readonly number[]).indexOf(workers));
			this.direction = -1;
			this.go(this.home);
			return;
		}
		this.batches++;
		if (this.batches === 1) return;
		const rate = entries / Math.max(elapsedMs, 0.001);
		this.rate = this.batches === 2 ? rate : (this.rate + rate) / 2;
		if (this.batches < BATCHES_PER_TRIAL) return;
		if (this.level === this.home) this.settled();
		else this.tried();
	}

	private settled(): void {
		this.homeRate = this.rate;
		if (this.rest > 0) {
			this.rest--;
			return;
		}
		if (LEVELS[this.home + this.direction] === undefined) this.turn();
		this.go(this.home + this.direction);
	}

	private tried(): void {
		if (this.rate > (this.direction === 1 ? this.homeRate * WORTH_ONE_MORE : this.homeRate)) {
			this.home = this.level;
			this.homeRate = this.rate;
			if (LEVELS[this.home + this.direction] !== undefined) {
				this.go(this.home + this.direction);
				return;
			}
		}
		this.turn();
		this.rest = REST_BATCHES;
		this.go(this.home);
	}

	private turn(): void {
		this.direction = this.direction === 1 ? -1 : 1;
	}

	private go(level: number): void {
		this.level = level;
		this.batches = 0;
	}
}
