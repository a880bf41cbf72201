/**
 * A hand-written async iterator: generators make `return()` wait behind a pending `next()`, and never end when nothing
 * comes. Here `return()` ends a pending `next()` at once and releases the source.
 */
export interface Sink {
	/** Wakes a reader that waits; it then asks `take`. */
	wake(): void;
	/** What was buffered is still delivered, then the stream is done. */
	end(): void;
	/** What was buffered is dropped; the reader gets the error. */
	fail(error: unknown): void;
}

/** What waits for the reader. */
export interface Buffered<T> {
	take(): { readonly value: T } | null;
	clear(): void;
}

/** `open` starts the source when the iterator is made and returns the way to stop it, which is called once. */
export function subscription<T>(buffer: Buffered<T>, open: (sink: Sink) => () => void): AsyncIterableIterator<T> {
	const readers: { readonly resolve: (result: IteratorResult<T>) => void; readonly reject: (error: unknown) => void }[] = [];
	let state:
		| { readonly kind: "open" }
		| { readonly kind: "ending" }
		| { readonly kind: "failed"; readonly error: unknown }
		| { readonly kind: "done" } = { kind: "open" };
	let close: (() => void) | null = null;

	function release(): void {
		const stop = close;
		close = null;
		stop?.();
	}

	function finish(): void {
		state = { kind: "done" };
		buffer.clear();
		for (const reader of readers.splice(0)) reader.resolve({ done: true, value: undefined });
		release();
	}

	function serve(): void {
		while (readers.length > 0) {
			if (state.kind === "failed") {
				const { error } = state;
				readers.shift()?.reject(error);
				finish();
				return;
			}
			const item = buffer.take();
			if (item === null) {
				if (state.kind !== "open") finish();
				return;
			}
			readers.shift()?.resolve({ done: false, value: item.value });
		}
	}

	const sink: Sink = {
		wake: serve,
		end() {
			if (state.kind !== "open") return;
			state = { kind: "ending" };
			release();
			serve();
		},
		fail(error) {
			if (state.kind !== "open") return;
			state = { kind: "failed", error };
			buffer.clear();
			release();
			serve();
		},
	};
	const stop = open(sink);
	if (state.kind === "open") close = stop;
	else stop();

	return {
		next() {
			if (state.kind === "done") return Promise.resolve({ done: true, value: undefined });
			return new Promise((resolve, reject) => {
				readers.push({ resolve, reject });
				serve();
			});
		},
		return(value?: T) {
			finish();
			return Promise.resolve({ done: true as const, value });
		},
		throw(error) {
			finish();
			return Promise.reject(error);
		},
		[Symbol.asyncIterator]() {
			return this;
		},
	};
}
