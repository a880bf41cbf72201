import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import type { LayoutSettings } from "../backends/layouts/layout.js";
import { type Clock, systemClock } from "../core/clock.js";
import { CachewardenError } from "../core/errors.js";
import type { Selection } from "../core/selection.js";
import { isDamage } from "./index/damage.js";
import type { FolderPlaceOptions, ServerOptions } from "./places.js";
import type { Catalog } from "./port.js";
import type { CatalogEvent, CatalogWorkerApi, CatalogWorkerOptions, LogLevel } from "./protocol.js";
import type { Asked, QueryWorkerApi } from "./query/protocol.js";
import { callThrough, type Remote } from "./rpc.js";
import { Totals } from "./totals.js";
import { endWorker, startWorker } from "./worker.js";

const HEAP_MB = 256;
const TICK_MS = 1000;
const RESTART_MS = 1000;
const CHANGES_EVERY_MS = 100;

export interface CatalogOptions {
	/** The index lies here as `catalog.db`; nothing else may use it. Made when missing. */
	readonly dataDir: string;
	readonly places: readonly FolderPlaceOptions[];
	/** Layers that are servers; none by default. */
	readonly servers?: readonly ServerOptions[];
	readonly settings: LayoutSettings;
	readonly watch: boolean;
	/** Also while the watch is unbroken; 0 turns it off. */
	readonly reconcileEverySeconds: number;
	readonly clock?: Clock;
	readonly log: (level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>) => void;
	/** For tests: events in one turn of the watch's loop that count as an overflow. Half of the kernel's limit by default. */
	readonly burstLimit?: number;
}

/**
 * Opens the index of entries, and makes it anew when its file can't be used. Resolves as soon as what was known before
 * can be asked for; reading the disk goes on behind it. All files and the database are touched by worker threads only.
 */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
	mkdirSync(options.dataDir, { recursive: true });
	const catalog = new EmbeddedCatalog(options);
	try {
		await catalog.opened;
	} catch (error) {
		await catalog.close();
		throw error;
	}
	return catalog;
}

class EmbeddedCatalog implements Catalog {
	readonly opened: Promise<void>;
	readonly #clock: Clock;
	readonly #path: string;
	readonly #totals = new Totals();
	readonly #listeners = new Set<() => void>();
	readonly #workers = new Map<Worker, Remote<{ close(): unknown }>>();
	readonly #tick: NodeJS.Timeout;
	#catalog: Remote<CatalogWorkerApi>;
	/** `light` for pages in the order of an index and single entries, `heavy` for whatever may have to look at many rows. */
	readonly #readers = new Map<"light" | "heavy", Remote<QueryWorkerApi>>();
	#changeTimer: NodeJS.Timeout | null = null;
	#restart: NodeJS.Timeout | null = null;
	#lastChange = 0;
	#epoch = "";
	#closing: Promise<void> | null = null;
	#isOpen!: () => void;
	#isNot!: (error: Error) => void;

	constructor(private readonly options: CatalogOptions) {
		this.#clock = options.clock ?? systemClock;
		this.#path = join(options.dataDir, "catalog.db");
		this.opened = new Promise((resolve, reject) => {
			this.#isOpen = resolve;
			this.#isNot = reject;
		});
		this.#catalog = this.#startCatalog();
		// A tick that fails says so where the worker's failure is handled.
		this.#tick = setInterval(() => this.#catalog.call("tick", this.#clock.now()).catch(() => undefined), TICK_MS);
		this.#tick.unref();
	}

	get epoch(): string {
		return this.#epoch;
	}

	stats: Catalog["stats"] = (backends) => this.#totals.stats(backends);

	status: Catalog["status"] = () => this.#totals.status();

	page: Catalog["page"] = (selection, order, page) =>
		this.#read(this.#reader(isUnfiltered(selection) ? "light" : "heavy").call("page", this.#asked(), selection, order, page));

	slice: Catalog["slice"] = (offset, limit) => this.#read(this.#reader("light").call("slice", this.#asked(), offset, limit));

	count: Catalog["count"] = async (selection) => {
		const counted = this.#totals.count(selection);
		if (counted) return counted;
		const tallies = await this.#read(this.#reader("heavy").call("tallies", this.#asked(), selection));
		return tallies.reduce((sum, { entries, bytes }) => ({ entries: sum.entries + entries, bytes: sum.bytes + bytes }), {
			entries: 0,
			bytes: 0,
		});
	};

	summarize: Catalog["summarize"] = (selection) => this.#read(this.#reader("heavy").call("summarize", this.#asked(), selection));

	entries: Catalog["entries"] = (ids) => this.#read(this.#reader("light").call("entries", this.#asked(), ids));

	refs: Catalog["refs"] = (ids) => this.#read(this.#reader("light").call("refs", this.#asked(), ids));

	select: Catalog["select"] = (backend, selection, after, limit) =>
		this.#read(this.#reader("heavy").call("select", this.#asked(), backend, selection, after, limit));

	forget: Catalog["forget"] = (ids) => this.#catalog.call("forget", ids);

	markStale: Catalog["markStale"] = (ids, stale) => this.#catalog.call("markStale", ids, stale);

	refresh: Catalog["refresh"] = (backends) => {
		const places = this.#totals.places.filter(({ backend }) => backends === null || backends.includes(backend));
		return this.#catalog.call(
			"refresh",
			places.map(({ id }) => id),
			this.#clock.now(),
		);
	};

	onChange(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	}

	close(): Promise<void> {
		this.#closing ??= this.#close();
		return this.#closing;
	}

	async #close(): Promise<void> {
		clearInterval(this.#tick);
		if (this.#changeTimer) clearTimeout(this.#changeTimer);
		if (this.#restart) clearTimeout(this.#restart);
		this.#listeners.clear();
		// A worker that has failed has said so, and has nothing left to save.
		await Promise.all([...this.#workers].map(([worker, remote]) => endWorker(worker, remote)));
	}

	#startCatalog(): Remote<CatalogWorkerApi> {
		const { servers = [], burstLimit = null, dataDir, places, settings, watch, reconcileEverySeconds } = this.options;
		const path = this.#path;
		const now = this.#clock.now();
		const data: CatalogWorkerOptions = { path, dataDir, places, servers, settings, watch, reconcileEverySeconds, now, burstLimit };
		const failed = (error: Error): void => {
			this.#isNot(error);
			this.#restart = setTimeout(() => {
				this.#catalog = this.#startCatalog();
			}, RESTART_MS);
		};
		return this.#start<CatalogWorkerApi, CatalogEvent>("./catalog-worker.js", data, failed, (event) => this.#onEvent(event));
	}

	/** Started by the first question, also after a failure. */
	#reader(name: "light" | "heavy"): Remote<QueryWorkerApi> {
		const running = this.#readers.get(name);
		if (running) return running;
		const reader = this.#start<QueryWorkerApi>("./query-worker.js", { path: this.#path }, () => this.#readers.delete(name));
		this.#readers.set(name, reader);
		this.#openReader(reader);
		return reader;
	}

	/** Every failure is logged; the calls that wait are answered with it. */
	#start<Api extends { close(): unknown }, Event = never>(
		module: string,
		data: unknown,
		onFailure: (error: Error) => void,
		onEvent?: (event: Event) => void,
	): Remote<Api> {
		const worker = startWorker(module, data, HEAP_MB);
		const remote = callThrough<Api, Event>(worker, onEvent);
		worker.on("error", (error) => {
			this.#workers.delete(worker);
			remote.fail(new CachewardenError("BACKEND_UNAVAILABLE", undefined, { cause: error }));
			if (this.#closing) return;
			this.options.log("error", "a thread of the catalog failed", { module, error: String(error.stack) });
			onFailure(error);
		});
		this.#workers.set(worker, remote);
		return remote;
	}

	#onEvent(event: CatalogEvent): void {
		if (event.kind === "opened") {
			this.#epoch = event.epoch;
			for (const reader of this.#readers.values()) this.#openReader(reader);
		} else if (event.kind === "totals") {
			if (this.#totals.update(event.totals, event.places)) this.#changed();
			this.#isOpen();
		} else this.options.log(event.level, event.message, event.facts);
	}

	/** Questions that are asked after this are answered from the file that is there now. */
	#openReader(reader: Remote<QueryWorkerApi>): void {
		reader.call("open").catch((error) => {
			if (!this.#closing) this.options.log("error", "the catalog can't be read", { error: String(error) });
		});
	}

	/** A reader that finds the file damaged has it made anew. */
	async #read<T>(answer: Promise<T>): Promise<T> {
		const epoch = this.#epoch;
		try {
			return await answer;
		} catch (error) {
			if (!isDamage(error)) throw error;
			await this.#catalog.call("damaged", epoch);
			throw new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.catalogBuilding", facts: { entries: 0 } }, { cause: error });
		}
	}

	#asked(): Asked {
		return { places: this.#totals.places.map(({ id, backend, place }) => ({ id, backend, place })), now: this.#clock.now() };
	}

	#changed(): void {
		if (this.#changeTimer || this.#listeners.size === 0) return;
		const wait = Math.max(0, this.#lastChange + CHANGES_EVERY_MS - Date.now());
		this.#changeTimer = setTimeout(() => {
			this.#changeTimer = null;
			this.#lastChange = Date.now();
			for (const listener of [...this.#listeners]) listener();
		}, wait);
	}
}

function isUnfiltered({ backends: _, ...rest }: Selection): boolean {
	return Object.values(rest).every((restriction) => restriction === undefined);
}
