import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { canonicalJson } from "../../core/canonical-json.js";
import type { Db } from "../../store/database.js";
import type { StoreThread } from "../../store/procedures.js";
import { StoreFailure } from "../../store/thrown.js";
import { type SequencedEntry, sameDigest, sealOf } from "../chain.js";
import { type Checkpoint, firstCheckpoint, openCheckpointWriter, readCheckpoint, setAside } from "../checkpoint-file.js";
import { type EntryContent, entryContent } from "../entry-content.js";
import type { AuditEntry, AuditIntent, AuditOutcome } from "../port.js";
import type { ChainRow } from "../verifier.js";
import { chainRowOf, type EntryRow, INSERT_ENTRY, insertEntry } from "./rows.js";
import { searchText } from "./search-text.js";

/** What both threads are told when the module is loaded. */
export interface AuditOptions {
	readonly secret: string;
	readonly checkpointFile: string;
	/** Below this much free space no operation may begin, so that those under way can still be ended; 0 turns it off. */
	readonly reserveBytes: number;
}

const SPACE_CHECK_EVERY_MS = 100;
const SLICE = 500;

interface Place {
	readonly sequence: number;
	readonly hash: string;
	readonly id: string | null;
}

export function auditWrites(db: Db, options: AuditOptions, thread: StoreThread) {
	const log = (db.prepare("SELECT value FROM audit_state WHERE name = 'log'").row<{ value: string }>() as { value: string }).value;
	const insertIntent = db.prepare("INSERT INTO audit_intents VALUES (?, ?)");
	const takeIntent = db.prepare("DELETE FROM audit_intents WHERE ticket = ? RETURNING intent");
	const someIntents = db.prepare(
		"SELECT ticket FROM audit_intents WHERE ticket NOT IN (SELECT value FROM json_each(?)) ORDER BY ticket LIMIT ?",
	);
	const newestRow = db.prepare("SELECT sequence, hash, id FROM audit_entries ORDER BY sequence DESC LIMIT 1");
	const rowsBehind = db.prepare("SELECT * FROM audit_entries WHERE sequence > ? AND sequence < ? ORDER BY sequence DESC LIMIT ?");
	const insert = db.prepare(INSERT_ENTRY);
	const insertSearch = db.prepare("INSERT INTO audit_search (rowid, text) VALUES (?, ?)");
	const oldestKept = db.prepare("SELECT sequence FROM audit_entries WHERE +timestamp >= ? ORDER BY sequence LIMIT 1");
	const rowsUpTo = db.prepare("SELECT sequence, hash FROM audit_entries WHERE sequence < ? ORDER BY sequence LIMIT ?");
	const deleteRows = db.prepare("DELETE FROM audit_entries WHERE sequence <= ?");
	const deleteSearch = db.prepare("DELETE FROM audit_search WHERE rowid <= ?");
	const setCut = db.prepare("UPDATE audit_state SET value = ? WHERE name = 'cut'");

	const file = openCheckpointWriter(options.checkpointFile, options.secret, (error) => warn(error));
	let signed = openingCheckpoint();
	/** The newest entry that this process knows to be genuine: a row that somebody put behind it does not become part of the chain. */
	let newest: Place = signed.head;
	/** Entries of the transaction that runs now, also those of calls in it that were undone. */
	let pending: { transaction: number; places: Place[] } = { transaction: 0, places: [] };
	let spaceCheckedAt = 0;

	function warn(error: unknown): void {
		thread.warn("the audit log's signed checkpoint could not be written; it is tried again with the next entry", {
			file: options.checkpointFile,
			error: error instanceof Error ? error.message : String(error),
		});
	}

	/** What a crash left unsigned, between the store and the file, is signed now; what is missing from the store stays signed. */
	function openingCheckpoint(): Checkpoint {
		const { newest: kept, forged } = readCheckpoint(options.checkpointFile, log, options.secret);
		if (forged)
			thread.warn("the audit log's signed checkpoints were changed, or AUDIT_SECRET is another one; the file was kept aside", {
				file: setAside(options.checkpointFile),
			});
		let opening = kept ?? firstCheckpoint(log);
		const head = newestGenuine(opening.head.sequence);
		const newestSequence = newestRow.row<Place>()?.sequence;
		if (kept === null && newestSequence !== undefined) opening = { ...opening, restartedAt: newestSequence };
		if (head !== undefined) opening = { ...opening, head };
		else if ((newestSequence ?? opening.cut.sequence) < opening.head.sequence)
			thread.warn("entries are missing from the end of the audit log", { signed: opening.head.sequence });
		file.writeThrough(opening);
		return opening;
	}

	/** The newest row behind `sequence` that proves itself: what somebody else put there is no place to go on from. */
	function newestGenuine(sequence: number): Place | undefined {
		for (let end = Number.MAX_SAFE_INTEGER; ; ) {
			const rows = rowsBehind.rows<EntryRow>(sequence, end, SLICE);
			const genuine = rows
				.map(chainRowOf)
				.find(({ entry, previousHash, hash }) => sameDigest(sealOf(options.secret, previousHash, entry), hash));
			if (genuine !== undefined) return { sequence: genuine.entry.sequence, hash: genuine.hash, id: genuine.entry.id };
			const last = rows.at(-1);
			if (last === undefined) return undefined;
			end = last.sequence;
		}
	}

	function sign(): void {
		const place = placeOf(newestRow.row<Place>());
		if (place === undefined) return;
		newest = place;
		signed = { ...signed, head: newest };
		try {
			file.write(signed);
		} catch (error) {
			warn(error);
		}
	}

	function refuseWhenFull(): void {
		if (options.reserveBytes === 0 || Date.now() - spaceCheckedAt < SPACE_CHECK_EVERY_MS) return;
		const { bavail, bsize } = statfsSync(dirname(options.checkpointFile));
		if (bavail * bsize < options.reserveBytes) throw new StoreFailure("SQLITE_FULL", "the disk of the audit log is nearly full");
		spaceCheckedAt = Date.now();
	}

	function append(entry: EntryContent): AuditEntry {
		const row = newestRow.row<Place>();
		const behind = placeOf(row) ?? newest;
		const sequence = Math.max(row?.sequence ?? 0, newest.sequence) + 1;
		const sequenced: SequencedEntry = { ...entry, sequence };
		const hash = sealOf(options.secret, behind.hash, sequenced);
		const chained: ChainRow = { entry: sequenced, previousHash: behind.hash, hash };
		insertEntry(insert, chained);
		insertSearch.run(sequence, searchText(sequenced));
		if (pending.transaction !== thread.transaction()) pending = { transaction: thread.transaction(), places: [] };
		pending.places.push({ sequence, hash, id: entry.id });
		thread.afterCommit(sign);
		return { ...sequenced, hash };
	}

	/** The row as an entry of this transaction; what is behind the newest and is none of them was written by somebody else. */
	function placeOf(row: Place | undefined): Place | undefined {
		if (row === undefined || pending.transaction !== thread.transaction()) return undefined;
		return pending.places.find((place) => place.sequence === row.sequence && place.hash === row.hash);
	}

	function end(ticket: string, outcome: AuditOutcome | null): AuditEntry | null {
		const taken = takeIntent.row<{ intent: string }>(ticket);
		if (taken === undefined) return null;
		const intent = JSON.parse(taken.intent) as AuditIntent;
		return append(entryContent(ticket, intent, outcome));
	}

	thread.onClose(() => file.close());

	return {
		begin({ ticket, intent }: { readonly ticket: string; readonly intent: AuditIntent }): void {
			refuseWhenFull();
			insertIntent.run(ticket, canonicalJson(intent));
		},

		/** Null when the ticket was ended or withdrawn before. */
		end({ ticket, outcome }: { readonly ticket: string; readonly outcome: AuditOutcome }): AuditEntry | null {
			return end(ticket, outcome);
		},

		withdraw(ticket: string): void {
			takeIntent.rows(ticket);
		},

		/** Ends some of the intents that nobody is going to end; to be repeated until there are none. */
		interruptSome(owned: readonly string[]): readonly AuditEntry[] {
			const tickets = someIntents.rows<{ ticket: string }>(JSON.stringify(owned), SLICE);
			return tickets.flatMap(({ ticket }) => end(ticket, null) ?? []);
		},

		/** Removes some of the oldest entries, all from before the time; to be repeated until none are left. The cut is signed first. */
		removeSome(before: number): number {
			const end = oldestKept.row<{ sequence: number }>(before)?.sequence ?? newest.sequence + 1;
			const rows = rowsUpTo.rows<{ sequence: number; hash: string }>(Math.min(end, newest.sequence + 1), SLICE);
			const last = rows.at(-1);
			if (last === undefined) return 0;
			signed = { ...signed, cut: { sequence: last.sequence, hash: last.hash } };
			file.writeThrough(signed);
			deleteRows.run(last.sequence);
			deleteSearch.run(last.sequence);
			setCut.run(String(last.sequence));
			return rows.length;
		},
	};
}
