/** Tables of the embedded audit log. Intents live apart: an entry is inserted once, with its outcome, and never updated. */
export const auditMigrations = [
	`
	CREATE TABLE audit_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
	INSERT INTO audit_state VALUES ('log', lower(hex(randomblob(5)))), ('cut', '0');
	CREATE TABLE audit_intents (ticket TEXT PRIMARY KEY, intent TEXT NOT NULL) WITHOUT ROWID;
	CREATE TABLE audit_entries (
		sequence INTEGER PRIMARY KEY,
		id TEXT NOT NULL UNIQUE,
		user_id TEXT NOT NULL,
		username TEXT NOT NULL,
		session_id TEXT,
		origin TEXT,
		action_type TEXT NOT NULL,
		action TEXT NOT NULL,
		details TEXT NOT NULL,
		success INTEGER NOT NULL,
		error_code TEXT,
		error_message TEXT,
		duration_ms INTEGER,
		ip_address TEXT,
		user_agent TEXT,
		request_id TEXT,
		job_id TEXT,
		timestamp INTEGER NOT NULL,
		previous_hash TEXT NOT NULL,
		hash TEXT NOT NULL
	);
	CREATE INDEX audit_entries_by_user ON audit_entries (user_id);
	CREATE INDEX audit_entries_by_job ON audit_entries (job_id) WHERE job_id IS NOT NULL;
	CREATE INDEX audit_entries_by_time ON audit_entries (timestamp, action_type, success);
	CREATE INDEX audit_entries_by_type ON audit_entries (action_type);
	CREATE VIRTUAL TABLE audit_search USING fts5(text, tokenize = 'trigram');
	`,
];
