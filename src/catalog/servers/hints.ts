import type { SourceListener } from "../../backends/entry-source.js";

/** More keys than these are not remembered one by one: a scan finds them. */
const MAX_WAITING = 200_000;
const KEYS_AT_ONCE = 500;

export interface HintHandlers {
	/** Resolves when they have been worked off. */
	changed(place: string, keys: readonly string[]): Promise<void>;
	broken(place: string | null, reason: string): void;
}

/** Keys that a source reported as changed, passed on in slices, each once; what comes meanwhile waits here. */
export class Hints implements SourceListener {
	readonly #waiting = new Map<string, Set<string>>();
	#count = 0;
	#working: Promise<void> | null = null;

	constructor(private readonly handlers: HintHandlers) {}

	changed(place: string, keys: readonly string[]): void {
		const waiting = this.#waiting.get(place) ?? new Set<string>();
		this.#waiting.set(place, waiting);
		const before = waiting.size;
		for (const key of keys) waiting.add(key);
		this.#count += waiting.size - before;
		if (this.#count > MAX_WAITING) {
			this.#waiting.clear();
			this.#count = 0;
			this.broken(null, "more changed at once than can be followed");
		} else this.#working ??= this.#work();
	}

	broken(place: string | null, reason: string): void {
		this.handlers.broken(place, reason);
	}

	/** Resolves when all that was reported before the call has been worked off. */
	async drained(): Promise<void> {
		await this.#working;
	}

	async #work(): Promise<void> {
		for (const [place, keys] of this.#rounds()) {
			try {
				await this.handlers.changed(place, keys);
			} catch (error) {
				this.handlers.broken(place, String(error));
			}
		}
		this.#working = null;
	}

	*#rounds(): Generator<[string, string[]]> {
		for (;;) {
			const [first] = this.#waiting;
			if (!first) return;
			const [place, waiting] = first;
			const keys: string[] = [];
			for (const key of waiting) {
				if (keys.length === KEYS_AT_ONCE) break;
				keys.push(key);
				waiting.delete(key);
			}
			this.#count -= keys.length;
			// The others have their turn before the rest of this one.
			this.#waiting.delete(place);
			if (waiting.size > 0) this.#waiting.set(place, waiting);
			yield [place, keys];
		}
	}
}
