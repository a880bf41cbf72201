/** A thread of the store: the one that holds the lock and writes, or the one that reads beside it. */
import { closeSync, openSync } from "node:fs";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type Db, openDatabase, sqliteCode } from "./database.js";
import type { CallMessage, FromThread, Outcome, ThreadData, ToThread, UseMessage } from "./messages.js";
import { migrate } from "./migrate.js";
import type { Procedures, StoreModule, StoreThread } from "./procedures.js";
import { thrownMessage } from "./thrown.js";

/** Longer transactions make the calls at their beginning wait for those at their end. */
const MAX_CALLS_IN_TRANSACTION = 1000;
/** For an administrator's tool that has the file open beside us. */
const BUSY_TIMEOUT_MS = 2000;

const port = parentPort as MessagePort;
const { role, storeFile, lockFile } = workerData as ThreadData;
const modules = new Map<string, Procedures>();
let effects: (() => void)[] = [];
const closing: (() => void)[] = [];

let transactions = 0;

const thread: StoreThread = {
	transaction: () => transactions,
	afterCommit: (effect) => {
		if (!effects.includes(effect)) effects.push(effect);
	},
	onClose: (effect) => {
		closing.push(effect);
	},
	warn: (message, facts) => post({ kind: "warn", message, facts }),
};

function post(message: FromThread): void {
	port.postMessage(message);
}

function reply(...outcomes: Outcome[]): void {
	post({ kind: "outcomes", outcomes });
}

/** The lock is SQLite's own: one process can hold it, and the kernel takes it back when that process dies, however it dies. */
function takeLock(): Db {
	const lock = openDatabase(lockFile);
	lock.exec("BEGIN EXCLUSIVE");
	return lock;
}

/** SQLite gives its other files the mode of this one. */
function createPrivately(path: string): void {
	closeSync(openSync(path, "a", 0o600));
}

function open(): { readonly db: Db; readonly lock: Db | null } {
	const lock = role === "write" ? takeLock() : null;
	try {
		if (role === "write") createPrivately(storeFile);
		const db = openDatabase(storeFile);
		db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
		if (role === "write") {
			db.exec("PRAGMA journal_mode = WAL");
			db.exec("PRAGMA synchronous = FULL");
			db.exec("PRAGMA journal_size_limit = 16777216");
		} else db.exec("PRAGMA query_only = 1");
		return { db, lock };
	} catch (error) {
		lock?.close();
		throw error;
	}
}

async function use({ call, module, url, options }: UseMessage): Promise<void> {
	try {
		const loaded = ((await import(url)) as { readonly storeModule: StoreModule<unknown, Procedures, Procedures> }).storeModule;
		if (role === "write") migrate(db, module, loaded.migrations);
		modules.set(module, role === "write" ? loaded.writes(db, options, thread) : loaded.reads(db, options, thread));
		reply({ call, ok: true, value: null });
	} catch (error) {
		reply({ call, ok: false, thrown: thrownMessage(error) });
	}
}

function perform({ module, name, argument }: CallMessage): unknown {
	const procedure = modules.get(module)?.[name];
	if (procedure === undefined) throw new Error(`the store has no procedure ${module}.${name}`);
	return procedure(argument as never);
}

function read(message: CallMessage): Outcome {
	db.exec("BEGIN");
	try {
		return { call: message.call, ok: true, value: perform(message) };
	} catch (error) {
		return { call: message.call, ok: false, thrown: thrownMessage(error) };
	} finally {
		if (db.inTransaction) db.exec("ROLLBACK");
	}
}

/** Everything that waits goes into one transaction, so that many callers share one wait for the disk. */
function write(first: CallMessage): readonly Outcome[] {
	const outcomes: Outcome[] = [];
	const calls = [first];
	effects = [];
	transactions++;
	try {
		db.exec("BEGIN IMMEDIATE");
		for (let next: CallMessage | null = first; next !== null; next = calls.length < MAX_CALLS_IN_TRANSACTION ? waitingCall() : null) {
			if (next !== first) calls.push(next);
			outcomes.push(writeOne(next));
		}
		db.exec("COMMIT");
	} catch (error) {
		if (db.inTransaction) db.exec("ROLLBACK");
		const thrown = thrownMessage(error);
		return calls.map(({ call }) => ({ call, ok: false, thrown }));
	}
	for (const effect of effects) attempt(effect);
	return outcomes;
}

function attempt(effect: () => void): void {
	try {
		effect();
	} catch (error) {
		thread.warn("work beside the store failed", { error: error instanceof Error ? error.message : String(error) });
	}
}

/** A refusal undoes its own call only; a failure of the disk may have undone the whole transaction, so it ends it for all. */
function writeOne(message: CallMessage): Outcome {
	db.exec("SAVEPOINT one_call");
	try {
		const value = perform(message);
		db.exec("RELEASE one_call");
		return { call: message.call, ok: true, value };
	} catch (error) {
		if (isDiskFailure(error) || !db.inTransaction) throw error;
		db.exec("ROLLBACK TO one_call");
		db.exec("RELEASE one_call");
		return { call: message.call, ok: false, thrown: thrownMessage(error) };
	}
}

function isDiskFailure(error: unknown): boolean {
	return /^SQLITE_(FULL|IOERR|NOMEM|CORRUPT|READONLY|CANTOPEN|NOTADB)/.test(sqliteCode(error) ?? "");
}

/** Messages of another kind, met while looking for calls, wait for the transaction's end. */
const postponed: ToThread[] = [];

function waitingCall(): CallMessage | null {
	if (postponed.length > 0) return null;
	const received = receiveMessageOnPort(port) as { readonly message: ToThread } | undefined;
	if (received === undefined) return null;
	if (received.message.kind === "call") return received.message;
	postponed.push(received.message);
	return null;
}

function handle(message: ToThread): void {
	if (message.kind === "call") {
		if (role === "read") reply(read(message));
		else reply(...write(message));
	} else if (message.kind === "use") void use(message);
	else {
		for (const effect of closing) attempt(effect);
		db.close();
		lock?.close();
		reply({ call: message.call, ok: true, value: null });
		port.close();
	}
}

let db: Db;
let lock: Db | null;
try {
	({ db, lock } = open());
	post({ kind: "opened" });
	port.on("message", (message: ToThread) => {
		handle(message);
		for (let next = postponed.shift(); next !== undefined; next = postponed.shift()) handle(next);
	});
} catch (error) {
	post({ kind: "notOpened", thrown: thrownMessage(error) });
	port.close();
}
