import type { Db } from "./database.js";

/** What a procedure may ask of the thread it runs in. */
export interface StoreThread {
	/** The number of the transaction that runs now: two calls that see the same one are durable together or not at all. */
	transaction(): number;
	/** Called once after the transaction that runs now is durable; not at all when it is rolled back. Nothing that it throws undoes the transaction. */
	afterCommit(effect: () => void): void;
	/** Called once before the thread ends. */
	onClose(effect: () => void): void;
	/** To the process's log. */
	warn(message: string, facts: Readonly<Record<string, unknown>>): void;
}

/** Runs inside the store's thread and returns plain data. A throw undoes what the procedure did and reaches the caller. */
type Procedure = (argument: never) => unknown;
export type Procedures = Readonly<Record<string, Procedure>>;

/**
 * A module of tables and procedures that adapters bring to the store. It is loaded inside the store's threads: `writes` in
 * the one that changes the store, several of them to a transaction, `reads` in one that sees what was durable when each began.
 */
export interface StoreModule<Options, Writes extends Procedures, Reads extends Procedures> {
	/** Applied in order, once each; never edited after a release. */
	readonly migrations: readonly string[];
	writes(db: Db, options: Options, thread: StoreThread): Writes;
	reads(db: Db, options: Options, thread: StoreThread): Reads;
}

type Called<P extends Procedures> = {
	readonly [Name in keyof P]: (...argument: Parameters<P[Name]>) => Promise<ReturnType<P[Name]>>;
};

export type AnyModule = StoreModule<never, Procedures, Procedures>;
export type OptionsOf<Module> = Module extends StoreModule<infer Options, Procedures, Procedures> ? Options : never;

/** A module's procedures as the main thread calls them. */
export type CallsOf<Module> =
	Module extends StoreModule<infer _Options, infer Writes, infer Reads>
		? { readonly write: Called<Writes>; readonly read: Called<Reads> }
		: never;
