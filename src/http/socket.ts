import type { WebSocket } from "ws";

/** Above this, what can be superseded waits: a newer state will do when the client has caught up. */
const CROWDED_BYTES = 65_536;
/** Above this, the client is taken to have stopped reading. */
const STUCK_BYTES = 1_048_576;
/** For the client to read the close frame and answer it. */
const CUT_AFTER_MS = 5_000;

const TEXT = { binary: false };
/** Bytes of a character in UTF-8, at most, by UTF-16 unit. */
const LONGEST_CHARACTER = 3;

export const CLOSE = { goingAway: 1001, tryAgainLater: 1013, forbidden: 4403, internalError: 4500 } as const;

/** What is written to one client, bounded: a client that does not read costs at most a megabyte, and only itself is closed. */
export class Outlet {
	readonly #socket: WebSocket;
	readonly #waiting = new Set<() => void>();
	readonly #ended: () => void;
	readonly #written = (): void => {
		if (this.#waiting.size > 0 && !this.crowded) this.#wake();
	};
	/** It was closed because the client read too slowly. */
	stuck = false;
	#over = false;

	/** `ended` is called once, when nothing more will be sent: at the latest when the socket has closed. */
	constructor(socket: WebSocket, ended: () => void) {
		this.#socket = socket;
		this.#ended = ended;
		socket.once("close", () => this.#end());
	}

	/** A frame to a socket that is closing is dropped. */
	send(frame: string | Buffer): void {
		const socket = this.#socket;
		if (socket.readyState !== socket.OPEN) return;
		const waiting = socket.bufferedAmount;
		if (waiting > STUCK_BYTES) this.closeAsStuck();
		// Whether it has become roomy is asked only when a frame was written that could have made it crowded. A failed write
		// ends the socket, which tells everybody concerned.
		else socket.send(frame, TEXT, waiting > 0 || frame.length * LONGEST_CHARACTER > CROWDED_BYTES ? this.#written : undefined);
	}

	/** Nothing more is sent, and nothing that still comes is heard. */
	get over(): boolean {
		return this.#over;
	}

	/** The client has not taken what it was sent lately. */
	get crowded(): boolean {
		return this.#socket.readyState === this.#socket.OPEN && this.#socket.bufferedAmount > CROWDED_BYTES;
	}

	/** Calls back once, when it is no longer crowded or gone. */
	onceRoomy(callback: () => void): void {
		this.#waiting.add(callback);
	}

	/** Ends what runs at once, although a client that has stopped reading may keep the socket for a while. */
	close(code: number, reason: string): void {
		const socket = this.#socket;
		if (socket.readyState !== socket.OPEN) return;
		socket.close(code, reason);
		const cut = setTimeout(() => socket.terminate(), CUT_AFTER_MS);
		socket.once("close", () => clearTimeout(cut));
		this.#end();
	}

	closeAsStuck(): void {
		this.stuck = true;
		this.close(CLOSE.tryAgainLater, "Too slow; come back with your last cursor");
	}

	#end(): void {
		if (this.#over) return;
		this.#over = true;
		this.#wake();
		this.#ended();
	}

	#wake(): void {
		const waiting = [...this.#waiting];
		this.#waiting.clear();
		for (const callback of waiting) callback();
	}
}
