/** Everything that the catalog worker does: keeps the index open, decides when to scan, follows the watch, tells the totals. */
import { isDamage } from "./index/damage.js";
import { HashCollision } from "./index/index-writer.js";
import { OpenIndex } from "./index/open-index.js";
import { PlaceState } from "./place-state.js";
import type { ServerOptions } from "./places.js";
import type { CatalogEvent, CatalogWorkerOptions, LogLevel } from "./protocol.js";
import { mayChangeLayout } from "./scan/detect.js";
import { FolderState } from "./scan/folder-state.js";
import { Reconciler } from "./scan/reconciler.js";
import { Scanner } from "./scan/scanner.js";
import { ServerKeeper } from "./servers/server-keeper.js";
import type { ServerState } from "./servers/server-reconciler.js";
import { WatchLink } from "./watch/watch-link.js";

const TELL_EVERY_MS = 50;
const PROGRESS_EVERY_MS = 200;
const HEARTBEAT_MS = 1000;
const SAVE_AS_OF_EVERY_MS = 15_000;
const RETRY_MS = 5000;

export class CatalogService {
	/** All places, in the order of the index. */
	readonly #states: readonly PlaceState[];
	readonly #folders: readonly FolderState[];
	readonly #keepers: readonly ServerKeeper[];
	readonly #scanner: Scanner;
	#index: OpenIndex;
	#reconciler: Reconciler;
	readonly #watch: WatchLink | null;
	#ready: Promise<void> = Promise.resolve();
	#scanning = false;
	#closing = false;
	#clockOffset: number;
	#tellTimer: NodeJS.Timeout | null = null;
	#heartbeat: NodeJS.Timeout | null = null;
	#beating = false;
	#indexing = false;
	#asOfSavedAt = 0;
	#toldAt = 0;

	constructor(
		private readonly options: CatalogWorkerOptions,
		private readonly emit: (event: CatalogEvent) => void,
	) {
		this.#clockOffset = options.now - Date.now();
		this.#scanner = new Scanner(options.settings);
		// Both start while the index is opened.
		if (options.places.length > 0) this.#scanner.prepare();
		this.#watch = options.watch ? this.#newWatch() : null;
		this.#index = this.#open([], false);
		this.#states = this.#index.places.map(({ id, options: place, asOf }) =>
			place.layout === "server" ? new PlaceState({ ...place, id }, asOf) : new FolderState({ ...place, id }, asOf),
		);
		this.#folders = this.#states.filter((state) => state instanceof FolderState);
		this.#keepers = options.servers.map((server) => this.#keeperOf(server));
		this.#reconciler = this.#newReconciler();
		this.tellTotals(true);
	}

	/** Begins to keep the catalog true. */
	start(): void {
		this.#ready = exhaust(this.#index.fill());
		this.#ready.catch((error) => this.#failed(error));
		this.#begin();
	}

	async forget(ids: readonly string[]): Promise<void> {
		await this.#ready;
		try {
			const found = this.#index.writer.find(ids);
			const mine = ({ place }: PlaceState) => found.filter(({ placeId }) => placeId === place.id);
			for (const state of this.#folders) {
				const removed = mine(state);
				if (removed.length > 0) this.#doubtWhen(state, await this.#reconciler.reviewer.removed(state, removed));
			}
			for (const keeper of this.#keepers) for (const state of keeper.states) await keeper.removed(state, mine(state));
		} catch (error) {
			this.#failed(error);
			throw error;
		}
	}

	async markStale(ids: readonly string[], stale: boolean): Promise<void> {
		await this.#ready;
		try {
			this.#index.writer.markStale(ids, stale);
			this.#changed();
		} catch (error) {
			this.#failed(error);
			throw error;
		}
	}

	async refresh(placeIds: readonly number[], now: number): Promise<void> {
		await this.#ready;
		this.#clockOffset = now - Date.now();
		const asked = ({ place }: PlaceState): boolean => placeIds.includes(place.id);
		await Promise.all([
			...this.#folders.filter(asked).map((state) => this.#refreshPlace(state)),
			...this.#keepers.flatMap((keeper) => keeper.states.filter(asked).map((state) => keeper.refresh(state))),
		]);
		await this.#ready;
		this.tick(now);
	}

	/** Brings ages and expiry to that moment. */
	tick(now: number): void {
		this.#clockOffset = now - Date.now();
		if (this.#closing) return;
		try {
			this.#index.advance(now);
			this.#changed();
		} catch (error) {
			this.#failed(error);
		}
	}

	/** A reader found the file damaged. Resolves when a new one is there. */
	async damaged(epoch: string): Promise<void> {
		await this.#ready;
		if (this.#index.epoch !== epoch) return;
		this.#failed(Object.assign(new Error("a reader found the catalog damaged"), { code: "SQLITE_CORRUPT" }));
		await this.#ready;
	}

	async close(): Promise<void> {
		this.#closing = true;
		if (this.#heartbeat) clearInterval(this.#heartbeat);
		if (this.#tellTimer) clearTimeout(this.#tellTimer);
		await Promise.all([this.#scanner.close(), this.#watch?.close(), ...this.#keepers.map((keeper) => keeper.close())]);
		this.#saveAsOf();
		this.#index.close(true);
	}

	/** Sends what changed since it was last sent; places always. */
	tellTotals(all = false): void {
		if (this.#tellTimer) clearTimeout(this.#tellTimer);
		this.#tellTimer = null;
		if (this.#closing) return;
		this.#toldAt = performance.now();
		const { progress } = this.#reconciler;
		for (const state of this.#folders) if (state.scanning !== null) state.scanning = progress ?? state.scanning;
		this.emit({ kind: "totals", totals: this.#index.takeTotals(all), places: this.#states.map((state) => state.facts()) });
	}

	#open(ids: readonly number[], anew: boolean): OpenIndex {
		const { path } = this.options;
		const index = new OpenIndex(this.options, this.#now(), ids, anew);
		if (index.discarded !== null) this.#log("warn", "the catalog could not be used and is built again", { path, reason: index.discarded });
		this.emit({ kind: "opened", epoch: index.epoch });
		return index;
	}

	#newWatch(): WatchLink {
		const { dataDir, burstLimit } = this.options;
		return new WatchLink(
			{ dataDir, burstLimit },
			{
				changed: (placeId, paths) => this.#onChanges(placeId, paths),
				established: (placeId, problem) => this.#onWatch(placeId, problem),
				broken: (reason) => this.#onBroken(reason),
			},
		);
	}

	#newReconciler(): Reconciler {
		return new Reconciler(this.#index.writer, this.#scanner, this.options.settings, () => this.#now());
	}

	#keeperOf(server: ServerOptions): ServerKeeper {
		const { watch, reconcileEverySeconds } = this.options;
		const states = this.#states.filter((state): state is ServerState => state.place.backend === server.backend);
		return new ServerKeeper({ server, watch, reconcileEverySeconds }, states, {
			ready: () => this.#ready,
			writer: () => this.#index.writer,
			indexed: () => this.#index.indexed,
			now: () => this.#now(),
			changed: () => this.#changed(),
			failed: (error) => this.#failed(error),
			log: (level, message, facts) => this.#log(level, message, facts),
		});
	}

	#begin(): void {
		if (this.#watch) this.#watch.watch(this.#folders.map(({ place }) => place));
		else {
			for (const state of this.#folders) state.watchProblem = "watching is turned off";
			this.#scanWhereNeeded();
		}
		for (const keeper of this.#keepers) keeper.wake();
		this.#heartbeat = setInterval(() => {
			void this.#beat().catch((error) => this.#failed(error));
			for (const keeper of this.#keepers) void keeper.beat();
		}, HEARTBEAT_MS);
		void this.#ready.then(
			() => this.#goThrough((index) => index.dropRemoved()),
			() => undefined,
		);
	}

	/** In slices, for as long as the index stays the same one. */
	#goThrough(work: (index: OpenIndex) => Generator<void>): Promise<void> {
		const index = this.#index;
		return exhaust(work(index), () => this.#closing || this.#index !== index).catch((error) => this.#failed(error));
	}

	#now(): number {
		return Date.now() + this.#clockOffset;
	}

	#stateOf(placeId: number): FolderState | undefined {
		return this.#folders.find(({ place }) => place.id === placeId);
	}

	/** At once after a while of rest, otherwise soon. */
	#changed(): void {
		const wait = this.#toldAt + TELL_EVERY_MS - performance.now();
		if (wait <= 0) this.tellTotals();
		else this.#tellTimer ??= setTimeout(() => this.tellTotals(), wait);
	}

	#log(level: LogLevel, message: string, facts: Record<string, unknown>): void {
		this.emit({ kind: "log", level, message, facts });
	}

	/** File and memory may be out of step: open both again, and look at the disk. A damaged file is made anew. */
	#failed(error: unknown): void {
		if (this.#closing) return;
		const chance = error instanceof HashCollision;
		const damage = isDamage(error);
		if (!chance) this.#log(damage ? "warn" : "error", "the catalog is opened again", { error: String((error as Error).stack) });
		for (const state of this.#states) state.doubt();
		for (const keeper of this.#keepers) keeper.reset();
		this.#ready = new Promise((resolve) => setTimeout(resolve, chance || damage ? 0 : RETRY_MS)).then(async () => {
			await this.#scanner.close();
			if (this.#closing) return;
			this.#index.close(false);
			const ids = this.#states.map(({ place }) => place.id);
			this.#index = this.#open(ids, damage);
			for (const [index, { asOf }] of this.#index.places.entries()) (this.#states[index] as PlaceState).asOf = asOf;
			this.#reconciler = this.#newReconciler();
			await exhaust(this.#index.fill());
			this.tellTotals(true);
		});
		this.#ready.then(
			() => {
				this.#scanWhereNeeded();
				for (const keeper of this.#keepers) keeper.wake();
			},
			(again) => this.#failed(again),
		);
	}

	#scanWhereNeeded(): void {
		if (this.#scanning || this.#closing) return;
		this.#scanning = true;
		this.#scanAll()
			.catch((error) => this.#failed(error))
			.finally(() => {
				this.#scanning = false;
				this.#changed();
			});
	}

	async #scanAll(): Promise<void> {
		for (;;) {
			await this.#ready;
			const states = this.#folders.filter(isDue);
			if (states.length === 0 || this.#closing) return;
			const progress = setInterval(() => this.tellTotals(), PROGRESS_EVERY_MS);
			this.#index.advance(this.#now());
			try {
				await this.#reconciler.reconcile(states);
			} finally {
				clearInterval(progress);
			}
			if (this.#closing) return;
			this.#index.advance(this.#now());
			this.#saveAsOf();
			this.tellTotals();
			await this.#createIndexes();
		}
	}

	/** Once: after the first load of every layer that can be read. Loading goes faster without them. */
	async #createIndexes(): Promise<void> {
		if (this.#index.indexed || this.#indexing || !this.#states.every(isLoaded)) return;
		this.#indexing = true;
		await this.#goThrough((index) => index.createIndexes());
		this.#indexing = false;
	}

	async #refreshPlace(state: FolderState): Promise<void> {
		while (!this.#closing) {
			if (!state.intact || !this.#watch) {
				const scanned = state.scanned();
				this.#scanWhereNeeded();
				// A scan that began after the call saw everything before it, whatever became of the watch.
				return scanned;
			}
			if (await this.#settle([state])) return;
		}
	}

	/** Takes in everything that the watch has reported of intact places until now; false when one is in doubt afterwards. */
	async #settle(states: readonly FolderState[]): Promise<boolean> {
		const at = this.#now();
		const epochs = states.map((state) => state.watchEpoch);
		const arrived = (await this.#watch?.barrier()) === true;
		const settled = states.filter((state, index) => arrived && state.intact && state.watchEpoch === epochs[index]);
		for (const state of settled) state.asOf = Math.max(state.asOf, at);
		this.#changed();
		return settled.length === states.length;
	}

	async #beat(): Promise<void> {
		if (this.#beating || this.#closing) return;
		this.#beating = true;
		try {
			await this.#ready;
			const intact = this.#folders.filter((state) => state.intact);
			if (intact.length > 0) await this.#settle(intact);
			const every = this.options.reconcileEverySeconds * 1000;
			for (const state of this.#folders) {
				if (every > 0 && state.scanning === null && this.#now() - state.scannedAt >= every) state.needsScan = true;
			}
			if (this.#folders.some(isDue)) this.#scanWhereNeeded();
			else await this.#createIndexes();
			if (Date.now() - this.#asOfSavedAt > SAVE_AS_OF_EVERY_MS) this.#saveAsOf();
		} finally {
			this.#beating = false;
		}
	}

	async #onChanges(placeId: number, paths: readonly string[]): Promise<void> {
		await this.#ready;
		const state = this.#stateOf(placeId);
		if (!state || this.#closing) return;
		if (paths.some((path) => mayChangeLayout(state.place, state.layouts, path))) this.#watch?.renew(placeId);
		try {
			this.#doubtWhen(state, await this.#reconciler.reviewer.paths(state, paths));
			this.#changed();
		} catch (error) {
			this.#failed(error);
		}
	}

	/** What could not be looked at is for a scan to find out. */
	#doubtWhen(state: FolderState, problems: readonly unknown[]): void {
		if (problems.length === 0) return;
		state.doubt();
		this.#scanWhereNeeded();
	}

	#onWatch(placeId: number, problem: string | null): void {
		const state = this.#stateOf(placeId);
		if (!state) return;
		if (problem !== null) {
			const facts = { path: state.place.path, reason: problem };
			this.#log("warn", "a cache root is not watched; changes are found by reconciliation", facts);
		}
		state.established = problem === null;
		state.watchProblem = problem;
		state.doubt();
		this.#scanWhereNeeded();
		this.#changed();
	}

	#onBroken(reason: string): void {
		this.#log("info", "changes may have been missed; reconciling", { reason });
		for (const state of this.#folders) if (state.established) state.doubt();
		this.#scanWhereNeeded();
		this.#changed();
	}

	#saveAsOf(): void {
		this.#asOfSavedAt = Date.now();
		for (const { place, asOf } of this.#states) this.#index.saveAsOf(place.id, asOf);
	}
}

function isLoaded({ asOf, scannedAt, error, down }: PlaceState): boolean {
	return asOf > 0 || scannedAt > 0 || error !== null || down !== null;
}

/** A scan before the watch is set up could miss what happens in between. */
function isDue(state: FolderState): boolean {
	return state.needsScan && (state.established || state.watchProblem !== null);
}

/** Goes through all steps, and lets others have their turn between them. */
async function exhaust(steps: Generator<void>, ended: () => boolean = () => false): Promise<void> {
	for (const _ of steps) {
		await new Promise(setImmediate);
		if (ended()) return;
	}
}
