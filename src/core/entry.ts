/** The vocabulary of what a cache holds. Sizes are bytes, times are milliseconds since the epoch (UTC). */

export const BACKEND_KINDS = ["FILE", "REDIS", "MONGODB", "PYTHON"] as const;
/** Also the order in which a job over several layers works: file, database, python. */
export type BackendKind = (typeof BACKEND_KINDS)[number];

/** Of the others the entries are files. */
export function isServer(kind: BackendKind): boolean {
	return kind === "REDIS" || kind === "MONGODB";
}

export const ENTRY_STATUSES = ["FRESH", "STALE", "EXPIRED", "ORPHANED"] as const;
export type EntryStatus = (typeof ENTRY_STATUSES)[number];

export const CREATED_AT_SOURCES = ["RECORDED", "MODIFIED", "EXPIRY", "UNKNOWN"] as const;
export type CreatedAtSource = (typeof CREATED_AT_SOURCES)[number];

/** One entry of one layer. `createdAt` is null only when `createdAtSource` is UNKNOWN. */
export interface Entry {
	readonly id: string;
	readonly key: string;
	readonly backend: BackendKind;
	/** The configured name of the root, namespace or collection that it lies in. */
	readonly place: string;
	readonly type: string;
	readonly symbol: string | null;
	readonly source: string | null;
	readonly size: number;
	readonly createdAt: number | null;
	readonly createdAtSource: CreatedAtSource;
	readonly lastAccessedAt: number | null;
	readonly expiresAt: number | null;
	readonly hitCount: number | null;
	readonly status: EntryStatus;
}

/**
 * An entry together with what proves, when its turn comes, that it is still the one that was selected.
 * `locator` is where its value lies inside its place (a path relative to the root for files), null when it has no value
 * (metadata without data). `fingerprint` is made by the backend and only ever compared by it; `null` matches nothing.
 */
export interface EntryRef {
	readonly id: string;
	readonly key: string;
	readonly backend: BackendKind;
	readonly place: string;
	readonly type: string;
	readonly size: number;
	readonly locator: string | null;
	readonly fingerprint: EntryFingerprint;
}

/** 52-bit hashes of (size, mtime, ctime, inode) for files; the backend's own proof elsewhere. */
export interface EntryFingerprint {
	readonly data: number | null;
	readonly metadata: number | null;
}

/** Entries and bytes of one backend and type. */
export interface EntryTally {
	readonly backend: BackendKind;
	readonly type: string;
	readonly entries: number;
	readonly bytes: number;
}
