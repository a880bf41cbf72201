/**
 * What is known of the caches in the field (docs: cache layouts), as pure functions: names in, meaning out. The catalog's
 * scanner and the file backends share it, so that what is listed and what is deleted are the same thing.
 */
import type { TimesToLiveHours } from "../../config/config.js";
import type { CreatedAtSource, EntryFingerprint } from "../../core/entry.js";

export type LayoutName = "metadata" | "pickle" | "plain" | "python";

/** What lstat says, in the form that a fingerprint is made of. Times are milliseconds with fractions. */
export interface StatFacts {
	readonly kind: "file" | "directory" | "link" | "fifo" | "socket" | "device";
	readonly size: number;
	readonly mtimeMs: number;
	readonly ctimeMs: number;
	readonly atimeMs: number;
	readonly ino: number;
	readonly links: number;
}

export interface LayoutSettings {
	/** IANA name: zone of times written without one. */
	readonly timeZone: string;
	readonly timesToLiveHours: TimesToLiveHours;
}

/** An entry as its layout reads it, before the catalog gives it an id. */
export interface DescribedEntry {
	readonly key: string;
	readonly type: string;
	readonly symbol: string | null;
	readonly source: string | null;
	readonly size: number;
	readonly createdAt: number;
	readonly createdAtSource: CreatedAtSource;
	readonly lastAccessedAt: number | null;
	readonly expiresAt: number | null;
	/** Metadata without data. */
	readonly orphaned: boolean;
	/** Its metadata could not be read; it is listed by its data file. */
	readonly brokenMetadata: boolean;
	/** Relative to the root, with `/`; null when orphaned. */
	readonly locator: string | null;
	readonly fingerprint: EntryFingerprint;
}
