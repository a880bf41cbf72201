import { SlowConsumerError } from "../../src/live/port.js";

/** Hands each value to every subscriber; a subscriber's queue is bounded, as that of the real sources is. */
export class Channel<T> {
	readonly #subscribers = new Set<(value: T) => void>();
	readonly #queueLength: number;

	constructor(queueLength = 1_000) {
		this.#queueLength = queueLength;
	}

	get subscribers(): number {
		return this.#subscribers.size;
	}

	publish(value: T): void {
		for (const give of this.#subscribers) give(value);
	}

	subscribe(): AsyncIterableIterator<T> {
		const queue: T[] = [];
		let waiting: { resolve(result: IteratorResult<T>): void; reject(error: Error): void } | null = null;
		let ended = false;
		let tooSlow = false;
		const give = (value: T): void => {
			if (waiting) {
				waiting.resolve({ done: false, value });
				waiting = null;
			} else if (queue.length < this.#queueLength) queue.push(value);
			else tooSlow = true;
		};
		const end = (): IteratorResult<T> => {
			ended = true;
			this.#subscribers.delete(give);
			waiting?.resolve({ done: true, value: undefined });
			waiting = null;
			return { done: true, value: undefined };
		};
		this.#subscribers.add(give);
		const iterator: AsyncIterableIterator<T> = {
			next: () => {
				if (tooSlow) {
					end();
					return Promise.reject(new SlowConsumerError());
				}
				const value = queue.shift();
				if (value !== undefined) return Promise.resolve({ done: false, value });
				if (ended) return Promise.resolve({ done: true, value: undefined });
				return new Promise((resolve, reject) => {
					waiting = { resolve, reject };
				});
			},
			return: () => Promise.resolve(end()),
			[Symbol.asyncIterator]: () => iterator,
		};
		return iterator;
	}
}
