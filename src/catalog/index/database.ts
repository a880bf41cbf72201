/** The catalog's file: opened, checked, and made anew when it can't be used. It is only an index, so nothing is lost by that. */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import Database from "libsql";
import { LRUCache } from "lru-cache";
import { CREATE_TABLES, SCHEMA_VERSION } from "./schema.js";

export type Connection = Database.Database;

/** What the log keeps on the disk after a large transaction. */
const WAL_BYTES = 16 * 1_048_576;
/** Of a reader. */
const MAX_STATEMENTS = 100;
const SIDE_FILES = ["", "-wal", "-shm"];

export interface OpenedDatabase {
	readonly db: Connection;
	readonly epoch: string;
	/** Why the file that was there could not be used; null when it could, or there was none. */
	readonly discarded: string | null;
}

/** `check` reads what the caller needs; when that fails, the file is thrown away too. With `anew` it is not even looked at. */
export function openDatabase(path: string, cacheKiB: number, anew: boolean, check: (db: Connection) => void): OpenedDatabase {
	if (anew) return createDatabase(path, cacheKiB, null);
	try {
		const db = connect(path, cacheKiB);
		try {
			const version = scalar(db, "PRAGMA user_version");
			if (version === SCHEMA_VERSION) {
				check(db);
				return { db, epoch: String(scalar(db, "SELECT value FROM meta WHERE name = 'epoch'")), discarded: null };
			}
			const isNew = version === 0 && scalar(db, "SELECT count(*) FROM sqlite_master") === 0;
			db.close();
			return createDatabase(path, cacheKiB, isNew ? null : `its version is ${version}, not ${SCHEMA_VERSION}`);
		} catch (error) {
			db.close();
			throw error;
		}
	} catch (error) {
		if (!(error instanceof Error)) throw error;
		return createDatabase(path, cacheKiB, error.message);
	}
}

/** For readers: never writes, never creates. */
export function openForReading(path: string, cacheKiB: number): Connection {
	const db = new Database(path);
	db.exec(`PRAGMA query_only = ON; ${settings(cacheKiB)}`);
	statements.set(db, new LRUCache({ max: MAX_STATEMENTS }));
	return db;
}

function createDatabase(path: string, cacheKiB: number, discarded: string | null): OpenedDatabase {
	for (const suffix of SIDE_FILES) rmSync(path + suffix, { force: true });
	const db = connect(path, cacheKiB);
	const epoch = randomUUID();
	db.exec(CREATE_TABLES);
	db.prepare("INSERT INTO meta (name, value) VALUES ('epoch', ?), ('revision', 0)").run([epoch]);
	db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
	return { db, epoch, discarded };
}

function connect(path: string, cacheKiB: number): Connection {
	const db = new Database(path);
	db.exec("PRAGMA journal_mode = WAL");
	db.exec(`PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${WAL_BYTES}; ${settings(cacheKiB)}`);
	return db;
}

/** Memory stays the same however many entries there are: sorting goes through files, which libsql would else keep in memory. */
function settings(cacheKiB: number): string {
	return `PRAGMA cache_size = -${cacheKiB}; PRAGMA temp_store = FILE; PRAGMA mmap_size = 0; PRAGMA busy_timeout = 5000`;
}

/**
 * Of readers, each text prepared once. A statement holds memory of the library, which is freed when the engine collects its small
 * object: a thread that pages through millions of entries makes thousands of them before it does.
 */
const statements = new WeakMap<Connection, LRUCache<string, Database.Statement>>();

/** All rows. The only one to use these statements: one that was read to its end takes no other parameters for `get` in libsql 0.5. */
export function rowsOf<Row>(db: Connection, query: string, parameters: readonly unknown[]): Row[] {
	const kept = statements.get(db);
	const statement = kept?.get(query) ?? db.prepare(query).raw();
	kept?.set(query, statement);
	return statement.all(parameters) as unknown as Row[];
}

/** The first column of the first row; undefined without one. */
export function scalar(db: Connection, query: string, parameters: readonly unknown[] = []): unknown {
	return rowsOf<unknown[]>(db, query, parameters)[0]?.[0];
}
