import type { Outlet } from "./socket.js";

/** One event, ready for every subscriber of a group. */
export interface Packed {
	/** The payload of a `next` message and the message's end, as JSON in UTF-8. */
	readonly payload: Buffer;
	/** What it is the newest state of; null when it may not be left out. */
	readonly stateOf: string | null;
	readonly sequence: number;
}

/**
 * One subscription's place in a group. The protocol's server sees an iterator that gives nothing and ends in time; the frames are
 * written past it, by the group.
 */
export class Seat implements AsyncIterableIterator<never> {
	readonly outlet: Outlet;
	readonly #prefix: Buffer;
	readonly #left: (error: Error | null) => void;
	readonly #over: Promise<IteratorResult<never>>;
	#resolve: (result: IteratorResult<never>) => void = () => undefined;
	#reject: (error: Error) => void = () => undefined;
	/** Newest states that a client which is behind has not been sent; null when it keeps up. */
	#waiting: Map<string, Buffer> | null = null;
	#sequence = Number.NEGATIVE_INFINITY;
	#open = true;

	/** `left` is called once, however it ends. */
	constructor(operationId: string, outlet: Outlet, left: (error: Error | null) => void) {
		this.outlet = outlet;
		this.#prefix = Buffer.from(`{"id":${JSON.stringify(operationId)},"type":"next","payload":`);
		this.#left = left;
		this.#over = new Promise((resolve, reject) => {
			this.#resolve = resolve;
			this.#reject = reject;
		});
		// The protocol's server asks in its next turn, and is told then.
		this.#over.catch(() => undefined);
	}

	get open(): boolean {
		return this.#open;
	}

	give({ payload, stateOf }: Packed): void {
		if (!this.#open) return;
		if (stateOf === null || (this.#waiting === null && !this.outlet.crowded)) {
			this.#send(payload);
			return;
		}
		if (this.#waiting === null) {
			this.#waiting = new Map();
			this.outlet.onceRoomy(() => this.#catchUp());
		}
		this.#waiting.set(stateOf, payload);
	}

	/** Of states that reach it by two ways, each only when it is newer than what it had. */
	giveNewer(packed: Packed): void {
		if (packed.sequence <= this.#sequence) return;
		this.#sequence = packed.sequence;
		this.give(packed);
	}

	/** The source has ended: what waits is sent, whatever the client does. */
	finish(): void {
		for (const payload of this.#waiting?.values() ?? []) this.#send(payload);
		this.#end(() => this.#resolve({ done: true, value: undefined }));
	}

	fail(error: Error): void {
		this.#end(() => this.#reject(error), error);
	}

	next(): Promise<IteratorResult<never>> {
		return this.#over;
	}

	return(): Promise<IteratorResult<never>> {
		this.#end(() => this.#resolve({ done: true, value: undefined }));
		return this.#over;
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	#send(payload: Buffer): void {
		this.outlet.send(Buffer.concat([this.#prefix, payload]));
	}

	#catchUp(): void {
		for (const [state, payload] of this.#waiting ?? []) {
			if (!this.#open) return;
			if (this.outlet.crowded) {
				this.outlet.onceRoomy(() => this.#catchUp());
				return;
			}
			this.#waiting?.delete(state);
			this.#send(payload);
		}
		this.#waiting = null;
	}

	#end(tell: () => void, error: Error | null = null): void {
		if (!this.#open) return;
		this.#open = false;
		this.#left(error);
		tell();
	}
}
