/** The port of data sources: what is synced from time to time, and which entries that makes stale. */
export interface DataSource {
	readonly name: string;
	readonly types: readonly string[];
	/** Null: entries of every symbol. */
	readonly symbols: readonly string[] | null;
	/** Runs the source's own sync of these symbols, or of all (null). Rejects with SYNC_FAILED, or with the signal's reason. Null: it runs elsewhere and is reported. */
	readonly sync: ((symbols: readonly string[] | null, signal: AbortSignal) => Promise<void>) | null;
}
