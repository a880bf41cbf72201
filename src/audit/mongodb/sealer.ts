/**
 * Gives entries their place: one process at a time takes those that the change stream brought, in its order, and writes
 * their seals. What was unsealed when it took over, and what the stream did not bring, is found by its intent, which stays
 * until the entry is sealed.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { isDuplicate, within } from "../../mongodb/failures.js";
import { insertAll } from "../../mongodb/insert-all.js";
import { sealOfText } from "../chain.js";
import type { EntryContent, Written } from "../entry-content.js";
import type { Collections } from "./collections.js";
import { type EntryDocument, genuine, type SealDocument, sealDocument } from "./documents.js";
import { type Head, loadHead, type Place } from "./head.js";
import type { RecentEntries } from "./recent-entries.js";

export interface SealerOptions {
	readonly collections: Collections;
	readonly secret: string;
	readonly run: string;
	readonly held: () => boolean;
	/** The newest place that was signed outside the database, as far as this process knows. */
	readonly signed: () => Place;
	readonly now: () => number;
	readonly recent: RecentEntries;
	/** Seals that are durable now, in order: this process need not wait for the change stream to bring them. */
	readonly sealed: (seals: readonly SealDocument[], contents: readonly EntryContent[]) => void;
	/** Seals of this process may be there of which it did not tell: the change stream does not bring them either. */
	readonly uncertain: () => void;
	readonly log: Pick<Logger, "warn" | "error">;
}

export const MAX_BATCH = 500;
/** Beyond this, entries are found by their intents again. */
const MAX_WAITING = 20_000;
const SEAL_WITHIN_MS = 5_000;
const RETRY_MS = 200;
/** Finds what the stream did not bring, for whatever reason. */
const SWEEP_EVERY_MS = 15_000;

interface Waiting {
	readonly document: EntryDocument;
	readonly token: unknown;
}

export class Sealer {
	/** Entries that are not known to be sealed, in the order of the stream; kept also while another process seals. */
	private readonly waiting = new Map<string, Waiting>();
	private head: Head | null = null;
	private sweepDue = true;
	private working: Promise<void> | null = null;
	private closed = false;
	private readonly sweeping: NodeJS.Timeout;

	constructor(private readonly options: SealerOptions) {
		this.sweeping = setInterval(() => {
			options.uncertain();
			this.sweep();
		}, SWEEP_EVERY_MS).unref();
	}

	/** An entry was inserted. */
	inserted(document: EntryDocument, token: unknown): void {
		if (this.waiting.size < MAX_WAITING) this.waiting.set(document._id, { document, token });
		else this.sweepDue = true;
		this.work();
	}

	/** An entry has its seal. */
	sealed(entryId: string): void {
		this.waiting.delete(entryId);
	}

	/** Looks also for what the stream did not bring. */
	sweep(): void {
		this.sweepDue = true;
		this.work();
	}

	/** The lease was taken: what another process sealed meanwhile is read first. */
	takeOver(): void {
		this.head = null;
		this.sweep();
	}

	async close(): Promise<void> {
		this.closed = true;
		clearInterval(this.sweeping);
		await this.working;
	}

	private work(): void {
		if (this.working !== null || this.closed || !this.options.held()) return;
		this.working = this.run().finally(() => {
			this.working = null;
			// What came between the last look and now.
			if (this.waiting.size > 0) this.work();
		});
	}

	private async run(): Promise<void> {
		const { held, log } = this.options;
		while (!this.closed && held()) {
			try {
				if (this.sweepDue) await this.findUnsealed();
				if (this.waiting.size === 0) return;
				await this.sealSome();
			} catch (error) {
				// Another one may have sealed, or this batch may have been applied: what is there counts.
				this.head = null;
				this.options.uncertain();
				if (isDuplicate(error)) await this.forgetSealed().catch(() => undefined);
				else {
					this.sweepDue = true;
					log.warn({ err: error }, "audit entries could not be sealed; tried again");
					await pause(RETRY_MS);
				}
			}
		}
	}

	private async sealSome(): Promise<void> {
		const { collections, secret, run, signed, now } = this.options;
		if (this.head === null) {
			await this.forgetSealed();
			this.head = await within(SEAL_WITHIN_MS, loadHead(collections, secret, signed()));
		}
		const batch = this.nextGenuine();
		if (batch.length === 0) return;
		let { behind, next } = this.head;
		const seals = batch.map(({ written: { content, text }, token }, i) => {
			const sequence = next++;
			const place = { sequence, previousHash: behind.hash, hash: sealOfText(secret, behind.hash, text, sequence) };
			const sealedAt = Math.max(behind.sealedAt, now());
			behind = { sequence, hash: place.hash, id: content.id, sealedAt };
			return sealDocument(content, place, { sealedAt, token: i === batch.length - 1 ? token : null, sealer: run });
		});
		await within(SEAL_WITHIN_MS, insertAll(collections.seals, seals, { ordered: true }));
		this.head = { behind, next };
		for (const { document } of batch) this.waiting.delete(document._id);
		this.options.sealed(
			seals,
			batch.map(({ written }) => written.content),
		);
		this.forgetIntents(batch.map(({ document }) => document._id));
	}

	/** The next of those that wait. What nobody who knows the secret wrote gets no seal; verification names it. */
	private nextGenuine() {
		const batch: (Waiting & { readonly written: Written })[] = [];
		for (const [id, { document, token }] of this.waiting) {
			if (batch.length === MAX_BATCH) break;
			const written = this.options.recent.written(document) ?? genuine(this.options.secret, document);
			if (written !== null) {
				batch.push({ document, token, written });
				continue;
			}
			this.waiting.delete(id);
			this.options.log.warn(
				{ entry: id },
				"a document among the audit log's entries was not written by this program, or AUDIT_SECRET differs",
			);
		}
		return batch;
	}

	/** Entries whose intents are still there, oldest first. */
	private async findUnsealed(): Promise<void> {
		const { intents, logs } = this.options.collections;
		const open = await within(
			SEAL_WITHIN_MS,
			intents
				.find({}, { projection: { _id: 1 } })
				.limit(MAX_WAITING)
				.toArray(),
		);
		const entries = await logs
			.find({ _id: { $in: open.map(({ _id }) => _id) } })
			.sort({ created_at: 1, _id: 1 })
			.toArray();
		for (const document of entries) if (!this.waiting.has(document._id)) this.waiting.set(document._id, { document, token: null });
		await this.forgetSealed();
		this.sweepDue = false;
	}

	private async forgetSealed(): Promise<void> {
		const ids = [...this.waiting.keys()];
		if (ids.length === 0) return;
		const { seals } = this.options.collections;
		const sealed = await within(SEAL_WITHIN_MS, seals.find({ entry: { $in: ids } }, { projection: { entry: 1 } }).toArray());
		if (sealed.length === 0) return;
		for (const { entry } of sealed) this.waiting.delete(entry);
		this.options.uncertain();
		this.forgetIntents(sealed.map(({ entry }) => entry));
	}

	/** Not waited for: an intent that stays is found by the next sweep, and its entry is not sealed twice. */
	private forgetIntents(ids: readonly string[]): void {
		const { collections, log } = this.options;
		collections.intents
			.deleteMany({ _id: { $in: [...ids] } }, { writeConcern: { w: 1 } })
			.catch((error: unknown) => log.warn({ err: error }, "intents of sealed audit entries were not removed; the next sweep does it"));
	}
}
