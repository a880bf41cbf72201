import type { MongodbCollection } from "../../config/mongodb.js";
import { type Clock, systemClock } from "../../core/clock.js";
import type { EntryRef } from "../../core/entry.js";
import { CachewardenError, failureOf } from "../../core/errors.js";
import type { BackendHealth, CacheBackend, EntryPreview, RemovalOptions, RemovalOutcome } from "../backend.js";
import { MongodbConnection } from "./connection.js";
import { idOfKey } from "./document-key.js";
import { HealthProbe } from "./health.js";
import { createMissingIndexes } from "./indexes.js";
import { previewDocument } from "./preview-document.js";
import { DocumentRemover } from "./remove-documents.js";

export interface MongodbBackendOptions {
	readonly uri: string;
	readonly database: string;
	/** Each is a place; no other collection is ever touched. */
	readonly collections: readonly MongodbCollection[];
	/** Make an index on `created_at` where a collection has none, once the server answers. Default false. */
	readonly createIndexes?: boolean;
	/** How long a server that was there is given to choose another primary before a removal fails. Default 15 s. */
	readonly electionMs?: number;
	/** Default: the system's. */
	readonly clock?: Clock;
}

const POOL_SIZE = 6;
/** Whoever waits for a value to be shown would rather know that it can't be. */
const PREVIEW_MS = 4_000;
const ELECTION_MS = 15_000;

/** Connects when first needed, and comes back by itself. */
export function openMongodbBackend(options: MongodbBackendOptions): CacheBackend {
	return new MongodbBackend(options);
}

class MongodbBackend implements CacheBackend {
	readonly kind = "MONGODB";
	readonly places: readonly string[];
	private readonly connection: MongodbConnection;
	private readonly probe: HealthProbe;
	private readonly remover: DocumentRemover;
	private indexing: Promise<void> | null = null;

	constructor(private readonly options: MongodbBackendOptions) {
		const { uri, database, collections, electionMs = ELECTION_MS, clock = systemClock } = options;
		this.places = collections.map(({ name }) => name);
		this.connection = new MongodbConnection({ uri, database, poolSize: POOL_SIZE });
		this.probe = new HealthProbe(this.connection, clock);
		this.remover = new DocumentRemover(this.connection, { electionMs });
	}

	async remove(entries: readonly EntryRef[], options: RemovalOptions): Promise<RemovalOutcome[]> {
		const all: RemovalOutcome[][] = [];
		for (const [place, refs] of grouped(entries))
			all.push(this.places.includes(place) ? await this.remover.remove(place, refs, options) : refs.map(refused));
		if (all.length === 1) return all[0] as RemovalOutcome[];
		const outcomes = new Map(all.flat().map((outcome) => [outcome.id, outcome]));
		return entries.flatMap(({ id }) => outcomes.get(id) ?? []);
	}

	async preview({ place, key }: EntryRef, maxBytes: number): Promise<EntryPreview | null> {
		if (!this.places.includes(place)) throw notConfigured(place);
		const id = idOfKey(key);
		if (id === undefined) return null;
		return this.connection.runWithin(PREVIEW_MS, (db) => previewDocument(db.collection(place), id, maxBytes));
	}

	async health(): Promise<BackendHealth[]> {
		const health = await this.probe.health();
		if (health.available && this.options.createIndexes) this.indexing ??= this.createIndexes();
		return [health];
	}

	async close(): Promise<void> {
		await this.connection.close();
		await this.indexing;
	}

	/** An index that could not be made is missing as before, and the doctor says so. */
	private async createIndexes(): Promise<void> {
		await this.connection.run((db) => createMissingIndexes(db, this.options.collections)).catch(() => undefined);
	}
}

function grouped(entries: readonly EntryRef[]): Map<string, EntryRef[]> {
	const groups = new Map<string, EntryRef[]>();
	for (const entry of entries) {
		const group = groups.get(entry.place);
		if (group) group.push(entry);
		else groups.set(entry.place, [entry]);
	}
	return groups;
}

function refused({ id, place }: EntryRef): RemovalOutcome {
	return { id, outcome: "failed", failure: failureOf(notConfigured(place)) };
}

function notConfigured(place: string): CachewardenError {
	return new CachewardenError("NOT_FOUND", { key: "mongodb.notConfigured", facts: { place } });
}
