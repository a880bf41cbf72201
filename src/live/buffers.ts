import type { Buffered } from "./subscription.js";

/** Keeps the newest value of each key, in the order in which the keys came to wait. */
export class NewestByKey<T> implements Buffered<T> {
	private readonly values = new Map<string, T>();

	/** False when there is no room for one more key. */
	put(key: string, value: T, maxKeys: number): boolean {
		if (!this.values.has(key) && this.values.size >= maxKeys) return false;
		this.values.set(key, value);
		return true;
	}

	take(): { readonly value: T } | null {
		for (const [key, value] of this.values) {
			this.values.delete(key);
			return { value };
		}
		return null;
	}

	clear(): void {
		this.values.clear();
	}
}

/** Keeps everything, in order. */
export class InOrder<T> implements Buffered<T> {
	private items: T[] = [];
	private taken = 0;

	get size(): number {
		return this.items.length - this.taken;
	}

	push(item: T): void {
		this.items.push(item);
	}

	take(): { readonly value: T } | null {
		if (this.taken === this.items.length) return null;
		const value = this.items[this.taken++] as T;
		// Shifting one by one would move the rest each time.
		if (this.taken >= 256 || this.taken === this.items.length) {
			this.items = this.items.slice(this.taken);
			this.taken = 0;
		}
		return { value };
	}

	clear(): void {
		this.items = [];
		this.taken = 0;
	}
}
