/** Reads the namespaces of a Redis-protocol server for the catalog, which loads this module into a thread of its own. */
import type { RedisAddress, RedisNamespace } from "../../config/redis.js";
import { CachewardenError } from "../../core/errors.js";
import type { Deliver, EntrySource, OpenSource, ReportedEntry, SourceCounters, SourceListener } from "../entry-source.js";
import type { LayoutSettings } from "../layouts/layout.js";
import { RedisConnection } from "./connection.js";
import { hasForm } from "./key-forms.js";
import { lookUp } from "./look-up.js";
import { OwnUses } from "./own-uses.js";
import { scanKeys } from "./scan.js";
import { parseInfo } from "./server-facts.js";
import { KeyWatch } from "./watch.js";

const MAX_BATCH = 2_000;
/** Below the port's 1.5 s. */
const COUNTERS_MS = 1_300;

/** How often the commands were called, by anybody, after which nothing is as it was. */
const EMPTYING = /^cmdstat_(?:flushall|flushdb|swapdb):calls=\d+/gm;

export interface RedisSourceOptions {
	readonly address: RedisAddress;
	readonly namespaces: readonly RedisNamespace[];
	readonly settings: LayoutSettings;
	readonly setNotifications: boolean;
}

export const openSource: OpenSource<RedisSourceOptions> = (options) => new RedisSource(options);

class RedisSource implements EntrySource {
	readonly kind = "REDIS";
	readonly places: readonly string[];
	readonly onePass = true;
	private readonly connection: RedisConnection;
	private readonly keyWatch: KeyWatch;
	private readonly ownUses = new OwnUses();
	private emptied: string | null = null;

	constructor(private readonly options: RedisSourceOptions) {
		this.places = options.namespaces.map(({ name }) => name);
		this.connection = new RedisConnection(options.address, { name: "cachewarden-catalog", noTouch: true });
		this.keyWatch = new KeyWatch(options);
	}

	async scan(places: readonly string[], deliver: Deliver, signal: AbortSignal): Promise<void> {
		const namespaces = places.map((place) => this.namespace(place));
		let delivering: Promise<void> = Promise.resolve();
		const ended = this.ownUses.begin();
		try {
			for await (const found of scanKeys(this.connection, namespaces, this.options.settings, signal)) {
				await delivering;
				delivering = (async () => {
					for (const { namespace, entries } of found)
						for (let start = 0; start < entries.length; start += MAX_BATCH)
							await deliver(namespace.name, this.usedByOthers(entries.slice(start, start + MAX_BATCH)));
				})();
				// It is awaited before the next, or at the end.
				delivering.catch(() => undefined);
			}
			await delivering;
		} finally {
			ended();
		}
		signal.throwIfAborted();
	}

	async read(place: string, keys: readonly string[]): Promise<readonly ReportedEntry[]> {
		const namespace = this.namespace(place);
		const own = keys.filter((key) => hasForm(key, namespace.keys));
		const ended = this.ownUses.begin();
		try {
			return this.usedByOthers(await lookUp(this.connection, namespace, own, this.options.settings));
		} finally {
			ended();
		}
	}

	watch(listener: SourceListener): Promise<ReadonlyMap<string, string | null>> {
		return this.keyWatch.start(listener);
	}

	barrier(): Promise<boolean> {
		return this.keyWatch.barrier();
	}

	/** Of all masters of a Cluster together. Also notices what the server notifies nobody of: a database that was emptied whole. */
	async counters(): Promise<SourceCounters> {
		const told = await this.connection.call(COUNTERS_MS, () =>
			Promise.all(this.connection.servers().map((server) => server.info("stats", "commandstats"))),
		);
		const emptied = told.map((text) => text.match(EMPTYING)?.join() ?? "").join();
		if (this.emptied !== null && this.emptied !== emptied) this.keyWatch.missed("a database of the server was emptied or swapped");
		this.emptied = emptied;
		const facts = told.map(parseInfo);
		const sum = (name: "hits" | "misses"): number | null =>
			facts.every((fact) => fact[name] !== null) ? facts.reduce((total, fact) => total + (fact[name] ?? 0), 0) : null;
		return { hits: sum("hits"), misses: sum("misses") };
	}

	async close(): Promise<void> {
		await Promise.all([this.connection.close(), this.keyWatch.close()]);
	}

	/** Where reading counts as a use, what may have been ours is not told: what is known of it stays. */
	private usedByOthers(entries: readonly ReportedEntry[]): readonly ReportedEntry[] {
		if (this.connection.leavesIdleTimes) return entries;
		return entries.map((entry) =>
			entry.lastAccessedAt !== null && this.ownUses.mayBeOwn(entry.lastAccessedAt) ? { ...entry, lastAccessedAt: null } : entry,
		);
	}

	private namespace(place: string): RedisNamespace {
		const found = this.options.namespaces.find(({ name }) => name === place);
		if (!found) throw new CachewardenError("INTERNAL");
		return found;
	}
}
