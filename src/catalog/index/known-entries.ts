const HASH_SPAN = 2 ** 52;
const LIVE = 0x8000_0000;
const MAX_LOAD = 0.85;
/** By half a million it is the memory that counts, before that the time that moving takes. */
const growthOf = (capacity: number): number => (capacity < 500_000 ? 2 : 1.3);
const SMALLEST = 8192;
/** Behind the last home, so that probing never has to wrap around. */
const TAIL = 1024;
/** Hash (two words), row and access time of 4 bytes each, and a fingerprint of 8. */
const SLOT_BYTES = 24;
const WORDS = SLOT_BYTES / 4;
const DOUBLES = SLOT_BYTES / 8;
const HIGH = 0;
const LOW = 1;
const ROW = 2;
const ACCESSED = 3;
const FINGERPRINT = 2;
/** Address space is set aside for so many; memory is taken as it is needed. */
const MOST_SLOTS = 48_000_000;

/** What a walker gets: memory that only the catalog worker writes. */
export interface KnownEntriesView {
	readonly buffer: SharedArrayBuffer;
	readonly capacity: number;
}

/**
 * Every entry of a place by the hash of its key: row number, last access and combined fingerprint, 24 bytes a slot, so
 * that a reconciliation compares without reading the database. Open addressing with linear probing, where the home of a
 * hash is its share of the capacity; it grows in place, and removing closes the gap. One thread writes. A reader in
 * another thread may miss what is being moved, or see what has been replaced: it then reports an entry once too often,
 * and the writer knows better.
 */
export class KnownEntries {
	readonly #buffer: GrowableMemory;
	readonly #writes: boolean;
	#capacity: number;
	#words!: Uint32Array;
	#doubles!: Float64Array;
	#size = 0;

	/** For about so many entries; or over memory that another thread writes, and then only for reading. */
	constructor(source: number | KnownEntriesView = 0) {
		this.#writes = typeof source === "number";
		if (typeof source === "number") {
			this.#capacity = Math.max(SMALLEST, Math.ceil(source / MAX_LOAD));
			this.#buffer = new GrowableMemoryConstructor(bytesOf(this.#capacity), { maxByteLength: bytesOf(MOST_SLOTS) });
		} else {
			this.#capacity = source.capacity;
			this.#buffer = source.buffer as GrowableMemory;
		}
		this.#map();
	}

	get view(): KnownEntriesView {
		return { buffer: this.#buffer, capacity: this.#capacity };
	}

	get size(): number {
		return this.#size;
	}

	/** The slot of that hash, valid until something is inserted or removed; -1 when it is unknown. */
	find(hash: number): number {
		const high = highOf(hash);
		const low = hash >>> 0;
		for (let slot = this.#home(hash, this.#capacity); ; slot++) {
			const at = slot * WORDS + HIGH;
			const found = this.#writes ? this.#words[at] : Atomics.load(this.#words, at);
			if (found === 0) return -1;
			if (found === high && this.#words[slot * WORDS + LOW] === low) return slot;
		}
	}

	row(slot: number): number {
		return this.#words[slot * WORDS + ROW] as number;
	}

	fingerprint(slot: number): number {
		return this.#doubles[slot * DOUBLES + FINGERPRINT] as number;
	}

	/** Seconds since the epoch; 0 for never. */
	accessed(slot: number): number {
		return this.#words[slot * WORDS + ACCESSED] as number;
	}

	update(slot: number, fingerprint: number, accessedAt: number | null): void {
		this.#doubles[slot * DOUBLES + FINGERPRINT] = fingerprint;
		this.#words[slot * WORDS + ACCESSED] = secondsOf(accessedAt);
	}

	/** Of a hash that is not in it. */
	insert(hash: number, row: number, fingerprint: number, accessedAt: number | null): void {
		if (this.#size + 1 > this.#capacity * MAX_LOAD) this.#grow();
		this.#size++;
		this.#put({ hash, row, fingerprint, accessed: secondsOf(accessedAt) });
	}

	/** Moves those behind it that would not be found any more. */
	remove(slot: number): void {
		this.#size--;
		let gap = slot;
		for (let next = slot + 1; this.#words[next * WORDS + HIGH] !== 0; next++) {
			if (this.#home(this.#hashAt(next), this.#capacity) > gap) continue;
			this.#words.copyWithin(gap * WORDS, next * WORDS, (next + 1) * WORDS);
			gap = next;
		}
		Atomics.store(this.#words, gap * WORDS + HIGH, 0);
	}

	/** Rows of all entries that `wanted` does not know by their hash. */
	rowsWithout(wanted: (hash: number) => boolean): number[] {
		const rows: number[] = [];
		for (let slot = 0; slot < this.#slots; slot++) {
			if (this.#words[slot * WORDS + HIGH] !== 0 && !wanted(this.#hashAt(slot))) rows.push(this.row(slot));
		}
		return rows;
	}

	get #slots(): number {
		return this.#capacity + TAIL;
	}

	/** Rises with the hash, so that the order of homes is the same at every capacity. */
	#home(hash: number, capacity: number): number {
		return Math.floor(hash * (capacity / HASH_SPAN));
	}

	#hashAt(slot: number): number {
		return ((this.#words[slot * WORDS + HIGH] as number) & 0xfffff) * 0x1_0000_0000 + (this.#words[slot * WORDS + LOW] as number);
	}

	#put({ hash, row, fingerprint, accessed }: Slot): void {
		let slot = this.#home(hash, this.#capacity);
		while (this.#words[slot * WORDS + HIGH] !== 0) slot++;
		if (slot >= this.#slots - 1) throw new Error("the table of known entries has run over its end");
		this.#words[slot * WORDS + LOW] = hash;
		this.#words[slot * WORDS + ROW] = row;
		this.#words[slot * WORDS + ACCESSED] = accessed;
		this.#doubles[slot * DOUBLES + FINGERPRINT] = fingerprint;
		// Last, so that a reader finds a whole slot or none.
		Atomics.store(this.#words, slot * WORDS + HIGH, highOf(hash));
	}

	#take(slot: number): Slot {
		const taken = { hash: this.#hashAt(slot), row: this.row(slot), fingerprint: this.fingerprint(slot), accessed: this.accessed(slot) };
		Atomics.store(this.#words, slot * WORDS + HIGH, 0);
		return taken;
	}

	/**
	 * From the last slot to the first each entry moves up. Its new home lies behind all that have not moved yet, except near
	 * the beginning, where displacement counts for more than growth: those wait aside until the others are in place.
	 */
	#grow(): void {
		const before = this.#capacity;
		const slotsBefore = this.#slots;
		let displaced = 0;
		for (let slot = 0; slot < slotsBefore; slot++) {
			if (this.#words[slot * WORDS + HIGH] !== 0) displaced = Math.max(displaced, slot - this.#home(this.#hashAt(slot), before));
		}
		const growth = growthOf(before);
		this.#capacity = Math.ceil(before * growth);
		this.#buffer.grow(bytesOf(this.#capacity));
		this.#map();
		const aside: Slot[] = [];
		const near = Math.min(slotsBefore, Math.ceil(((displaced + 1) * growth) / (growth - 1)) + 1);
		for (let slot = slotsBefore - 1; slot >= 0; slot--) {
			if (this.#words[slot * WORDS + HIGH] === 0) continue;
			if (slot >= near) this.#put(this.#take(slot));
			else aside.push(this.#take(slot));
		}
		for (const waiting of aside) this.#put(waiting);
	}

	#map(): void {
		this.#words = new Uint32Array(this.#buffer, 0, this.#slots * WORDS);
		this.#doubles = new Float64Array(this.#buffer, 0, this.#slots * DOUBLES);
	}
}

interface Slot {
	readonly hash: number;
	readonly row: number;
	readonly fingerprint: number;
	readonly accessed: number;
}

/** ECMAScript 2024; Node has it, the compiler's library does not yet. */
interface GrowableMemory extends SharedArrayBuffer {
	grow(bytes: number): void;
}
const GrowableMemoryConstructor = SharedArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => GrowableMemory;

function bytesOf(capacity: number): number {
	return (capacity + TAIL) * SLOT_BYTES;
}

/** The upper 20 bits, marked as taken. */
function highOf(hash: number): number {
	return ((hash / 0x1_0000_0000) | LIVE) >>> 0;
}

function secondsOf(at: number | null): number {
	return at === null ? 0 : Math.max(0, Math.floor(at / 1000));
}
