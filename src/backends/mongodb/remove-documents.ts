/**
 * Removing documents in bulk, each only while it is what was selected. A batch is deleted by one command whose filter holds, for
 * each document, its id together with its times and its size: the server checks and deletes in one step, whatever is written in
 * between, and no document that is not of the batch can match. Where an index by time leads to the documents of a batch and few others,
 * the server looks there, and else for their ids. A large batch is deleted at once and asked about only when fewer
 * were deleted than it has; of a small one, and where a command was lost on the way, the server is asked beforehand which
 * documents are there.
 */
import type { mongo } from "mongoose";
import type { EntryRef } from "../../core/entry.js";
import { CachewardenError, type Failure, failureOf } from "../../core/errors.js";
import type { RemovalOptions, RemovalOutcome } from "../backend.js";
import type { MongodbConnection } from "./connection.js";
import { type DocumentFacts, FACTS_PROJECTION } from "./document-facts.js";
import { idOfKey, keyOfId } from "./document-key.js";
import { type DocumentProof, fingerprintOf, timesIn, timesOf } from "./document-proof.js";
import { isPassing, isRefused, isUnreachable } from "./failures.js";
import { type DueDocument, firstTime, onlyThese, onlyTheseByTime, stretchOf } from "./only-these.js";

/** Of one command. The server lets others in every few milliseconds of it, and replication keeps up. */
const BATCH_DOCUMENTS = 1_000;
const BATCH_BYTES = 16 * 1_048_576;
/** Batches that are not larger are asked about beforehand, so that each document's outcome is known by name. */
const SMALL_DOCUMENTS = 200;
/** For each entry, a stretch of an index by time may hold fewer documents than this. */
const FOREIGN = 1.5;
const SAMPLE_DOCUMENTS = 500;
/** Batches at the same time: what one waits for (the journal, the majority, us) is another's time. */
const LANES = 4;
/** On the server; what is left of the batch is tried again. */
const COMMAND_MS = 5_000;
/** How long a majority may take to take note. */
const MAJORITY_MS = 10_000;
const RETRY_PAUSE_MS = 200;

type Batch = readonly EntryRef[];
type Found = ReadonlyMap<string, DocumentFacts>;
type Settled = Map<EntryRef, RemovalOutcome>;
interface Call {
	readonly collection: string;
	readonly options: RemovalOptions;
	readonly settled: Settled;
	/** An index by time leads to the entries. */
	byTime: boolean;
}

export interface DocumentRemoverOptions {
	/** How long a server that was there is given to come back, or to choose another primary. */
	readonly electionMs: number;
}

export class DocumentRemover {
	/** Calls of one process follow each other, so that none counts what another has deleted. */
	private turn: Promise<unknown> = Promise.resolve();
	private answeredAt = Number.NEGATIVE_INFINITY;

	constructor(
		private readonly connection: MongodbConnection,
		private readonly options: DocumentRemoverOptions,
	) {}

	/** Entries of one collection. What is missing of the answer was left when it was told to stop. */
	remove(collection: string, entries: readonly EntryRef[], options: RemovalOptions): Promise<RemovalOutcome[]> {
		const mine = this.turn.then(() => this.removeInTurn(collection, entries, options));
		this.turn = mine.catch(() => undefined);
		return mine;
	}

	private async removeInTurn(collection: string, entries: readonly EntryRef[], options: RemovalOptions): Promise<RemovalOutcome[]> {
		const inOrder = options.resumed ? null : await this.neighbours(collection, entries);
		const call: Call = { collection, options, settled: new Map(), byTime: inOrder !== null };
		const waiting = batchesOf(inOrder ?? entries);
		let failure: Failure | null = null;
		const lane = async (): Promise<void> => {
			// A server that can't be reached is not asked for each of the rest.
			while (failure === null && (options.resumed || !options.signal.aborted)) {
				const batch = waiting.shift();
				if (!batch) return;
				failure = (await this.settle(call, batch)) ?? failure;
			}
		};
		await Promise.all(Array.from({ length: LANES }, lane));
		const outcomes: RemovalOutcome[] = [];
		for (const entry of entries) {
			const outcome = call.settled.get(entry);
			if (outcome !== undefined) outcomes.push(outcome);
			else if (failure !== null) outcomes.push({ id: entry.id, outcome: "failed", failure });
		}
		return outcomes;
	}

	/**
	 * The entries in the order of their times when an index by time leads to them and to few others, which is a quarter less work for the
	 * server than to look for each by its id. Null when not, or when that can't be told.
	 */
	private async neighbours(collection: string, entries: readonly EntryRef[]): Promise<readonly EntryRef[] | null> {
		if (entries.length <= SMALL_DOCUMENTS) return null;
		const timed: { readonly entry: EntryRef; readonly proof: DocumentProof; readonly at: number }[] = [];
		for (const entry of entries) {
			const proof = timesIn(entry.fingerprint);
			if (proof === null) return null;
			timed.push({ entry, proof, at: firstTime(proof) });
		}
		timed.sort((a, b) => a.at - b.at);
		// Entries that are given together lie in about the same way all over.
		const from = Math.max(0, Math.floor((timed.length - SAMPLE_DOCUMENTS) / 2));
		const sample = timed.slice(from, from + SAMPLE_DOCUMENTS).map(({ proof }) => proof);
		const stretch = timed.every(({ proof }) => proof.fields === sample[0]?.fields) ? stretchOf(sample) : null;
		if (stretch === null) return null;
		const { field, filter: query } = stretch;
		const limit = Math.ceil(sample.length * FOREIGN);
		try {
			// Counted in the index alone.
			const count = { count: collection, query, hint: { [field]: 1 }, limit, maxTimeMS: COMMAND_MS };
			const { n } = await this.ask((db) => db.command(count, { readPreference: "primary" }));
			if (n >= limit) return null;
		} catch {
			return null;
		}
		return timed.map(({ entry }) => entry);
	}

	/** Answers what kept entries of the batch from being settled. */
	private async settle(call: Call, batch: Batch): Promise<Failure | null> {
		const { signal } = call.options;
		/** Sent to be deleted by a command that failed: what of it is gone now is gone by us. */
		const sent = new Set<EntryRef>();
		/** When a server that had taken a command of ours failed first. */
		let failedAt: number | null = null;
		for (;;) {
			const { byTime } = call;
			try {
				await this.attempt(call, batch, sent);
				return null;
			} catch (error) {
				if (signal.aborted) return failureOf(error);
				if (byTime && isRefused(error)) {
					// The index was dropped meanwhile, or there are more others than it seemed; the other batches under way meet the same.
					call.byTime = false;
					continue;
				}
				if (failedAt === null && !isUnreachable(error)) failedAt = performance.now();
				if (!this.mayPass(error, failedAt)) return failureOf(error);
				await pause(RETRY_PAUSE_MS, signal);
			}
		}
	}

	private async attempt(call: Call, batch: Batch, sent: Set<EntryRef>): Promise<void> {
		const { collection, settled } = call;
		const { signal, resumed, heldForMs = () => Number.POSITIVE_INFINITY } = call.options;
		const open = batch.filter((entry) => !settled.has(entry));
		const due = this.dueAtOnce(open, resumed || sent.size > 0) ?? (await this.lookForDue(call, open, sent));
		if (due.length === 0 || signal.aborted || heldForMs() <= 0) return;
		const count = await this.delete(call, due).catch((error: unknown) => {
			for (const { entry } of due) sent.add(entry);
			throw error;
		});
		if (count === due.length) for (const { entry } of due) settled.set(entry, deleted(entry));
		else
			await this.settleRest(
				collection,
				due.map(({ entry }) => entry),
				count,
				settled,
			);
	}

	/** All of a large batch when the proof of each can be read from its fingerprint; null when the server has to be asked first. */
	private dueAtOnce(open: Batch, inDoubt: boolean): readonly DueDocument[] | null {
		if (inDoubt || open.length <= SMALL_DOCUMENTS) return null;
		const due: DueDocument[] = [];
		for (const entry of open) {
			const proof = timesIn(entry.fingerprint);
			const _id = idOfKey(entry.key);
			if (proof === null || _id === undefined) return null;
			due.push({ entry, _id, proof });
		}
		return due;
	}

	private async lookForDue(
		{ collection, options: { resumed }, settled }: Call,
		open: Batch,
		sent: ReadonlySet<EntryRef>,
	): Promise<readonly DueDocument[]> {
		const there = await this.lookFor(collection, open);
		const due: DueDocument[] = [];
		for (const entry of open) {
			const found = there.get(entry.key);
			if (entry.fingerprint.data === null) settled.set(entry, skipped(entry, "changed"));
			else if (found === undefined) settled.set(entry, resumed || sent.has(entry) ? deleted(entry) : skipped(entry, "gone"));
			else if (found.proof === null) settled.set(entry, skipped(entry, "changed"));
			else due.push({ entry, _id: found._id, proof: found.proof });
		}
		return due;
	}

	/** Which are there, by key, and what the server is to compare; null where what was selected is there no more. */
	private async lookFor(
		collection: string,
		entries: Batch,
	): Promise<Map<string, Pick<DueDocument, "_id"> & { readonly proof: DocumentProof | null }>> {
		const readable = new Map(entries.map(({ key, fingerprint }) => [key, timesIn(fingerprint)]));
		const [ids, documents] = await Promise.all([
			this.find<{ readonly _id: unknown }>(
				collection,
				entries.filter(({ key }) => readable.get(key)),
				{ _id: 1 },
			),
			this.look(
				collection,
				entries.filter(({ key }) => !readable.get(key)),
			),
		]);
		const there = new Map(
			ids.map(({ _id }) => {
				const key = keyOfId(_id);
				return [key, { _id, proof: readable.get(key) ?? null }];
			}),
		);
		for (const entry of entries) {
			const document = documents.get(entry.key);
			if (document) there.set(entry.key, { _id: document._id, proof: isSame(entry, document) ? timesOf(document) : null });
		}
		return there;
	}

	/**
	 * Some were rewritten or removed by somebody else since. Of those that are gone, the server says how many fell to us and
	 * not which: the numbers are right, and the names as good as can be told.
	 */
	private async settleRest(collection: string, due: Batch, count: number, settled: Settled): Promise<void> {
		const left = await this.look(collection, due);
		let ours = count;
		for (const entry of due) {
			const document = left.get(entry.key);
			if (document === undefined) settled.set(entry, ours-- > 0 ? deleted(entry) : skipped(entry, "gone"));
			else if (isSame(entry, document)) settled.set(entry, kept(entry));
			else settled.set(entry, skipped(entry, "changed"));
		}
	}

	private async look(collection: string, batch: Batch): Promise<Found> {
		const documents = await this.find<DocumentFacts>(collection, batch, FACTS_PROJECTION);
		return new Map(documents.map((document) => [keyOfId(document._id), document]));
	}

	/** Only ids are answered from the index alone. */
	private async find<T>(collection: string, batch: Batch, projection: mongo.Document): Promise<readonly T[]> {
		const ids = batch.map(({ key }) => idOfKey(key)).filter((id) => id !== undefined);
		if (ids.length === 0) return [];
		const options = { projection, hint: { _id: 1 }, batchSize: ids.length + 1, maxTimeMS: COMMAND_MS, readPreference: "primary" } as const;
		const filter = { _id: { $in: ids as never[] } };
		return (await this.ask((db) => db.collection(collection).find(filter, options).toArray())) as unknown as T[];
	}

	/** How many were deleted. */
	private async delete({ collection, byTime }: Call, due: readonly DueDocument[]): Promise<number> {
		const statements = (byTime ? onlyTheseByTime(due) : null) ?? onlyThese(due);
		const { deletedCount } = await this.ask((db) =>
			db.collection(collection).bulkWrite(statements, {
				ordered: false,
				maxTimeMS: COMMAND_MS,
				writeConcern: { w: "majority", wtimeoutMS: MAJORITY_MS },
			}),
		);
		return deletedCount;
	}

	/** Whether the same may be tried again: what failed may pass, and the server was there not long ago. */
	private mayPass(error: unknown, failedAt: number | null): boolean {
		return isPassing(error) && performance.now() - Math.max(this.answeredAt, failedAt ?? this.answeredAt) < this.options.electionMs;
	}

	private async ask<T>(work: (db: mongo.Db) => Promise<T>): Promise<T> {
		const answer = await this.connection.run(work);
		this.answeredAt = performance.now();
		return answer;
	}
}

function isSame(entry: EntryRef, document: DocumentFacts): boolean {
	const { data, metadata } = fingerprintOf(document);
	return entry.fingerprint.data === data && entry.fingerprint.metadata === metadata && entry.size === document.size;
}

function batchesOf(entries: readonly EntryRef[]): EntryRef[][] {
	const batches: EntryRef[][] = [];
	let batch: EntryRef[] = [];
	let bytes = 0;
	for (const entry of entries) {
		if (batch.length > 0 && (batch.length >= BATCH_DOCUMENTS || bytes + entry.size > BATCH_BYTES)) {
			batches.push(batch);
			batch = [];
			bytes = 0;
		}
		batch.push(entry);
		bytes += entry.size;
	}
	if (batch.length > 0) batches.push(batch);
	return batches;
}

function deleted({ id, size }: EntryRef): RemovalOutcome {
	return { id, outcome: "deleted", freedBytes: size };
}

function skipped({ id }: EntryRef, reason: "gone" | "changed"): RemovalOutcome {
	return { id, outcome: "skipped", reason };
}

/** Nothing of it changed, and the server did not delete it: a value that it compares in another way than it told it. */
function kept({ id }: EntryRef): RemovalOutcome {
	return { id, outcome: "failed", failure: failureOf(new CachewardenError("CHANGED", { key: "mongodb.kept", facts: {} })) };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const end = (): void => {
			clearTimeout(timer);
			signal.removeEventListener("abort", end);
			resolve();
		};
		const timer = setTimeout(end, ms);
		signal.addEventListener("abort", end, { once: true });
	});
}
