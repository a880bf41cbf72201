/** How the catalog reads the MongoDB layer. Loaded into a thread of its own (`EntrySource`). */
import type { mongo } from "mongoose";
import type { MongodbCollection } from "../../config/mongodb.js";
import type { Deliver, EntrySource, ReportedEntry, SourceCounters, SourceListener } from "../entry-source.js";
import { ChangeWatch } from "./change-watch.js";
import { MongodbConnection } from "./connection.js";
import { describeDocument } from "./describe-document.js";
import { type DocumentFacts, FACTS_PROJECTION } from "./document-facts.js";
import { idOfKey, keyOfId } from "./document-key.js";
import type { MongodbOptions } from "./options.js";

const POOL_SIZE = 4;
const COUNTERS_MS = 1_300;
/** On the server, for one page. */
const PAGE_MS = 15_000;
/** Documents of a page: as many as keep it under 50 ms, so that whoever else asks waits no longer. */
const FIRST_PAGE = 500;
const MIN_PAGE = 50;
const MAX_PAGE = 2_000;
const SHORT_MS = 20;
const LONG_MS = 50;
/** Between two pages the server has a part of the time that the last one took for others alone. */
const REST_SHARE = 0.25;

export function openSource(options: MongodbOptions): EntrySource {
	return new MongodbSource(options);
}

class MongodbSource implements EntrySource {
	readonly kind = "MONGODB";
	readonly places: readonly string[];
	readonly onePass = false;
	private readonly connection: MongodbConnection;
	private readonly changes: ChangeWatch;

	constructor(private readonly options: MongodbOptions) {
		this.places = options.collections.map(({ name }) => name);
		this.connection = new MongodbConnection({ ...options, poolSize: POOL_SIZE });
		this.changes = new ChangeWatch(this.connection, this.places);
	}

	async scan(places: readonly string[], deliver: Deliver, signal: AbortSignal): Promise<void> {
		for (const place of places) await this.scanCollection(this.collection(place), deliver, signal);
	}

	async read(place: string, keys: readonly string[]): Promise<readonly ReportedEntry[]> {
		const collection = this.collection(place);
		const ids = keys.map(idOfKey).filter((id) => id !== undefined);
		if (ids.length === 0) return [];
		const found = await this.find(collection, { _id: { $in: ids } }, (cursor) => cursor.batchSize(ids.length + 1));
		return found.map((document) => describeDocument(document, collection, this.options));
	}

	async watch(listener: SourceListener): Promise<ReadonlyMap<string, string | null>> {
		const problem = await this.changes.start(listener);
		return new Map(this.places.map((place) => [place, problem]));
	}

	barrier(): Promise<boolean> {
		return this.changes.barrier();
	}

	async counters(): Promise<SourceCounters> {
		await this.connection.runWithin(COUNTERS_MS, (db) => db.command({ ping: 1 }));
		return { hits: null, misses: null };
	}

	async close(): Promise<void> {
		await this.changes.close();
		await this.connection.close();
	}

	/** Pages by id: each begins where the one before ended, so that nothing is passed over and no cursor can be lost. */
	private async scanCollection(collection: MongodbCollection, deliver: Deliver, signal: AbortSignal): Promise<void> {
		const pace = new Pace();
		let next: Promise<Page> | null = this.page(collection, null, pace);
		while (next) {
			const { documents, last }: Page = await next;
			signal.throwIfAborted();
			next = last && this.page(collection, last, pace);
			// It is awaited after this one was delivered; until then nobody listens.
			next?.catch(() => undefined);
			if (documents.length === 0) continue;
			await deliver(
				collection.name,
				documents.map((document) => describeDocument(document, collection, this.options)),
			);
			signal.throwIfAborted();
		}
	}

	/** Ids come in the order of the index, of whatever types they are: a comparison by query would stay within one. */
	private async page(collection: MongodbCollection, after: DocumentFacts | null, pace: Pace): Promise<Page> {
		await pace.rest();
		const began = performance.now();
		const limit = pace.size + 1;
		const found = await this.find(collection, {}, (cursor) => {
			const ordered = cursor
				.sort({ _id: 1 })
				.limit(limit)
				.batchSize(limit + 1);
			return after === null ? ordered : ordered.min({ _id: after._id as never });
		});
		const full = found.length === limit;
		pace.took(performance.now() - began, full);
		// The page begins with the document that the last one ended with, where that is still there.
		const again = after !== null && found[0] !== undefined && keyOfId(found[0]._id) === keyOfId(after._id);
		return { documents: again ? found.slice(1) : found, last: full ? (found.at(-1) ?? null) : null };
	}

	private find(
		{ name }: MongodbCollection,
		filter: mongo.Document,
		shape: (cursor: mongo.FindCursor<mongo.WithId<mongo.Document>>) => mongo.FindCursor<mongo.WithId<mongo.Document>>,
	): Promise<DocumentFacts[]> {
		return this.connection.run(async (db) => {
			const cursor = db.collection(name).find(filter, {
				projection: FACTS_PROJECTION,
				hint: { _id: 1 },
				maxTimeMS: PAGE_MS,
				readPreference: "primary",
			});
			return (await shape(cursor).toArray()) as unknown as DocumentFacts[];
		});
	}

	private collection(place: string): MongodbCollection {
		const found = this.options.collections.find(({ name }) => name === place);
		if (!found) throw new Error(`${place} is no collection of this source`);
		return found;
	}
}

interface Page {
	readonly documents: readonly DocumentFacts[];
	/** Where the next page begins; null when this was the last one. */
	readonly last: DocumentFacts | null;
}

/** How large the next page may be, and when it may be asked for. */
class Pace {
	size = FIRST_PAGE;
	private restMs = 0;

	rest(): Promise<void> {
		return this.restMs < 1 ? Promise.resolve() : new Promise((turn) => setTimeout(turn, this.restMs));
	}

	took(ms: number, full: boolean): void {
		this.restMs = ms * REST_SHARE;
		if (ms > LONG_MS) this.size = Math.max(MIN_PAGE, Math.floor(this.size / 2));
		else if (ms < SHORT_MS && full) this.size = Math.min(MAX_PAGE - 1, this.size * 2);
	}
}
