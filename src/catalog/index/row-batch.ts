/**
 * How entries travel from whoever reads a layer to the one thread that writes the index: columns, not objects. Numbers
 * and ids are transferred without copying; NaN stands for null. Every batch carries its own small dictionaries.
 */

import type { ReportedEntry } from "../../backends/entry-source.js";
import type { BackendKind, CreatedAtSource } from "../../core/entry.js";
import { entryId } from "../../core/entry-id.js";
import { combinedFingerprint } from "./key-hash.js";

/** Where values lie inside a place: locator = prefix + key + suffix; a null prefix is an entry without a value. */
export interface Location {
	readonly layout: string;
	readonly prefix: string | null;
	readonly suffix: string;
}

export const ORPHANED = 1;
/** Expired softly, still readable. */
export const STALE = 2;
export const BROKEN_METADATA = 4;

export const CREATED_SOURCES: readonly CreatedAtSource[] = ["RECORDED", "MODIFIED", "EXPIRY", "UNKNOWN"];

/** Columns of `RowBatch.numbers`. */
export const COLUMN = {
	hash: 0,
	/** Combined, as `KnownEntries` compares it; 0 when the entry may have changed again unnoticed. */
	known: 1,
	size: 2,
	createdAt: 3,
	createdSource: 4,
	accessedAt: 5,
	expiresAt: 6,
	hitCount: 7,
	flags: 8,
	dataFingerprint: 9,
	metadataFingerprint: 10,
	type: 11,
	symbol: 12,
	source: 13,
	location: 14,
} as const;
export const COLUMNS = 15;
export const DIGEST_BYTES = 10;

export interface RowBatch {
	/** `id` in the table of places. */
	readonly placeId: number;
	readonly count: number;
	readonly ids: Uint8Array;
	readonly numbers: Float64Array;
	readonly keys: readonly string[];
	readonly types: readonly string[];
	readonly symbols: readonly string[];
	readonly sources: readonly string[];
	readonly locations: readonly Location[];
	/** Entries of which only the last access moved: hash and time, in turn. */
	readonly touched: Float64Array;
}

class Dictionary<T> {
	readonly items: T[] = [];
	readonly #index = new Map<string, number>();

	indexOf(name: string, item: T): number {
		let index = this.#index.get(name);
		if (index === undefined) {
			index = this.items.push(item) - 1;
			this.#index.set(name, index);
		}
		return index;
	}
}

export class RowBatchBuilder {
	readonly #ids: Buffer;
	readonly #numbers: Float64Array;
	readonly #keys: string[] = [];
	readonly #types = new Dictionary<string>();
	readonly #symbols = new Dictionary<string>();
	readonly #sources = new Dictionary<string>();
	readonly #locations = new Dictionary<Location>();
	readonly #touched: number[] = [];
	/** Neighbours mostly lie in the same place. */
	#lastLocation: (Location & { readonly index: number }) | null = null;

	constructor(
		private readonly place: { readonly id: number; readonly backend: BackendKind; readonly name: string },
		private readonly capacity: number,
	) {
		this.#ids = Buffer.from(new ArrayBuffer(capacity * DIGEST_BYTES));
		this.#numbers = new Float64Array(capacity * COLUMNS);
	}

	get full(): boolean {
		return this.#keys.length >= this.capacity || this.#touched.length >= this.capacity * 2;
	}

	get empty(): boolean {
		return this.#keys.length === 0 && this.#touched.length === 0;
	}

	/** `settled` is false when the entry changed so recently that its times may not tell the next change. */
	add(hash: number, layout: string, entry: ReportedEntry, settled: boolean): void {
		const row = this.#keys.push(entry.key) - 1;
		this.#ids.write(entryId(this.place.backend, this.place.name, entry.key).slice(1), row * DIGEST_BYTES, "hex");
		const numbers = this.#numbers;
		const at = row * COLUMNS;
		const { data, metadata } = entry.fingerprint;
		numbers[at + COLUMN.hash] = hash;
		numbers[at + COLUMN.known] = settled ? combinedFingerprint(data, metadata) : 0;
		numbers[at + COLUMN.size] = entry.size;
		numbers[at + COLUMN.createdAt] = entry.createdAt ?? Number.NaN;
		numbers[at + COLUMN.createdSource] = CREATED_SOURCES.indexOf(entry.createdAtSource);
		numbers[at + COLUMN.accessedAt] = entry.lastAccessedAt ?? Number.NaN;
		numbers[at + COLUMN.expiresAt] = entry.expiresAt ?? Number.NaN;
		numbers[at + COLUMN.hitCount] = entry.hitCount ?? Number.NaN;
		numbers[at + COLUMN.flags] = (entry.orphaned ? ORPHANED : 0) | (entry.brokenMetadata ? BROKEN_METADATA : 0);
		numbers[at + COLUMN.dataFingerprint] = data ?? Number.NaN;
		numbers[at + COLUMN.metadataFingerprint] = metadata ?? Number.NaN;
		numbers[at + COLUMN.type] = this.#types.indexOf(entry.type, entry.type);
		numbers[at + COLUMN.symbol] = entry.symbol === null ? Number.NaN : this.#symbols.indexOf(entry.symbol, entry.symbol);
		numbers[at + COLUMN.source] = entry.source === null ? Number.NaN : this.#sources.indexOf(entry.source, entry.source);
		numbers[at + COLUMN.location] = this.#location(layout, entry.key, entry.locator);
	}

	touch(hash: number, accessedAt: number): void {
		this.#touched.push(hash, accessedAt);
	}

	build(): RowBatch {
		return {
			placeId: this.place.id,
			count: this.#keys.length,
			ids: this.#ids,
			numbers: this.#numbers,
			keys: this.#keys,
			types: this.#types.items,
			symbols: this.#symbols.items,
			sources: this.#sources.items,
			locations: this.#locations.items,
			touched: Float64Array.from(this.#touched),
		};
	}

	#location(layout: string, key: string, locator: string | null): number {
		const last = this.#lastLocation;
		if (last && last.layout === layout && isAt(last, key, locator)) return last.index;
		const start = locator?.indexOf(key) ?? -1;
		const prefix = locator === null ? null : locator.slice(0, start);
		const suffix = locator === null ? "" : locator.slice(start + key.length);
		const index = this.#locations.indexOf(`${layout}\0${prefix ?? "\0"}\0${suffix}`, { layout, prefix, suffix });
		this.#lastLocation = { layout, prefix, suffix, index };
		return index;
	}
}

/** Whether `locator` is prefix, key and suffix, told without making new texts. */
function isAt({ prefix, suffix }: Location, key: string, locator: string | null): boolean {
	if (locator === null || prefix === null) return locator === prefix;
	const length = prefix.length + key.length + suffix.length;
	return locator.length === length && locator.startsWith(prefix) && locator.endsWith(suffix) && locator.startsWith(key, prefix.length);
}

/** The memory that goes with a batch instead of being copied. */
export function transferablesOf(batch: RowBatch): ArrayBuffer[] {
	return [batch.ids.buffer as ArrayBuffer, batch.numbers.buffer as ArrayBuffer, batch.touched.buffer as ArrayBuffer];
}
