import type { mongo } from "mongoose";
import { isMongoFailure, RejectedDocumentError, within, writeFailures } from "./failures.js";
import { insertAll } from "./insert-all.js";

/** Longer batches make those who came first wait for those who came last. */
const MAX_BATCH = 500;
/** The server makes one wait for the disk of several; more would only make the batches smaller. */
const AT_ONCE = 4;

interface Waiting<Document> {
	readonly document: Document;
	readonly resolve: (result: Inserted) => void;
	readonly reject: (error: unknown) => void;
}

/** `duplicate`: a document with that id was there before. */
export type Inserted = "inserted" | "duplicate";

/** Callers that come while inserts are on their way share the next: one round trip and one wait for the majority. */
export class GroupCommit<Document extends { readonly _id: string }> {
	private readonly waiting: Waiting<Document>[] = [];
	private underWay = 0;
	private scheduled = false;

	constructor(
		private readonly collection: mongo.Collection<Document>,
		private readonly withinMs: number,
	) {}

	/** Durable on the majority when it resolves. A failure but RejectedDocumentError leaves open whether the document is there. */
	insert(document: Document): Promise<Inserted> {
		return new Promise((resolve, reject) => {
			this.waiting.push({ document, resolve, reject });
			this.schedule();
		});
	}

	private schedule(): void {
		if (this.scheduled || this.underWay === AT_ONCE || this.waiting.length === 0) return;
		this.scheduled = true;
		// Whoever calls in the same turn belongs to the same batch.
		setImmediate(() => void this.commitNext());
	}

	private async commitNext(): Promise<void> {
		this.scheduled = false;
		this.underWay++;
		await this.commit(this.waiting.splice(0, MAX_BATCH));
		this.underWay--;
		this.schedule();
	}

	private async insertAll(documents: readonly Document[]): Promise<void> {
		try {
			await insertAll(this.collection, documents, { ordered: false });
		} catch (error) {
			if (!isMongoFailure(error)) throw error;
			// Once more in the way that repeats itself after an election and tells what became of each.
			await this.collection.insertMany(documents as mongo.OptionalUnlessRequiredId<Document>[], { ordered: false });
		}
	}

	private async commit(batch: readonly Waiting<Document>[]): Promise<void> {
		try {
			const documents = batch.map(({ document }) => document);
			await within(this.withinMs, this.insertAll(documents));
			for (const { resolve } of batch) resolve("inserted");
		} catch (error) {
			const failures = writeFailures(error);
			for (const [i, { resolve, reject }] of batch.entries()) {
				const reason = failures?.rejected.get(i);
				if (failures === null) reject(error);
				else if (reason !== undefined) reject(new RejectedDocumentError(reason, { cause: error }));
				else resolve(failures.duplicates.has(i) ? "duplicate" : "inserted");
			}
		}
	}
}
