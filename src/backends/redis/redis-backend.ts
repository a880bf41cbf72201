import type { RedisAddress, RedisNamespace } from "../../config/redis.js";
import { type Clock, systemClock } from "../../core/clock.js";
import type { EntryRef } from "../../core/entry.js";
import { CachewardenError, type Failure, failureOf } from "../../core/errors.js";
import type { BackendHealth, CacheBackend, EntryPreview, RemovalOptions, RemovalOutcome } from "../backend.js";
import { RedisConnection } from "./connection.js";
import { hasForm } from "./key-forms.js";
import { previewKey } from "./preview.js";
import { judge, type Verdict } from "./removal.js";
import { ServerClock } from "./server-clock.js";
import { parseInfo, type ServerFacts } from "./server-facts.js";

export interface RedisBackendOptions {
	readonly address: RedisAddress;
	readonly namespaces: readonly RedisNamespace[];
	/** Default: the system's. */
	readonly clock?: Clock;
}

/** Entries of one call: the server does nothing else for about 1 ms. */
const SLICE = 250;
/** Calls under way at once: a server may take them one after the other before it turns to others. */
const LANES = 4;
/** Below the port's 2 s. */
const HEALTH_MS = 1_700;

/** The keys of a Redis-protocol server that the namespaces hold, and no others. Connects when first needed. */
export function openRedisBackend(options: RedisBackendOptions): CacheBackend {
	return new RedisBackend(options);
}

class RedisBackend implements CacheBackend {
	readonly kind = "REDIS";
	readonly places: readonly string[];
	private readonly connection: RedisConnection;
	private readonly serverClock: ServerClock;
	private readonly namespaces: ReadonlyMap<string, RedisNamespace>;
	private readonly clock: Clock;

	constructor({ address, namespaces, clock = systemClock }: RedisBackendOptions) {
		this.places = namespaces.map(({ name }) => name);
		this.namespaces = new Map(namespaces.map((namespace) => [namespace.name, namespace]));
		this.clock = clock;
		this.connection = new RedisConnection(address, { name: "cachewarden", noTouch: true });
		this.serverClock = new ServerClock(() => this.connection.servers());
		this.connection.client.on("close", () => this.serverClock.forget());
	}

	async remove(
		entries: readonly EntryRef[],
		{ signal, resumed, heldForMs = () => Number.POSITIVE_INFINITY }: RemovalOptions,
	): Promise<RemovalOutcome[]> {
		const mayRemoveForMs = (): number => (signal.aborted ? 0 : heldForMs());
		const outcomes = new Array<RemovalOutcome | undefined>(entries.length);
		const own: number[] = [];
		for (const [at, entry] of entries.entries()) {
			if (this.isOwn(entry)) own.push(at);
			else outcomes[at] = { id: entry.id, outcome: "failed", failure: foreign(entry) };
		}
		const slices: number[][] = [];
		for (let start = 0; start < own.length; start += SLICE) slices.push(own.slice(start, start + SLICE));
		let failure: Failure | null = null;
		const lane = async (): Promise<void> => {
			for (let slice = slices.shift(); slice && (resumed || !signal.aborted); slice = slices.shift()) {
				const asked = slice.map((at) => entries[at] as EntryRef);
				// A server that has just not answered is not asked again for each slice.
				const settled = failure === null ? await this.settle(asked, mayRemoveForMs, resumed) : failure;
				if (!Array.isArray(settled)) failure = settled as Failure;
				for (const [i, at] of slice.entries())
					outcomes[at] = Array.isArray(settled)
						? settled[i]
						: { id: (asked[i] as EntryRef).id, outcome: "failed", failure: settled as Failure };
			}
		};
		if (resumed || !signal.aborted) await Promise.all(Array.from({ length: LANES }, lane));
		return outcomes.filter((outcome) => outcome !== undefined);
	}

	/** What became of each; undefined for what was left whole. A failure when the server gave no answer. */
	private async settle(
		entries: readonly EntryRef[],
		mayRemoveForMs: () => number,
		resumed: boolean,
	): Promise<(RemovalOutcome | undefined)[] | Failure> {
		try {
			const { verdicts, removed, lost } = await judge(this.connection, this.serverClock, entries, mayRemoveForMs);
			return entries.map((entry, i) => outcomeOf(entry, verdicts[i] as Verdict, removed, resumed || lost));
		} catch (error) {
			return failureOf(error);
		}
	}

	async preview(entry: EntryRef, maxBytes: number): Promise<EntryPreview | null> {
		if (!this.isOwn(entry)) return null;
		return previewKey(this.connection, this.namespaces.get(entry.place) as RedisNamespace, entry.key, maxBytes);
	}

	async health(): Promise<BackendHealth[]> {
		const common = { id: "redis", kind: "REDIS", location: this.connection.location } as const;
		try {
			const { latencyMs, facts } = await this.connection.call(HEALTH_MS, async () => {
				const servers = this.connection.servers();
				const asked = performance.now();
				await Promise.all(servers.map((server) => server.ping()));
				const latencyMs = performance.now() - asked;
				const told = await Promise.all(servers.map((server) => server.info().catch(whereForbidden)));
				return { latencyMs, facts: told.map(parseInfo) };
			});
			return [
				{
					...common,
					available: true,
					version: facts[0]?.version ? `${facts[0].program} ${facts[0].version}` : null,
					latencyMs,
					usedMemoryBytes: memoryOf(facts),
					error: null,
					checkedAt: this.clock.now(),
				},
			];
		} catch (error) {
			return [
				{
					...common,
					available: false,
					version: null,
					latencyMs: null,
					usedMemoryBytes: null,
					error: failureOf(error),
					checkedAt: this.clock.now(),
				},
			];
		}
	}

	close(): Promise<void> {
		return this.connection.close();
	}

	private isOwn({ place, key }: EntryRef): boolean {
		const namespace = this.namespaces.get(place);
		return namespace !== undefined && hasForm(key, namespace.keys);
	}
}

/** Who may not ask for them does without these facts; a connection that was lost meanwhile is no such case. */
function whereForbidden(error: Error): string {
	if (error.message.startsWith("NOPERM")) return "";
	throw error;
}

function foreign({ key, place }: EntryRef): Failure {
	return failureOf(new CachewardenError("BAD_PATH", { key: "error.redisForeignKey", facts: { key, place } }));
}

function outcomeOf({ id, size }: EntryRef, verdict: Verdict, removed: boolean, resumed: boolean): RemovalOutcome | undefined {
	if (verdict === "2") return { id, outcome: "skipped", reason: "changed" };
	if (verdict === "1") return removed ? { id, outcome: "deleted", freedBytes: size } : undefined;
	return resumed ? { id, outcome: "deleted", freedBytes: size } : { id, outcome: "skipped", reason: "gone" };
}

/** Of all masters of a Cluster together; null where INFO is forbidden. */
function memoryOf(facts: readonly ServerFacts[]): number | null {
	let total = 0;
	for (const { usedMemoryBytes } of facts) {
		if (usedMemoryBytes === null) return null;
		total += usedMemoryBytes;
	}
	return total;
}
