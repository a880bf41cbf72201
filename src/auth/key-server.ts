import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from "jose";
import type { Clock } from "../core/clock.js";
import { CachewardenError } from "../core/errors.js";

/** However many unknown keys tokens name, the key server is asked at most this often. */
const ASK_AT_MOST_EVERY_MS = 30_000;
/** Keys older than this are asked for again, so that one that was withdrawn stops working. */
const ASK_AGAIN_AFTER_MS = 600_000;
const ANSWER_WITHIN_MS = 5_000;
const MAX_BYTES = 1_048_576;

type FindKey = ReturnType<typeof createLocalJWKSet>;

export interface KeyServerOptions {
	readonly fetch: typeof fetch;
	readonly clock: Clock;
	/** Told of every answer that did not come. */
	onFailure(error: unknown): void;
}

/** The keys of a JWKS address. While it does not answer, the keys it gave last go on serving. */
export class KeyServer {
	readonly #uri: string;
	readonly #options: KeyServerOptions;
	#findKey: FindKey | null = null;
	#receivedAt = 0;
	#askedAt = Number.NEGATIVE_INFINITY;
	#asking: Promise<void> | null = null;

	constructor(uri: string, options: KeyServerOptions) {
		this.#uri = uri;
		this.#options = options;
	}

	/** The key that a token names. BACKEND_UNAVAILABLE before the server has ever answered. */
	async find(header: JWSHeaderParameters, token: FlattenedJWSInput) {
		if (this.#findKey === null) await this.#ask();
		else if (this.#options.clock.now() - this.#receivedAt > ASK_AGAIN_AFTER_MS) void this.#ask();
		if (this.#findKey === null) throw new CachewardenError("BACKEND_UNAVAILABLE", { key: "http.keyServerAway", facts: {} });
		try {
			return await this.#findKey(header, token);
		} catch (error) {
			if (!(error instanceof errors.JWKSNoMatchingKey) || !(await this.#askedAnew())) throw error;
			return await this.#findKey(header, token);
		}
	}

	/** True when the keys that are held now are newer than those that were held before the call. */
	async #askedAnew(): Promise<boolean> {
		const before = this.#findKey;
		await this.#ask();
		return this.#findKey !== before;
	}

	#ask(): Promise<void> {
		if (this.#asking !== null) return this.#asking;
		const now = this.#options.clock.now();
		if (now - this.#askedAt < ASK_AT_MOST_EVERY_MS) return Promise.resolve();
		this.#askedAt = now;
		this.#asking = this.#receive()
			.catch((error: unknown) => this.#options.onFailure(error))
			.finally(() => {
				this.#asking = null;
			});
		return this.#asking;
	}

	async #receive(): Promise<void> {
		const response = await this.#options.fetch(this.#uri, {
			headers: { accept: "application/jwk-set+json, application/json" },
			redirect: "error",
			signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
		});
		if (!response.ok) throw new Error(`the key server answered ${response.status}`);
		const text = await response.text();
		if (text.length > MAX_BYTES) throw new Error(`the key server answered with ${text.length} characters`);
		this.#findKey = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
		this.#receivedAt = this.#options.clock.now();
	}
}
