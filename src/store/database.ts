import Database from "libsql";

/** What may be bound. Booleans abort the process inside libsql 0.5.29, so they are not among them. */
export type SqlValue = string | number | bigint | null | Uint8Array;

/** Rows are asserted, not checked: the statement and its type stand next to each other. */
export interface Statement {
	rows<T>(...values: SqlValue[]): T[];
	row<T>(...values: SqlValue[]): T | undefined;
	/** Number of rows changed. Not for statements that return rows. */
	run(...values: SqlValue[]): number;
}

/** One connection, as procedures see it. */
export interface Db {
	prepare(sql: string): Statement;
	exec(sql: string): void;
	readonly inTransaction: boolean;
	close(): void;
}

/**
 * libsql 0.5.29 keeps the values of the call before when `get` follows `all` on one statement, and leaves it open after
 * the first row, which forbids savepoints. `all` does neither, so everything that returns rows goes through it.
 */
export function openDatabase(path: string): Db {
	const database = new Database(path);
	return {
		prepare(sql) {
			const statement = database.prepare<SqlValue[][]>(sql);
			return {
				rows: <T>(...values: SqlValue[]) => statement.all(values) as T[],
				row: <T>(...values: SqlValue[]) => statement.all(values)[0] as T | undefined,
				run: (...values) => statement.run(values).changes,
			};
		},
		exec: (sql) => {
			database.exec(sql);
		},
		get inTransaction() {
			return database.inTransaction;
		},
		close: () => {
			database.close();
		},
	};
}

/** SQLite's name for what went wrong (`SQLITE_FULL`), null for an error of another kind. */
export function sqliteCode(error: unknown): string | null {
	const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
	return typeof code === "string" && code.startsWith("SQLITE_") ? code : null;
}
