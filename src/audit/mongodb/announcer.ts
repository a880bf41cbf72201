/** Tells each sealed entry once and in order: from the stream as long as nothing is missing, else from the collections. */
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import type { AuditEntry } from "../port.js";
import { type EntryDocument, type SealDocument, shownEntry } from "./documents.js";
import { type Place, placeOf } from "./head.js";
import type { RecentEntries } from "./recent-entries.js";

export type Item = { readonly cursor: string; readonly entry: AuditEntry };

export interface Sealed {
	readonly seal: SealDocument;
	/** Null when somebody removed it. */
	readonly document: EntryDocument | null;
}

export interface AnnouncerOptions {
	/** What was announced last, by whichever process. */
	readonly from: Place;
	readonly recent: RecentEntries;
	readonly cursorOf: (sequence: number) => string;
	/** In order, after a sequence, up to `limit`. */
	readonly read: (after: number, limit: number) => Promise<readonly Sealed[]>;
	/** Called after each group that was announced, with its newest. */
	readonly announced: (newest: Sealed) => void;
	readonly log: Pick<Logger, "warn" | "error">;
}

const SLICE = 500;
const RETRY_MS = 250;

export class Announcer {
	private last: Place;
	private readonly listeners = new Set<(item: Item) => void>();
	private readonly waiting = new Map<string, Set<() => void>>();
	private reading: Promise<void> | null = null;
	private readAgain = false;
	private closed = false;

	constructor(private readonly options: AnnouncerOptions) {
		this.last = options.from;
	}

	get newest(): Place {
		return this.last;
	}

	get subscribers(): number {
		return this.listeners.size;
	}

	onAppended(listener: (item: Item) => void): () => void {
		// A function of its own, so that one listener registered twice is two.
		const own = (item: Item): void => listener(item);
		this.listeners.add(own);
		return () => {
			this.listeners.delete(own);
		};
	}

	/** Resolves when the entry has been announced, at the latest after `ms`. */
	whenAnnounced(id: string, ms: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(done, ms);
			const waiting = this.waiting.get(id) ?? new Set();
			this.waiting.set(id, waiting.add(done));
			function done(): void {
				clearTimeout(timer);
				resolve();
			}
		});
	}

	/** Nobody waits for it any more. */
	forget(id: string): void {
		for (const done of this.waiting.get(id) ?? []) done();
		this.waiting.delete(id);
	}

	sealInserted(seal: SealDocument): void {
		if (seal._id <= this.last.sequence) return;
		const document = this.options.recent.get(seal.entry);
		if (this.reading === null && seal._id === this.last.sequence + 1 && document !== undefined) {
			this.announce({ seal, document });
			this.options.announced({ seal, document });
		} else void this.catchUp();
	}

	/** Reads what was not announced yet. */
	async catchUp(): Promise<void> {
		this.readAgain = true;
		this.reading ??= this.readOn().finally(() => {
			this.reading = null;
		});
		await this.reading;
	}

	private async readOn(): Promise<void> {
		while (this.readAgain && !this.closed) {
			this.readAgain = false;
			try {
				const sealed = await this.options.read(this.last.sequence, SLICE);
				for (const one of sealed) this.announce(one);
				const newest = sealed.at(-1);
				if (newest !== undefined) this.options.announced(newest);
				if (sealed.length === SLICE) this.readAgain = true;
			} catch (error) {
				this.options.log.warn({ err: error }, "new audit entries could not be read; tried again");
				this.readAgain = true;
				await pause(RETRY_MS);
			}
		}
	}

	private announce({ seal, document }: Sealed): void {
		if (seal._id <= this.last.sequence) return;
		this.last = placeOf(seal);
		this.options.recent.forget(seal.entry);
		if (document !== null && this.listeners.size > 0) {
			const item = { cursor: this.options.cursorOf(seal._id), entry: shownEntry(seal, document) };
			for (const listener of [...this.listeners]) {
				try {
					listener(item);
				} catch (error) {
					this.options.log.error({ err: error, entry: item.entry.id }, "a listener of the audit log failed");
				}
			}
		}
		this.forget(seal.entry);
	}

	close(): void {
		this.closed = true;
		for (const waiting of this.waiting.values()) for (const done of waiting) done();
		this.waiting.clear();
	}
}
