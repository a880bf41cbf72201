const HASH_SPAN = 2 ** 52;

/** Slots of a set that nothing is known about: growing from there on is seldom. */
const FEWEST = 8192;

/** A set of key hashes in 8 bytes a slot, at most three quarters full; its memory can be handed to another thread. */
export class HashSet {
	#slots: Float64Array;
	#size = 0;

	/** For about so many; or over the slots of another one, and then only for reading. */
	constructor(source: number | Float64Array) {
		this.#slots = typeof source === "number" ? new Float64Array(Math.max(FEWEST, Math.ceil(source * 1.5))) : source;
	}

	get slots(): Float64Array {
		return this.#slots;
	}

	has(hash: number): boolean {
		return this.#slots[this.#slot(hash)] === hash;
	}

	/** False when it was in already. */
	add(hash: number): boolean {
		const slot = this.#slot(hash);
		if (this.#slots[slot] === hash) return false;
		this.#slots[slot] = hash;
		this.#size++;
		if (this.#size > this.#slots.length * 0.75) this.#grow();
		return true;
	}

	/** Where it is, or where it would be. */
	#slot(hash: number): number {
		const slots = this.#slots;
		let slot = Math.floor(hash * (slots.length / HASH_SPAN));
		for (;;) {
			const found = slots[slot];
			if (found === hash || found === 0) return slot;
			if (++slot === slots.length) slot = 0;
		}
	}

	#grow(): void {
		const old = this.#slots;
		this.#slots = new Float64Array(old.length * 2);
		for (const hash of old) if (hash !== 0) this.#slots[this.#slot(hash)] = hash;
	}
}
