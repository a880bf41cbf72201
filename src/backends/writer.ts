/**
 * The port through which values get into a cache layer, in the form that the field's programs read and write. What was written
 * reads back by the format's own rules; one contract suite (test/contract/writer.ts) holds every adapter to it.
 */
import type { BackendKind, EntryFingerprint } from "../core/entry.js";

/** What an entry was loaded with, or is to be loaded with. Dates are `YYYY-MM-DD`. */
export interface Recipe {
	readonly symbol: string;
	readonly type: string;
	/** `data_source` in the field's formats. */
	readonly source: string | null;
	readonly startDate: string | null;
	readonly endDate: string | null;
}

export const TEXT_FORMATS = ["csv", "txt", "json"] as const;
export type TextFormat = (typeof TEXT_FORMATS)[number];

/** A pickle is carried as it is, byte for byte, under the 32 hexadecimal digits that are its key everywhere. */
export type CacheValue =
	| { readonly form: "text"; readonly bytes: Uint8Array; readonly format: TextFormat }
	| { readonly form: "pickle"; readonly bytes: Uint8Array };

/** Where an entry lies: what is needed of an `EntryRef`. */
export interface StoredAt {
	readonly place: string;
	readonly key: string;
	readonly locator: string | null;
}

export interface StoredValue {
	readonly recipe: Recipe;
	readonly value: CacheValue;
	readonly createdAt: number;
}

export interface WriteOrder {
	readonly place: string;
	readonly key: string;
	readonly recipe: Recipe;
	readonly value: CacheValue;
	/** The entry's new creation time. */
	readonly createdAt: number;
	/** The entry that the value takes the place of: when it is no longer that one, nothing is written. Null: whatever lies there. */
	readonly replaces: (StoredAt & { readonly size: number; readonly fingerprint: EntryFingerprint }) | null;
}

export type WriteOutcome =
	/** Bytes of the value as it lies there. */
	| { readonly outcome: "written"; readonly bytes: number }
	/** Somebody else wrote the entry meanwhile: theirs stays. */
	| { readonly outcome: "changed" };

/** A writer of one layer. Every call may reject with BACKEND_UNAVAILABLE, BACKEND_TIMEOUT, PERMISSION_DENIED or BAD_PATH. */
export interface CacheWriter {
	readonly kind: BackendKind;
	/** The place that takes entries of this type and form; null when the layer has none. */
	placeFor(type: string, form: CacheValue["form"]): Promise<string | null>;
	/** The key that the field's programs give such an entry, at that time for formats whose keys hold the day. Throws for a pickle: its key comes with it. */
	keyOf(recipe: Recipe, at: number): string;
	/** What the entry says that it was loaded with, without reading its value; null when it is gone, or says too little. */
	recipeOf(entry: StoredAt): Promise<Recipe | null>;
	/** The whole value; null when it is gone. BAD_USER_INPUT for one that is larger than `maxBytes`. */
	read(entry: StoredAt, maxBytes: number): Promise<StoredValue | null>;
	/** When the entry was made, read from the layer itself; null when there is none. */
	createdAt(entry: StoredAt): Promise<number | null>;
	/** The value that was there is readable, whole, until the new one is: in place, durable and compared with what was to be written. */
	write(order: WriteOrder): Promise<WriteOutcome>;
	/** Stores something that nobody asked for, reads it back, compares and removes it. Answers within 5 s. */
	probe(): Promise<void>;
	close(): Promise<void>;
}
