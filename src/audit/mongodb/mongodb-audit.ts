import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { mongo } from "mongoose";
import type { Logger } from "pino";
import { type Clock, DAY_MS, HOUR_MS } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import type { ChangeFeed } from "../../mongodb/change-feed.js";
import { isMongoFailure, within } from "../../mongodb/failures.js";
import { loadOrCreateSecret } from "../../store/secret-file.js";
import { IdMaker } from "../../store/sortable-id.js";
import type { EntryContent } from "../entry-content.js";
import { entryText } from "../entry-text.js";
import type { AuditLog } from "../port.js";
import { Spool } from "../spool.js";
import { Announcer } from "./announcer.js";
import { type Collections, collectionsOf, LOGS, prepareCollections, SEALS } from "./collections.js";
import type { EntryDocument, SealDocument } from "./documents.js";
import { loadHead } from "./head.js";
import { buildSegment } from "./keyword-index.js";
import { Lease } from "./lease.js";
import { Reading } from "./reading.js";
import { type EntryNotice, noticeOfOwn, RecentEntries } from "./recent-entries.js";
import { removeSome } from "./retention.js";
import { MAX_BATCH, Sealer } from "./sealer.js";
import { GatheredSegments, SEGMENT } from "./segment-bits.js";
import { verify } from "./verifying.js";
import { START, signedCut, Witness } from "./witness.js";
import { type Spooled, Writer } from "./writer.js";

export interface MongodbAuditOptions {
	readonly db: mongo.Db;
	/** Of the same database. This log starts it when MongoDB answers, and closes it: whoever else follows it does so before. */
	readonly feed: ChangeFeed;
	/** Held by this process: the spool, the checkpoints and the folder's own name lie there. */
	readonly dataDir: string;
	/** Key of the hash chain, the same in every process. */
	readonly secret: string;
	/** The administrator's own file for checkpoints. */
	readonly checkpointFile?: string | null;
	/** Run with each checkpoint on its standard input, once a minute at most. */
	readonly checkpointCommand?: string | null;
	readonly keepDays: number;
	/** Tickets that unfinished jobs will end; every other intent that this data folder left is recorded as INTERRUPTED. */
	readonly ownedTickets: () => Promise<readonly string[]>;
	/** Default 8 MiB; 0 turns it off. */
	readonly reserveBytes?: number;
	readonly clock: Clock;
	readonly log: Pick<Logger, "info" | "warn" | "error">;
}

const DEFAULT_RESERVE_BYTES = 8 << 20;
/** `end` gives the sealer this long, so that whoever reads next finds the entry; it is durable already. */
const SEAL_WAIT_MS = 1_000;
const OPEN_WITHIN_MS = 5_000;
const RETRY_OPEN_MS = 1_000;
const READ_WITHIN_MS = 20_000;
/** Of a few hundred new entries; nothing is announced meanwhile. */
const ANNOUNCE_WITHIN_MS = 5_000;
/** While it is known not to answer. */
const READ_AWAY_WITHIN_MS = 2_000;

/** What works once MongoDB has answered for the first time. */
interface Ready {
	readonly reading: Reading;
	readonly witness: Witness;
	readonly announcer: Announcer;
	readonly sealer: Sealer;
	readonly lease: Lease;
}

/**
 * The audit log in MongoDB. It opens also while MongoDB is away: operations are then recorded in the spool, and reading says
 * so until it answers. The caller closes it after everything that writes to it.
 */
export async function openMongodbAudit(options: MongodbAuditOptions): Promise<AuditLog> {
	const log = new MongodbAudit(options, await loadOrCreateSecret(join(options.dataDir, "audit-instance")));
	await log.open();
	return log;
}

class MongodbAudit implements AuditLog {
	private readonly collections: Collections;
	private readonly run = randomBytes(8).toString("hex");
	private readonly ids = new IdMaker();
	private readonly recent = new RecentEntries();
	private readonly gathered = new GatheredSegments();
	private readonly closing = new AbortController();
	private readonly listeners = new Map<object, { listener: Parameters<AuditLog["onAppended"]>[0]; stop: () => void }>();
	private writer: Writer | null = null;
	private ready: Ready | null = null;
	private opening: Promise<void> = Promise.resolve();
	private upkeep: Promise<void> = Promise.resolve();
	private retention: NodeJS.Timeout | null = null;
	/** Why nothing may be recorded at all. */
	private refused: CachewardenError | null = null;
	/** Of the keyword index, that the newest entry lies in. */
	private segment = 0;

	constructor(
		private readonly options: MongodbAuditOptions,
		private readonly instance: { readonly secret: string; readonly created: boolean },
	) {
		this.collections = collectionsOf(options.db);
	}

	async open(): Promise<void> {
		const { dataDir, secret, clock, log, reserveBytes = DEFAULT_RESERVE_BYTES, feed } = this.options;
		this.writer = new Writer({
			collections: this.collections,
			spool: await Spool.open<Spooled>(join(dataDir, "audit.spool"), secret),
			recent: this.recent,
			ids: this.ids,
			folder: dataDir,
			reserveBytes,
			secret,
			instance: this.instance.secret,
			run: this.run,
			clock,
			log,
		});
		feed.follow({
			collection: LOGS,
			// Documents of other programs have no place in the order.
			match: { "fullDocument.signature": { $exists: true } },
			brought: noticeOfOwn(this.ids.mark),
			changed: (document, token) => {
				const entry = this.recent.arrived(document as EntryDocument | EntryNotice);
				if (entry === null) this.ready?.sealer.sweep();
				else this.ready?.sealer.inserted(entry, token);
			},
			catchUp: async () => this.ready?.sealer.sweep(),
		});
		feed.follow({
			collection: SEALS,
			// The sealer tells of its own.
			match: { "fullDocument.sealer": { $ne: this.run } },
			changed: (document) => {
				const seal = document as unknown as SealDocument;
				this.ready?.sealer.sealed(seal.entry);
				this.ready?.announcer.sealInserted(seal);
			},
			catchUp: async () => this.ready?.announcer.catchUp(),
		});
		this.opening = this.prepareUntilDone();
		let waiting = true;
		this.opening.catch((error: unknown) => {
			if (!waiting) log.error({ err: error }, "the audit log in MongoDB cannot be opened; operations are recorded in the spool");
		});
		await within(OPEN_WITHIN_MS, this.opening)
			.catch(async (error: unknown) => {
				if (!isMongoFailure(error)) {
					await this.close();
					throw error;
				}
				log.error({ err: error }, "the audit log's MongoDB does not answer; operations are recorded in the spool until it does");
			})
			.finally(() => {
				waiting = false;
			});
	}

	private async prepareUntilDone(): Promise<void> {
		const { log } = this.options;
		for (;;) {
			try {
				await this.prepare();
				return;
			} catch (error) {
				if (this.closing.signal.aborted) return;
				if (error instanceof CachewardenError) this.refused = error;
				if (!isMongoFailure(error)) throw error;
				log.warn({ err: error }, "the audit log in MongoDB could not be opened yet");
				await pause(RETRY_OPEN_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
			}
		}
	}

	private async prepare(): Promise<void> {
		const { ready, writer } = this;
		if (writer === null) return;
		if (ready === null) this.ready = await this.connect();
		await writer.drained();
		const ended = await writer.interruptRest(await this.options.ownedTickets());
		if (ended.length > 0) {
			this.options.log.warn({ operations: ended.length }, "operations of an earlier process were interrupted; the audit log has them");
			this.ready?.sealer.sweep();
			await Promise.all(ended.map((id) => this.sealed(id)));
		}
		this.keepUp();
		this.retention ??= setInterval(() => this.keepUp(), HOUR_MS).unref();
	}

	private async connect(): Promise<Ready> {
		const { options, collections, run } = this;
		const { secret, log, clock, feed } = options;
		// The driver connects by itself once only: after a first failure it has to be told.
		await options.db.client.connect();
		const logId = await prepareCollections(collections, secret);
		const witness = new Witness({
			file: join(options.dataDir, "audit-mongodb.checkpoints"),
			secondFile: options.checkpointFile ?? null,
			command: options.checkpointCommand ?? null,
			logId,
			secret,
			log,
		});
		const cut = (await signedCut(collections, secret)) ?? START;
		witness.sawCut(cut);
		const signed = (): typeof START => (witness.head.sequence >= witness.cut.sequence ? witness.head : { ...START, ...witness.cut });
		const reading = new Reading(collections, logId, async () => {
			witness.sawCut((await signedCut(collections, secret)) ?? START);
			return witness.cut.sequence;
		});
		const { behind } = await loadHead(collections, secret, signed());
		witness.begin(witness.isNew && !this.instance.created && behind.sequence > 0 ? behind.sequence : null);
		if (behind.sequence < signed().sequence || (behind.sequence === signed().sequence && (await reading.newest()) < behind.sequence))
			log.warn({ signed: signed().sequence }, "entries are missing from the end of the audit log");
		const announcer = new Announcer({
			from: behind,
			recent: this.recent,
			cursorOf: (sequence) => reading.cursor(sequence),
			read: (after, limit) => within(ANNOUNCE_WITHIN_MS, reading.sealedAfter(after, limit)),
			announced: (newest) => {
				witness.saw(newest);
				const segment = Math.floor(newest.seal._id / SEGMENT);
				if (segment !== this.segment) this.buildIndex();
				this.segment = segment;
			},
			log,
		});
		const sealer = new Sealer({
			collections,
			secret,
			run,
			held: () => lease.held,
			signed,
			now: () => clock.now(),
			recent: this.recent,
			sealed: (seals, contents) => {
				for (const [i, seal] of seals.entries()) this.gathered.sealed(seal._id, () => entryText(contents[i] as EntryContent));
				for (const seal of seals) announcer.sealInserted(seal);
			},
			uncertain: () => void announcer.catchUp(),
			log,
		});
		const lease = new Lease(collections.state, run, log, () => sealer.takeOver());
		for (const entry of this.listeners.values()) entry.stop = announcer.onAppended(entry.listener);
		this.ready = { reading, witness, announcer, sealer, lease };
		feed.start(() => this.resumeToken());
		await feed.opened();
		await lease.start();
		return this.ready;
	}

	/** Of the newest group of entries that was sealed: whatever came after it is read again. */
	private async resumeToken(): Promise<unknown> {
		const newest = await this.collections.seals
			.find({}, { projection: { token: 1 } })
			.sort({ _id: -1 })
			.limit(MAX_BATCH)
			.toArray();
		return newest.find(({ token }) => token !== null)?.token ?? null;
	}

	async begin(intent: Parameters<AuditLog["begin"]>[0]): Promise<string> {
		return this.writing().begin(intent);
	}

	async end(ticket: string, outcome: Parameters<AuditLog["end"]>[1]): Promise<void> {
		let sealed: Promise<void> = Promise.resolve();
		const inserted = await this.writing().end(ticket, outcome, () => {
			// Listening begins before the entry is there, so that its seal cannot be missed.
			sealed = this.sealed(ticket);
		});
		if (inserted) await sealed;
		else this.ready?.announcer.forget(ticket);
	}

	withdraw(ticket: string): Promise<void> {
		return this.writing().withdraw(ticket);
	}

	page(...[filter, page]: Parameters<AuditLog["page"]>): ReturnType<AuditLog["page"]> {
		return this.read(({ reading }) => reading.page(filter, page));
	}

	slice(...[filter, cursor, limit]: Parameters<AuditLog["slice"]>): ReturnType<AuditLog["slice"]> {
		return this.read(({ reading }) => reading.slice(filter, cursor, limit));
	}

	get(id: string): ReturnType<AuditLog["get"]> {
		return this.read(({ reading }) => reading.get(id));
	}

	stats(...[filter, timeZone]: Parameters<AuditLog["stats"]>): ReturnType<AuditLog["stats"]> {
		return this.read(({ reading }) => reading.stats(filter, timeZone));
	}

	async verify(range: Parameters<AuditLog["verify"]>[0]): ReturnType<AuditLog["verify"]> {
		const { collections } = this;
		return this.unreachable(verify({ collections, ...(await this.whenReady()), secret: this.options.secret }, range));
	}

	readAfter(...[cursor, limit]: Parameters<AuditLog["readAfter"]>): ReturnType<AuditLog["readAfter"]> {
		return this.read(({ reading }) => reading.readAfter(cursor, limit));
	}

	head(): Promise<string> {
		return this.read(async ({ reading }) => reading.cursor(await reading.newest()));
	}

	onAppended(listener: Parameters<AuditLog["onAppended"]>[0]): () => void {
		const key = {};
		const entry = { listener, stop: this.ready?.announcer.onAppended(listener) ?? (() => undefined) };
		this.listeners.set(key, entry);
		return () => {
			this.listeners.delete(key);
			entry.stop();
		};
	}

	async close(): Promise<void> {
		this.closing.abort();
		if (this.retention !== null) clearInterval(this.retention);
		await this.upkeep;
		const { ready } = this;
		await ready?.sealer.close();
		await ready?.lease.close();
		ready?.announcer.close();
		await this.options.feed.close();
		await this.writer?.close();
		ready?.witness.close();
	}

	private writing(): Writer {
		if (this.refused !== null) throw this.refused;
		if (this.writer === null || this.closing.signal.aborted) throw new CachewardenError("AUDIT_UNAVAILABLE");
		return this.writer;
	}

	private sealed(ticket: string): Promise<void> {
		return this.ready?.announcer.whenAnnounced(ticket, SEAL_WAIT_MS) ?? Promise.resolve();
	}

	/** At the start the first answer is waited for, not for long. */
	private async whenReady(): Promise<Ready> {
		if (this.ready === null) await within(READ_AWAY_WITHIN_MS, this.opening).catch(() => undefined);
		if (this.ready === null) throw new CachewardenError("BACKEND_UNAVAILABLE", { key: "audit.unreachable", facts: {} });
		return this.ready;
	}

	private async read<T>(work: (ready: Ready) => Promise<T>): Promise<T> {
		const ready = await this.whenReady();
		return this.unreachable(within(this.writer?.spooling ? READ_AWAY_WITHIN_MS : READ_WITHIN_MS, work(ready)));
	}

	private async unreachable<T>(work: Promise<T>): Promise<T> {
		try {
			return await work;
		} catch (error) {
			if (!isMongoFailure(error)) throw error;
			throw new CachewardenError("BACKEND_UNAVAILABLE", { key: "audit.unreachable", facts: {} }, { cause: error });
		}
	}

	/** In the background, by the process that seals: what is old goes, and the keyword index follows. */
	private keepUp(): void {
		this.inBackground("old audit entries could not be removed; tried again in an hour", async ({ witness }) => {
			const before = this.options.clock.now() - this.options.keepDays * DAY_MS;
			while (!this.closing.signal.aborted && (await removeSome(this.collections, witness, before)));
		});
		this.buildIndex();
	}

	private buildIndex(): void {
		this.inBackground("the audit log's keyword index could not be continued; tried again later", async ({ announcer }) => {
			while (!this.closing.signal.aborted && (await buildSegment(this.collections, announcer.newest.sequence, this.gathered)));
		});
	}

	private inBackground(failed: string, work: (ready: Ready) => Promise<void>): void {
		this.upkeep = this.upkeep.then(async () => {
			const { ready } = this;
			if (ready === null || !ready.lease.held || this.closing.signal.aborted) return;
			await work(ready).catch((error: unknown) => this.options.log.warn({ err: error }, failed));
		});
	}
}
