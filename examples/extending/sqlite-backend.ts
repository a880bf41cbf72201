/** A cache layer of your own: rows of a SQLite table that other programs write, each with a version that rises when it is rewritten. */
import { existsSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import Database from "libsql";
import type { BackendHealth, CacheBackend, EntryPreview, RemovalOptions, RemovalOutcome } from "../../src/backends/backend.js";
import type { BackendKind, EntryRef } from "../../src/core/entry.js";
import { CachewardenError, failureOf } from "../../src/core/errors.js";

export interface SqliteBackendOptions {
	/** Which of the layers it stands for; one of its own is a word more in `BACKEND_KINDS`. */
	readonly kind: BackendKind;
	readonly place: string;
	/** A database with `cache (key TEXT PRIMARY KEY, value BLOB, version INTEGER)`. */
	readonly file: string;
}

/** So many rows are removed before others get their turn, and a cancel is seen. */
const AT_ONCE = 10;

/** `fingerprint.data` of an entry is the version that it had when it was selected. */
export function openSqliteBackend({ kind, place, file }: SqliteBackendOptions): CacheBackend {
	let opened: Database.Database | null = null;

	function database(): Database.Database {
		// The file may have gone while it is open.
		if (!existsSync(file)) throw new CachewardenError("BACKEND_UNAVAILABLE");
		opened ??= new Database(file);
		return opened;
	}

	function versionOf(key: string): number | null {
		const row = database().prepare("SELECT version FROM cache WHERE key = ?").get(key) as { readonly version: number } | undefined;
		return row?.version ?? null;
	}

	/** Null: whole, and only what is half was to be finished. */
	function removeOne({ id, key, size, ...entry }: EntryRef, resumed: boolean, stopped: boolean): RemovalOutcome | null {
		try {
			if (entry.place !== place) throw new CachewardenError("BAD_PATH");
			const version = versionOf(key);
			if (version === null) return resumed ? { id, outcome: "deleted", freedBytes: size } : { id, outcome: "skipped", reason: "gone" };
			if (version !== entry.fingerprint.data) return { id, outcome: "skipped", reason: "changed" };
			if (stopped) return null;
			// Compared and removed in one statement: whoever wrote in between keeps it.
			const { changes } = database().prepare("DELETE FROM cache WHERE key = ? AND version = ?").run(key, version);
			return changes === 1 ? { id, outcome: "deleted", freedBytes: size } : { id, outcome: "skipped", reason: "changed" };
		} catch (error) {
			return { id, outcome: "failed", failure: failureOf(error) };
		}
	}

	return {
		kind,
		places: [place],

		async remove(entries: readonly EntryRef[], { signal, resumed }: RemovalOptions): Promise<RemovalOutcome[]> {
			const outcomes: RemovalOutcome[] = [];
			for (const [i, entry] of entries.entries()) {
				if (i % AT_ONCE === 0) await setImmediate();
				if (signal.aborted && !resumed) break;
				const outcome = removeOne(entry, resumed, signal.aborted);
				if (outcome !== null) outcomes.push(outcome);
			}
			return outcomes;
		},

		async preview({ key }: EntryRef, maxBytes: number): Promise<EntryPreview | null> {
			const sql = "SELECT substr(CAST(value AS BLOB), 1, ?) AS start, length(CAST(value AS BLOB)) AS size FROM cache WHERE key = ?";
			const row = database().prepare(sql).get(maxBytes, key) as { readonly start: Buffer; readonly size: number } | undefined;
			if (row === undefined) return null;
			return { mediaType: "text/plain", text: Buffer.from(row.start).toString("utf8"), truncated: row.size > maxBytes };
		},

		async health(): Promise<BackendHealth[]> {
			const about = { id: `${kind.toLowerCase()}:${place}`, kind, location: file, version: null, usedMemoryBytes: null };
			const began = performance.now();
			try {
				database().prepare("SELECT 1").get();
				return [{ ...about, available: true, latencyMs: performance.now() - began, error: null, checkedAt: Date.now() }];
			} catch (error) {
				return [{ ...about, available: false, latencyMs: null, error: failureOf(error), checkedAt: Date.now() }];
			}
		},

		async close(): Promise<void> {
			opened?.close();
			opened = null;
		},
	};
}
