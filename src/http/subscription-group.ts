import { setImmediate } from "node:timers/promises";
import { SlowConsumerError } from "../live/port.js";
import type { Packed, Seat } from "./seat.js";

/** Frames that are written before other work has its turn; a few milliseconds. */
const FRAMES_A_TURN = 256;

export interface GroupParts {
	readonly source: AsyncIterator<unknown>;
	/** Executes and serialises an event. */
	readonly pack: (event: unknown) => Promise<Packed>;
	/** What a subscriber is told when the source breaks. */
	readonly broken: (error: unknown) => Error;
	/** Reads on only when its one subscriber has room: for sources that hold more than is kept for anybody. */
	readonly paced: boolean;
	/** The source tells the state of now first, to each who comes. */
	readonly beginsWithState: boolean;
	/** Called once, when nobody can join any more. */
	readonly over: () => void;
}

/** Subscribers who are to be told the same: each event is executed once for all of them. */
export class SubscriptionGroup {
	readonly #parts: GroupParts;
	readonly #seats = new Set<Seat>();
	#open = true;

	constructor(parts: GroupParts) {
		this.#parts = parts;
	}

	/** With the first subscriber; the source is read from then on. */
	begin(seat: Seat): void {
		this.#seats.add(seat);
		void this.#run();
	}

	/** One more, with a source of his own that is given up again: he was let in by it, and knows the state of now from it. */
	join(seat: Seat, own: AsyncIterator<unknown>): void {
		this.#seats.add(seat);
		this.#giveState(seat, own).catch((error: unknown) => seat.fail(this.#parts.broken(error)));
	}

	leave(seat: Seat): void {
		this.#seats.delete(seat);
		if (this.#seats.size > 0 || !this.#open) return;
		this.#close();
		this.#release();
	}

	async #giveState(seat: Seat, own: AsyncIterator<unknown>): Promise<void> {
		try {
			const state = this.#parts.beginsWithState ? await own.next() : null;
			if (state && !state.done) seat.giveNewer(await this.#parts.pack(state.value));
		} finally {
			await own.return?.();
		}
	}

	async #run(): Promise<void> {
		const { source, pack, broken, paced } = this.#parts;
		try {
			while (this.#open) {
				if (paced) await this.#room();
				const event = await source.next();
				if (event.done) break;
				await this.#deliver(await pack(event.value));
			}
			this.#close();
			for (const seat of [...this.#seats]) seat.finish();
		} catch (error) {
			this.#close();
			this.#release();
			const seats = [...this.#seats];
			if (error instanceof SlowConsumerError) for (const seat of seats) seat.outlet.closeAsStuck();
			else if (seats.length > 0) {
				const told = broken(error);
				for (const seat of seats) seat.fail(told);
			}
		}
	}

	async #deliver(packed: Packed): Promise<void> {
		let written = 0;
		for (const seat of [...this.#seats]) {
			if (this.#parts.beginsWithState) seat.giveNewer(packed);
			else seat.give(packed);
			written += 1;
			if (written % FRAMES_A_TURN === 0) await setImmediate();
		}
	}

	#room(): Promise<void> {
		const [seat] = this.#seats;
		return seat?.outlet.crowded ? new Promise((resolve) => seat.outlet.onceRoomy(resolve)) : Promise.resolve();
	}

	/** Ends a pending read as well. */
	#release(): void {
		this.#parts.source.return?.().catch((error: unknown) => this.#parts.broken(error));
	}

	#close(): void {
		if (!this.#open) return;
		this.#open = false;
		this.#parts.over();
	}
}
