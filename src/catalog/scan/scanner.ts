import type { Worker } from "node:worker_threads";
import type { LayoutSettings } from "../../backends/layouts/layout.js";
import { HashSet } from "../index/hash-set.js";
import type { RowBatch } from "../index/row-batch.js";
import { startWorker } from "../worker.js";
import { type PlaceOrder, SHARED, SHARED_WORDS, SHARES, type WalkerMessage, type WalkOrder, type WalkProblem } from "./protocol.js";

const WALKERS = 2;
/** Names of folders that wait, and the set of what was seen. */
const WALKER_HEAP_MB = 128;
/** In the first scan everything is new, and a batch lives until it is full: in less it would be copied around twice. */
const FIRST_YOUNG_MB = 16;
/** Later scans find most of it known, and run beside other work. */
const LATER_YOUNG_MB = 4;
const IDLE_MS = 5000;
/** Listing the metadata costs a tenth of reading them. */
const LISTER_SHARES = 29;

export interface ScanResult {
	/** For each place of the order: whether a walker saw an entry with that hash. */
	readonly seen: readonly ((hash: number) => boolean)[];
	readonly problems: readonly WalkProblem[];
}

/** Runs walkers over places. They are started when needed and end when nothing has been asked of them for a while. */
export class Scanner {
	#walkers: Worker[] = [];
	#shared: Int32Array | null = null;
	#idle: NodeJS.Timeout | null = null;
	#youngMb = FIRST_YOUNG_MB;

	constructor(private readonly settings: LayoutSettings) {}

	/** Entries seen so far by the scan that runs now; null when none does. */
	get progress(): number | null {
		return this.#shared && Atomics.load(this.#shared, SHARED.entries);
	}

	/** Starts the walkers ahead of the first scan: loading takes them a while. */
	prepare(): void {
		while (this.#walkers.length < WALKERS) this.#walkers.push(startWorker("./walker-worker.js", null, WALKER_HEAP_MB, this.#youngMb));
	}

	/** One at a time. Rejects when a walker fails: nothing is known then. */
	async scan(places: readonly PlaceOrder[], salt: number, onBatch: (batch: RowBatch) => void): Promise<ScanResult> {
		if (this.#idle) clearTimeout(this.#idle);
		const shared = new SharedArrayBuffer(SHARED_WORDS * Int32Array.BYTES_PER_ELEMENT);
		this.#shared = new Int32Array(shared);
		this.prepare();
		const order = { places, salt, settings: this.settings, shared };
		const [lister, other] = this.#walkers as [Worker, Worker];
		const middle = places.some(({ layouts }) => layouts.includes("metadata")) ? LISTER_SHARES : SHARES / 2;
		try {
			const parts = await Promise.all([
				this.#run(lister, { ...order, from: 0, to: middle, data: true, metadata: true, seen: [] }, onBatch),
				this.#run(other, { ...order, from: middle, to: SHARES, data: true, metadata: false, seen: [] }, onBatch),
			]);
			// A metadata file whose data nobody saw: only its folder tells the name.
			if (parts[0].foreign.some((hashes, index) => isMissing(hashes, new HashSet(parts[1].seen[index] as Float64Array)))) {
				const seen = parts.map((part) => part.seen);
				parts.push(await this.#run(lister, { ...order, from: 0, to: SHARES, data: false, metadata: true, seen }, onBatch));
			}
			return {
				seen: places.map((_, index) => {
					const sets = parts.map((part) => new HashSet(part.seen[index] as Float64Array));
					return (hash) => sets.some((set) => set.has(hash));
				}),
				problems: parts.flatMap((part) => part.problems),
			};
		} catch (error) {
			this.#cancel();
			await this.#end();
			throw error;
		} finally {
			this.#shared = null;
			this.#idle = setTimeout(() => void this.#end(), IDLE_MS);
			this.#idle.unref();
		}
	}

	/** A scan that runs is given up. */
	async close(): Promise<void> {
		if (this.#idle) clearTimeout(this.#idle);
		this.#cancel();
		await this.#end();
	}

	#run(walker: Worker, order: WalkOrder, onBatch: (batch: RowBatch) => void): Promise<Extract<WalkerMessage, { kind: "done" }>> {
		const shared = this.#shared as Int32Array;
		return new Promise((resolve, reject) => {
			const onMessage = (message: WalkerMessage): void => {
				if (message.kind === "done") {
					settle(() => resolve(message));
					return;
				}
				try {
					onBatch(message.batch);
				} catch (error) {
					settle(() => reject(error));
				}
				Atomics.sub(shared, SHARED.waitingBatches, 1);
				Atomics.notify(shared, SHARED.waitingBatches);
			};
			const onError = (error: Error): void => settle(() => reject(error));
			const onExit = (code: number): void => settle(() => reject(new Error(`a walker ended with ${code}`)));
			const settle = (how: () => void): void => {
				walker.off("message", onMessage).off("error", onError).off("exit", onExit);
				how();
			};
			walker.on("message", onMessage).on("error", onError).on("exit", onExit);
			walker.postMessage(order);
		});
	}

	#cancel(): void {
		if (!this.#shared) return;
		Atomics.store(this.#shared, SHARED.cancelled, 1);
		Atomics.notify(this.#shared, SHARED.waitingBatches);
	}

	async #end(): Promise<void> {
		this.#youngMb = LATER_YOUNG_MB;
		const walkers = this.#walkers;
		this.#walkers = [];
		await Promise.all(walkers.map((walker) => walker.terminate()));
	}
}

function isMissing(hashes: Float64Array, seen: HashSet): boolean {
	return hashes.some((hash) => !seen.has(hash));
}
