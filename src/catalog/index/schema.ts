/** Raised whenever tables or their meaning change: a file of another version is thrown away and built again. */
export const SCHEMA_VERSION = 2;

/** `entries.n` is the order of arrival; `location` stands for what a locator has beside its key. */
export const CREATE_TABLES = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE places (id INTEGER PRIMARY KEY, backend TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, layout TEXT NOT NULL,
	as_of INTEGER NOT NULL, UNIQUE (backend, name));
CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE locations (id INTEGER PRIMARY KEY, layout TEXT NOT NULL, prefix TEXT, suffix TEXT NOT NULL);
CREATE TABLE entries (
	n INTEGER PRIMARY KEY, id BLOB NOT NULL, place INTEGER NOT NULL, type INTEGER NOT NULL, location INTEGER NOT NULL,
	key TEXT NOT NULL, symbol TEXT, source TEXT, size INTEGER NOT NULL, created_at INTEGER, created_source INTEGER NOT NULL,
	accessed_at INTEGER, expires_at INTEGER, hit_count INTEGER, flags INTEGER NOT NULL,
	data_fp INTEGER, metadata_fp INTEGER, rev INTEGER NOT NULL);
CREATE TABLE landmarks (place INTEGER NOT NULL, created_at INTEGER NOT NULL, id BLOB NOT NULL, entries INTEGER NOT NULL,
	PRIMARY KEY (place, created_at, id)) WITHOUT ROWID;
`;

/**
 * Stands for no creation time where times are compared: less than any. Every place has a landmark here and one right behind it, so
 * that none spans entries with and without a time.
 */
export const NO_TIME = -8_640_000_000_000_001;
export const FIRST_TIME = NO_TIME + 1;

/**
 * Made after the first load, which is faster than keeping them up during it. Those that give an order begin with the
 * place: a list over several places merges one range of each, so that a small layer is not searched for in a large one.
 */
export const INDEXES: readonly { readonly name: string; readonly unique?: boolean; readonly on: string }[] = [
	{ name: "entries_id", unique: true, on: "entries (place, id)" },
	{ name: "entries_created", on: "entries (place, created_at, id)" },
	{ name: "entries_size", on: "entries (place, size, id)" },
	{ name: "entries_key", unique: true, on: "entries (place, key)" },
	{ name: "entries_accessed", on: "entries (place, accessed_at, id)" },
	{ name: "entries_hits", on: "entries (place, hit_count, id) WHERE hit_count IS NOT NULL" },
	{ name: "entries_expires", on: "entries (expires_at) WHERE expires_at IS NOT NULL" },
	{ name: "entries_symbol", on: "entries (symbol) WHERE symbol IS NOT NULL" },
	{ name: "entries_type", on: "entries (type, place)" },
	{ name: "entries_flags", on: "entries (flags) WHERE flags <> 0" },
];

/** As many as `INDEXES` once the first load has ended. */
export const COUNT_INDEXES = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'entries!_%' ESCAPE '!'";

export const ENTRY_COLUMNS = [
	"n",
	"id",
	"place",
	"type",
	"location",
	"key",
	"symbol",
	"source",
	"size",
	"created_at",
	"created_source",
	"accessed_at",
	"expires_at",
	"hit_count",
	"flags",
	"data_fp",
	"metadata_fp",
	"rev",
] as const;
