import { AsyncLocalStorage } from "node:async_hooks";
import type { CacheBackend, RemovalOptions, RemovalOutcome } from "../../backends/backend.js";
import type { EntryRef } from "../../core/entry.js";
import type { Lease } from "./leases.js";

export interface CurrentRun {
	readonly jobId: string;
	readonly requestId: string;
	readonly userId: string;
	/** Which attempt at the job it is. */
	readonly attempt: number;
	readonly lease: Lease;
	/** Has workers remove the entries; null when they are to be removed here. */
	readonly share: ((own: CacheBackend, entries: readonly EntryRef[], options: RemovalOptions) => Promise<RemovalOutcome[]>) | null;
}

/** The run that a handler's calls belong to, for those who are given no more than what a port says. */
export const currentRun = new AsyncLocalStorage<CurrentRun>();
