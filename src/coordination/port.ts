/** The port of agreements between everybody who works on the same layers: threads of one process, or several processes. */
export interface Lease {
	/** Aborted when the lock was lost: what it protected may have been begun by another. */
	readonly signal: AbortSignal;
	release(): Promise<void>;
}

export interface Coordination {
	/** Waits until nobody else holds the name. Rejects with the signal's reason when that comes first. A holder that dies lets go within 30 s. */
	lock(name: string, signal: AbortSignal): Promise<Lease>;
	/** Tells everybody something for so long. */
	tell(name: string, text: string, forMs: number): Promise<void>;
	told(name: string): Promise<string | null>;
	close(): Promise<void>;
}
