/**
 * The way of intents and entries into MongoDB, or, when it does not answer, into the spool and from there. Whichever way
 * something went, it may arrive twice: ids are unique, so it is there once.
 */
import { statfs } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import type { Clock } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import { isMongoFailure, RejectedDocumentError, within } from "../../mongodb/failures.js";
import { GroupCommit } from "../../mongodb/group-commit.js";
import type { IdMaker } from "../../store/sortable-id.js";
import { contentText, sameDigest, writerSignature } from "../chain.js";
import { type EntryContent, entryContent } from "../entry-content.js";
import type { AuditIntent, AuditOutcome } from "../port.js";
import { keepRefused, type RefusedRecord } from "../refused-records.js";
import type { Spool } from "../spool.js";
import type { Collections } from "./collections.js";
import { type EntryDocument, entryDocument, type IntentDocument } from "./documents.js";
import type { RecentEntries } from "./recent-entries.js";
import { storedValue } from "./stored-value.js";

/** One line of the spool. */
export type Spooled =
	| { readonly kind: "intent"; readonly ticket: string; readonly run: string; readonly intent: AuditIntent }
	| { readonly kind: "entry"; readonly run: string; readonly content: EntryContent }
	/** The intent is in MongoDB only: it was begun by an earlier process. */
	| { readonly kind: "outcome"; readonly ticket: string; readonly outcome: AuditOutcome }
	| { readonly kind: "withdrawn"; readonly ticket: string };

export interface WriterOptions {
	readonly collections: Collections;
	readonly spool: Spool<Spooled>;
	/** Told of each entry that is written. */
	readonly recent: RecentEntries;
	readonly ids: IdMaker;
	/** A folder on the spool's disk. */
	readonly folder: string;
	/** Below this much free space nothing begins in the spool, so that what was begun can still be ended. */
	readonly reserveBytes: number;
	readonly secret: string;
	readonly instance: string;
	readonly run: string;
	readonly clock: Clock;
	readonly log: Pick<Logger, "info" | "warn" | "error">;
}

const WRITE_WITHIN_MS = 4_000;
const READ_WITHIN_MS = 4_000;
const RETRY_MS = [200, 500, 1_000, 2_000] as const;

export class Writer {
	/** Intents of this process without an end. */
	private readonly open = new Map<string, AuditIntent>();
	private readonly intents: GroupCommit<IntentDocument>;
	private readonly entries: GroupCommit<EntryDocument>;
	/** MongoDB did not answer, or the spool still holds what it has not got. */
	private away: boolean;
	private draining: Promise<void> | null = null;
	private readonly closing = new AbortController();

	constructor(private readonly options: WriterOptions) {
		const { collections, spool } = options;
		this.intents = new GroupCommit(collections.intents, WRITE_WITHIN_MS);
		this.entries = new GroupCommit(collections.logs, WRITE_WITHIN_MS);
		this.away = !spool.empty;
	}

	get spooling(): boolean {
		return this.away;
	}

	async begin(given: AuditIntent): Promise<string> {
		const ticket = this.options.ids.next("a", this.options.clock.now());
		const { actor } = given;
		const intent = storedValue({ ...given, actor: { id: actor.id, username: actor.username, sessionId: actor.sessionId } });
		const kept = intent as AuditIntent;
		await this.record(
			() => this.intents.insert(this.intentDocument(ticket, this.options.run, kept)),
			() => this.spoolIntent(ticket, kept),
		);
		this.open.set(ticket, kept);
		return ticket;
	}

	/** True when the entry was inserted into MongoDB now, so that its seal can be awaited. */
	async end(ticket: string, given: AuditOutcome, inserting: () => void): Promise<boolean> {
		const outcome = storedValue(given) as AuditOutcome;
		let inserted = false;
		await this.record(
			async () => {
				const intent = await this.intentOf(ticket);
				if (intent === null) return;
				inserting();
				inserted = (await this.insert(entryContent(ticket, intent, outcome))) === "inserted";
			},
			() => this.spoolOutcome(ticket, outcome),
		);
		this.open.delete(ticket);
		return inserted;
	}

	async withdraw(ticket: string): Promise<void> {
		await this.record(
			() => within(WRITE_WITHIN_MS, this.options.collections.intents.deleteOne({ _id: ticket })),
			() => this.options.spool.append({ kind: "withdrawn", ticket }),
		);
		this.open.delete(ticket);
	}

	/** Records the intents that an earlier process of this data folder left, but those that somebody is still going to end. */
	async interruptRest(owned: readonly string[]): Promise<readonly string[]> {
		const { collections, instance, run } = this.options;
		const left = await within(
			READ_WITHIN_MS,
			collections.intents.find({ instance, run: { $ne: run }, _id: { $nin: [...owned] } }).toArray(),
		);
		const ended = await Promise.all(
			left.map(async (document) => {
				const intent = this.genuineIntent(document);
				if (intent === null) return [];
				return (await this.insert(entryContent(document._id, intent, null))) === "inserted" ? [document._id] : [];
			}),
		);
		return ended.flat();
	}

	/** Brings what is in the spool to MongoDB; resolves when all of it is there. */
	drained(): Promise<void> {
		if (!this.away) return Promise.resolve();
		this.draining ??= this.drain().finally(() => {
			this.draining = null;
		});
		return this.draining;
	}

	async close(): Promise<void> {
		this.closing.abort();
		await this.draining;
		await this.options.spool.close();
	}

	private async record(directly: () => Promise<unknown>, later: () => Promise<void>): Promise<void> {
		if (!this.away) {
			try {
				await directly();
				return;
			} catch (error) {
				if (!isMongoFailure(error) && !(error instanceof RejectedDocumentError)) throw error;
				if (!this.away)
					this.options.log.error({ err: error }, "the audit log's MongoDB does not take an entry; what comes waits in the spool");
				this.away = true;
			}
		}
		try {
			await later();
		} catch (error) {
			throw new CachewardenError("AUDIT_UNAVAILABLE", undefined, { cause: error });
		}
		void this.drained();
	}

	private insert(content: EntryContent) {
		const written = { content, text: contentText(content) };
		const document = entryDocument(this.options.secret, written, this.options.clock.now());
		this.options.recent.wrote(document, written);
		return this.entries.insert(document);
	}

	private async intentOf(ticket: string): Promise<AuditIntent | null> {
		const known = this.open.get(ticket);
		if (known !== undefined) return known;
		const document = await within(READ_WITHIN_MS, this.options.collections.intents.findOne({ _id: ticket }));
		return document === null ? null : this.genuineIntent(document);
	}

	private intentDocument(ticket: string, run: string, intent: AuditIntent | null): IntentDocument {
		const { secret, instance, clock } = this.options;
		const signature = writerSignature(secret, "intent", { ticket, intent });
		return { _id: ticket, instance, run, intent, signature, created_at: new Date(clock.now()) };
	}

	/** What somebody else put among the intents becomes no entry. */
	private genuineIntent({ _id: ticket, intent, signature }: IntentDocument): AuditIntent | null {
		const { secret, log } = this.options;
		if (sameDigest(writerSignature(secret, "intent", { ticket, intent }), String(signature))) return intent;
		log.warn({ ticket }, "an intent in the audit log was changed, or AUDIT_SECRET differs; it is left alone");
		return null;
	}

	private async spoolIntent(ticket: string, intent: AuditIntent): Promise<void> {
		const { folder, reserveBytes, run, spool } = this.options;
		const { bavail, bsize } = await statfs(folder);
		if (bavail * bsize < reserveBytes) throw new Error("the disk of the audit log's spool is nearly full");
		await spool.append({ kind: "intent", ticket, run, intent });
	}

	private spoolOutcome(ticket: string, outcome: AuditOutcome): Promise<void> {
		const { run, spool } = this.options;
		const intent = this.open.get(ticket);
		if (intent === undefined) return spool.append({ kind: "outcome", ticket, outcome });
		return spool.append({ kind: "entry", run, content: entryContent(ticket, intent, outcome) });
	}

	private async drain(): Promise<void> {
		const { spool, log } = this.options;
		let from = 0;
		let failures = 0;
		while (!this.closing.signal.aborted) {
			try {
				const { records, next, forged } = await spool.read(from);
				if (forged > 0) log.error({ lines: forged }, "lines of the audit log's spool were changed from outside; they are left out");
				if (records.length > 0) await this.replay(records);
				from = next;
				failures = 0;
				if (!(await spool.clear(from))) continue;
				this.away = false;
				if (spool.empty) {
					log.info("the audit log's MongoDB answers again, and has everything that waited in the spool");
					return;
				}
				this.away = true;
				from = 0;
			} catch (error) {
				log.warn({ err: error, bytes: spool.bytes }, "the audit log's spool could not be replayed yet");
				const wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] as number;
				await pause(wait, undefined, { signal: this.closing.signal }).catch(() => undefined);
			}
		}
	}

	/** Each entry's intent comes first: a sealer that missed the entry finds it by that. */
	private async replay(records: readonly Spooled[]): Promise<void> {
		const refused: RefusedRecord<Spooled>[] = [];
		const withdrawn = records.flatMap((record) => (record.kind === "withdrawn" ? [record.ticket] : []));
		const intents = new Map<string, { readonly record: Spooled; readonly document: IntentDocument }>();
		for (const record of records)
			if (record.kind === "intent")
				intents.set(record.ticket, { record, document: this.intentDocument(record.ticket, record.run, record.intent) });
			else if (record.kind === "entry" && !intents.has(record.content.id))
				intents.set(record.content.id, { record, document: this.intentDocument(record.content.id, record.run, null) });
		for (const ticket of withdrawn) intents.delete(ticket);
		await unlessRefused(refused, intents.values(), ({ document }) => this.intents.insert(document));
		await unlessRefused(
			refused,
			records.map((record) => ({ record })),
			({ record }) => this.replayEntry(record),
		);
		if (withdrawn.length > 0) await within(WRITE_WITHIN_MS, this.options.collections.intents.deleteMany({ _id: { $in: withdrawn } }));
		if (refused.length === 0) return;
		const file = await keepRefused(this.options.folder, refused);
		for (const { record, reason } of refused)
			this.options.log.error(
				{ entry: "content" in record ? record.content.id : record.ticket, reason, file },
				"MongoDB refuses this entry of the audit log for good; it is kept in the file",
			);
	}

	private async replayEntry(record: Spooled): Promise<void> {
		if (record.kind === "entry") await this.insert(record.content);
		if (record.kind !== "outcome") return;
		const intent = await this.intentOf(record.ticket);
		if (intent !== null) await this.insert(entryContent(record.ticket, intent, record.outcome));
	}
}

/** One document that is refused for good does not keep the others from their place. */
async function unlessRefused<Item extends { readonly record: Spooled }>(
	refused: RefusedRecord<Spooled>[],
	items: Iterable<Item>,
	insert: (item: Item) => Promise<unknown>,
): Promise<void> {
	await Promise.all(
		[...items].map(async (item) => {
			try {
				await insert(item);
			} catch (error) {
				if (!(error instanceof RejectedDocumentError)) throw error;
				refused.push({ record: item.record, reason: error.message });
			}
		}),
	);
}
