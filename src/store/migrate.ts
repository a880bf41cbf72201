import type { Db } from "./database.js";

/** Brings a module's tables up to date, all or nothing. A store from a newer version of the program is refused. */
export function migrate(db: Db, module: string, migrations: readonly string[]): void {
	db.exec("BEGIN IMMEDIATE");
	try {
		db.exec("CREATE TABLE IF NOT EXISTS schema_versions (module TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID");
		const done = db.prepare("SELECT version FROM schema_versions WHERE module = ?").row<{ version: number }>(module)?.version ?? 0;
		if (done > migrations.length)
			throw new Error(
				`the store holds version ${done} of its ${module} tables, this program knows ${migrations.length}; use the newer program`,
			);
		for (const migration of migrations.slice(done)) db.exec(migration);
		db.prepare("INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT (module) DO UPDATE SET version = excluded.version").run(
			module,
			migrations.length,
		);
		db.exec("COMMIT");
	} catch (error) {
		if (db.inTransaction) db.exec("ROLLBACK");
		throw error;
	}
}
