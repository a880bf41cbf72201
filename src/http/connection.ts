import type { IncomingMessage } from "node:http";
import type { Authenticator } from "../auth/authenticator.js";
import type { Actor, Call } from "../core/actor.js";
import type { Clock } from "../core/clock.js";
import { CachewardenError } from "../core/errors.js";
import { bearerToken, isFromLoopback, type Origins, seesSchema } from "./caller.js";
import { CLOSE, type Outlet } from "./socket.js";

const LONGEST_TIMER_MS = 2_147_483_647;

/** One client's conversation over one socket. */
export class Connection {
	readonly outlet: Outlet;
	readonly request: IncomingMessage;
	/** Operations that have begun and not ended. */
	running = 0;
	readonly #from: Origins;
	#actor: Actor | null = null;
	#operations = 0;
	#tokenEnds: NodeJS.Timeout | null = null;
	#closed = false;

	constructor(request: IncomingMessage, origins: Origins, outlet: Outlet) {
		this.request = request;
		this.#from = origins;
		this.outlet = outlet;
	}

	get requestId(): string {
		return this.#from.requestId;
	}

	get seesSchema(): boolean {
		return seesSchema(this.#actor, isFromLoopback(this.request));
	}

	/** Checks the token of the client's first message; closes the socket for a bad one, and when a good one ends. */
	async admit(params: Readonly<Record<string, unknown>> | undefined, authenticator: Authenticator, clock: Clock): Promise<boolean> {
		const token = bearerToken(params?.Authorization ?? params?.authorization ?? this.request.headers.authorization);
		if (token === null) return false;
		try {
			this.#actor = await authenticator.authenticate(token);
		} catch (error) {
			if (!(error instanceof CachewardenError)) throw error;
			// Not the token's fault: the client should keep it and come back.
			if (error.code !== "UNAUTHENTICATED") this.outlet.close(CLOSE.tryAgainLater, error.message);
			return false;
		}
		this.#closeAt(this.#actor.tokenExpiresAt, clock);
		return true;
	}

	/** The call of the next operation. Each has a request id of its own that begins with the connection's. */
	nextCall(): Call {
		this.#operations += 1;
		return { ...this.#from, requestId: `${this.#from.requestId}.${this.#operations}`, actor: this.#actor };
	}

	closed(): void {
		this.#closed = true;
		if (this.#tokenEnds !== null) clearTimeout(this.#tokenEnds);
	}

	#closeAt(end: number | null, clock: Clock): void {
		if (end === null || this.#closed) return;
		const left = end - clock.now();
		// 4403 and not 4401: clients come back after the first, with a new token.
		if (left <= 0) this.outlet.close(CLOSE.forbidden, "The token has ended");
		else this.#tokenEnds = setTimeout(() => this.#closeAt(end, clock), Math.min(left, LONGEST_TIMER_MS));
	}
}
