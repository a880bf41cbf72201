/** Collects what the watches of all places report, passes it on in slices, and knows when something may be missing. */
import { mkdirSync, readFileSync, utimesSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FolderPlace } from "../places.js";
import { PlaceWatch } from "./place-watch.js";
import type { FromWatchWorker, ToWatchWorker, WatchWorkerOptions } from "./protocol.js";

const DEBOUNCE_MS = 100;
const ROOTS_EVERY_MS = 1000;
/** A sentinel whose event does not come: the system reports nothing, or no longer. */
const SENTINEL_MS = 1000;
const PATHS_A_MESSAGE = 1000;
/** Messages on their way to the catalog worker; what comes meanwhile is collected here, each path once. */
const MAX_UNDONE = 3;
const MAX_COLLECTED = 200_000;
/** Links that are followed to folders in one turn of the loop, so that events do not pile up. */
const FOLLOWED_A_TURN = 200;
const SENTINELS = ["a", "b"] as const;

interface Collected {
	readonly paths: Set<string>;
	/** Those of them that came, went or were replaced. */
	readonly renamed: Set<string>;
}

export class Watcher {
	#places: readonly PlaceWatch[] = [];
	readonly #burstLimit: number;
	readonly #folder: string;
	#collected = new Map<number, Collected>();
	#collectedPaths = 0;
	#turn = 0;
	#undone = 0;
	#resume: (() => void) | null = null;
	#flushing: Promise<void> = Promise.resolve();
	#flushTimer: NodeJS.Timeout | null = null;
	#waiting: number[] = [];
	#crossing: { readonly ids: readonly number[]; readonly sentinel: string; readonly late: NodeJS.Timeout } | null = null;
	#crossings = 0;

	constructor(
		options: WatchWorkerOptions,
		private readonly send: (message: FromWatchWorker) => void,
	) {
		this.#burstLimit = options.burstLimit ?? kernelLimit() / 2;
		this.#folder = join(options.dataDir, "watch");
	}

	start(): void {
		mkdirSync(this.#folder, { recursive: true });
		for (const name of SENTINELS) writeFileSync(join(this.#folder, name), "");
		const sentinel = watch(this.#folder, (_, name) => this.#onSentinel(name));
		sentinel.on("error", (error) => this.#broken(error.message));
		setInterval(() => void this.#checkRoots(), ROOTS_EVERY_MS);
	}

	onMessage(message: ToWatchWorker): void {
		if (message.kind === "done") {
			this.#undone--;
			this.#resume?.();
		} else if (message.kind === "watch") void this.#watch(message.places);
		else if (message.kind === "renew") void this.#places.find(({ place }) => place.id === message.placeId)?.establish();
		else {
			this.#waiting.push(message.id);
			if (!this.#crossing) void this.#cross();
		}
	}

	async #watch(places: readonly FolderPlace[]): Promise<void> {
		this.#places = places.map(
			(place) =>
				new PlaceWatch(place, {
					event: (path, renamed) => this.#onEvent(place.id, path, renamed),
					established: (problem) => this.send({ kind: "established", placeId: place.id, problem }),
				}),
		);
		for (const place of this.#places) await place.establish();
	}

	/** All watches of one loop share one queue in the kernel: when the sentinel's event comes, everything before it has come. */
	async #cross(): Promise<void> {
		const ids = this.#waiting;
		this.#waiting = [];
		const sentinel = SENTINELS[this.#crossings++ % SENTINELS.length] as string;
		// When it was this loop that stood still, the event is read before the check.
		const late = setTimeout(() => setImmediate(() => this.#checkCrossing(sentinel)), SENTINEL_MS);
		this.#crossing = { ids, sentinel, late };
		await this.#checkRoots();
		const now = new Date();
		utimesSync(join(this.#folder, sentinel), now, now);
	}

	#checkCrossing(sentinel: string): void {
		if (this.#crossing?.sentinel !== sentinel) return;
		this.#broken(`no event within ${SENTINEL_MS} ms`);
		void this.#crossed();
	}

	#onSentinel(name: string | null): void {
		this.#count();
		if (this.#crossing && name === this.#crossing.sentinel) void this.#crossed();
	}

	async #crossed(): Promise<void> {
		const crossing = this.#crossing;
		if (!crossing) return;
		this.#crossing = null;
		clearTimeout(crossing.late);
		await this.#flush();
		this.send({ kind: "barrier", ids: crossing.ids });
		if (this.#waiting.length > 0 && !this.#crossing) void this.#cross();
	}

	#onEvent(placeId: number, path: string, renamed: boolean): void {
		this.#count();
		let collected = this.#collected.get(placeId);
		if (!collected) {
			collected = { paths: new Set(), renamed: new Set() };
			this.#collected.set(placeId, collected);
		}
		if (!collected.paths.has(path)) this.#collectedPaths++;
		collected.paths.add(path);
		if (renamed) collected.renamed.add(path);
		if (this.#collectedPaths > MAX_COLLECTED) {
			this.#collected.clear();
			this.#collectedPaths = 0;
			this.#broken(`more than ${MAX_COLLECTED} changes wait`);
		}
		this.#flushTimer ??= setTimeout(() => void this.#flush(), DEBOUNCE_MS);
	}

	/**
	 * The kernel drops events when its queue is full, and libuv says nothing of it. But libuv empties the whole queue before
	 * the loop turns, so whenever something was dropped, at least a full queue has come in one turn.
	 */
	#count(): void {
		if (this.#turn++ > 0) return;
		setImmediate(() => {
			const events = this.#turn;
			this.#turn = 0;
			if (events >= this.#burstLimit) this.#broken(`${events} events at once`);
		});
	}

	#broken(reason: string): void {
		this.send({ kind: "broken", reason });
		// The end of a watched folder may be among what was lost.
		for (const place of this.#places) void place.establish();
	}

	async #checkRoots(): Promise<void> {
		for (const place of this.#places) await place.checkRoot();
	}

	/** One after the other; what is collected when its turn comes goes with it. */
	#flush(): Promise<void> {
		if (this.#flushTimer) clearTimeout(this.#flushTimer);
		this.#flushTimer = null;
		this.#flushing = this.#flushing.then(() => this.#flushCollected());
		return this.#flushing;
	}

	async #flushCollected(): Promise<void> {
		const all = this.#collected;
		this.#collected = new Map();
		this.#collectedPaths = 0;
		for (const [placeId, { paths, renamed }] of all) {
			const place = this.#places.find((watched) => watched.place.id === placeId) as PlaceWatch;
			let followed = 0;
			for (const path of renamed) {
				for (const found of await place.follow(path)) paths.add(found);
				if (++followed % FOLLOWED_A_TURN === 0) await new Promise(setImmediate);
			}
			const list = [...paths];
			for (let at = 0; at < list.length; at += PATHS_A_MESSAGE) {
				while (this.#undone >= MAX_UNDONE) {
					await new Promise<void>((resolve) => {
						this.#resume = resolve;
					});
				}
				this.#undone++;
				this.send({ kind: "changed", placeId, paths: list.slice(at, at + PATHS_A_MESSAGE) });
			}
		}
	}
}

function kernelLimit(): number {
	try {
		return Number(readFileSync("/proc/sys/fs/inotify/max_queued_events", "utf8"));
	} catch {
		// Not Linux: the smallest default there is, to be on the safe side.
		return 16_384;
	}
}
