import type { Worker } from "node:worker_threads";
import type { FolderPlace } from "../places.js";
import { startWorker } from "../worker.js";
import type { FromWatchWorker, ToWatchWorker, WatchWorkerOptions } from "./protocol.js";

/** A worker whose loop is free answers in a millisecond; one that is silent for so long may have lost events. */
const STALLED_MS = 3000;
/** Paths that were reported and wait. */
const HEAP_MB = 192;
const RESTART_MS = 5000;

export interface WatchHandlers {
	changed(placeId: number, paths: readonly string[]): Promise<void>;
	established(placeId: number, problem: string | null): void;
	broken(reason: string): void;
}

interface Barrier {
	readonly settle: (arrived: boolean) => void;
	readonly timer: NodeJS.Timeout;
	/** The worker has answered; what it reported before may still have to be worked off. */
	arrived: boolean;
}

/** The catalog worker's end of the watch: works its messages off one after the other. */
export class WatchLink {
	#worker: Worker;
	#places: readonly FolderPlace[] = [];
	#closing = false;
	#work: Promise<void> = Promise.resolve();
	#restart: NodeJS.Timeout | null = null;
	#lastBarrier = 0;
	readonly #barriers = new Map<number, Barrier>();

	constructor(
		private readonly options: WatchWorkerOptions,
		private readonly handlers: WatchHandlers,
	) {
		this.#worker = this.#start();
	}

	/** Once: the thread has been starting meanwhile. */
	watch(places: readonly FolderPlace[]): void {
		this.#places = places;
		this.#tell({ kind: "watch", places });
	}

	/** True once everything that happened before the call has been reported and worked off; false when that can't be told. */
	barrier(): Promise<boolean> {
		return new Promise((settle) => {
			const id = ++this.#lastBarrier;
			// When it was this loop that stood still, the answer has come already, and is read before the check.
			const timer = setTimeout(() => setImmediate(() => this.#checkBarrier(id)), STALLED_MS);
			this.#barriers.set(id, { settle, timer, arrived: false });
			this.#tell({ kind: "barrier", id });
		});
	}

	renew(placeId: number): void {
		this.#tell({ kind: "renew", placeId });
	}

	async close(): Promise<void> {
		this.#closing = true;
		if (this.#restart) clearTimeout(this.#restart);
		await this.#worker.terminate();
		this.#giveUpBarriers();
		await this.#work;
	}

	#start(): Worker {
		const worker = startWorker("./watch-worker.js", this.options, HEAP_MB);
		let reason = "the watch worker ended";
		worker.on("message", (message: FromWatchWorker) => this.#onMessage(message));
		worker.on("error", (error) => {
			reason = `the watch worker failed: ${error.message}`;
		});
		worker.on("exit", () => {
			if (this.#closing) return;
			this.#broken(reason);
			for (const { id } of this.#places) this.handlers.established(id, reason);
			this.#restart = setTimeout(() => {
				this.#worker = this.#start();
				this.#tell({ kind: "watch", places: this.#places });
			}, RESTART_MS);
		});
		return worker;
	}

	#onMessage(message: FromWatchWorker): void {
		if (this.#closing) return;
		// It is alive: what takes long from here on is the work, not the watch.
		if (message.kind === "barrier") {
			for (const id of message.ids) {
				const barrier = this.#barriers.get(id);
				if (barrier) barrier.arrived = true;
				clearTimeout(barrier?.timer);
			}
		}
		this.#work = this.#work.then(() => this.#workOff(message));
	}

	async #workOff(message: FromWatchWorker): Promise<void> {
		if (this.#closing) return;
		switch (message.kind) {
			case "changed":
				await this.handlers.changed(message.placeId, message.paths);
				return this.#tell({ kind: "done" });
			case "established":
				return this.handlers.established(message.placeId, message.problem);
			case "broken":
				return this.handlers.broken(message.reason);
			case "barrier":
				for (const id of message.ids) {
					this.#barriers.get(id)?.settle(true);
					this.#barriers.delete(id);
				}
		}
	}

	#checkBarrier(id: number): void {
		if (this.#barriers.get(id)?.arrived === false) this.#broken(`the watch did not answer for ${STALLED_MS} ms`);
	}

	#broken(reason: string): void {
		this.handlers.broken(reason);
		this.#giveUpBarriers();
	}

	#giveUpBarriers(): void {
		for (const { settle, timer } of this.#barriers.values()) {
			clearTimeout(timer);
			settle(false);
		}
		this.#barriers.clear();
	}

	#tell(message: ToWatchWorker): void {
		this.#worker.postMessage(message);
	}
}
