/**
 * The port of what a cleanup takes out of the cache and keeps for a while, so that it can be undone. Entries of a job are in one or
 * more lists of a few hundred each; a list is what is restored in one step.
 */
import type { EntryRef } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import type { RemovalOptions, RemovalOutcome } from "./backend.js";

export interface HeldList {
	readonly jobId: string;
	readonly place: string;
	readonly name: string;
	/** Its entries are being taken, or a process that took them was killed: its numbers are 0. */
	readonly open: boolean;
	readonly entries: number;
	readonly bytes: number;
	/** When something of the job was last taken or brought back. */
	readonly since: number;
}

export type RestoreOutcome =
	| { readonly id: string; readonly outcome: "restored"; readonly bytes: number }
	/** Something stands in its place by now; `gone`: it is no longer in quarantine. */
	| { readonly id: string; readonly outcome: "newer" | "gone" }
	| { readonly id: string; readonly outcome: "failed"; readonly failure: Failure };

/** Entries that cannot be quarantined: all of a place, or those below some of its folders. */
export interface Unfit {
	readonly place: string;
	readonly folders: readonly string[] | null;
	readonly failure: Failure;
}

export interface Quarantine {
	/** As `CacheBackend.remove`, with the job that can be undone. `freedBytes` is what the cache no longer holds. */
	hold(jobId: string, entries: readonly EntryRef[], options: RemovalOptions): Promise<RemovalOutcome[]>;
	/** Makes whole what a killed process left half of a job. Not while the job runs elsewhere. */
	settle(jobId: string): Promise<void>;
	lists(): Promise<HeldList[]>;
	/** What is there of a list; nothing for one that is gone. */
	read(list: HeldList): Promise<EntryRef[]>;
	/** Puts entries of one list back where nothing stands in their place. Stops between two of them. `resumed` as in `RemovalOptions`. */
	restore(list: HeldList, entries: readonly EntryRef[], options: RemovalOptions): Promise<RestoreOutcome[]>;
	/** Deletes for good what the job has in quarantine. */
	discard(jobId: string): Promise<{ readonly entries: number; readonly bytes: number }>;
	survey(): Promise<Unfit[]>;
	close(): Promise<void>;
}
