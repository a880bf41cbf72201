import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Config } from "../config/config.js";
import type { Actor } from "../core/actor.js";
import type { Clock } from "../core/clock.js";
import { CachewardenError } from "../core/errors.js";
import { actorFrom } from "./claims.js";
import { KeyServer } from "./key-server.js";
import { type BoundKey, PUBLIC_ALGORITHMS, publicKey, secretKey } from "./keys.js";

const MAX_TOKEN_LENGTH = 16_384;
/** A token that was just checked is not checked again for this long, unless it ends sooner. */
const REMEMBER_MS = 30_000;
const REMEMBER_TOKENS = 1_000;

export interface Authenticator {
	/** UNAUTHENTICATED for everything but a valid token; BACKEND_UNAVAILABLE when the key server never answered. */
	authenticate(token: string): Promise<Actor>;
}

export interface AuthenticatorOptions {
	/** Checks HS256 tokens: configured, or made on the first start. Null accepts none of them. */
	readonly secret: string | null;
	readonly clock: Clock;
	readonly log: { warn(facts: object, message: string): void };
	/** Asks the key server; the platform's by default. */
	readonly fetch?: typeof fetch;
}

/**
 * Tokens are JWTs. Each key checks only the algorithms of its own kind; nothing in a token's header but `alg` and `kid` is looked
 * at, and `kid` only chooses among keys that are already held.
 */
export function openAuthenticator(
	config: Config["auth"],
	{ secret, clock, log, fetch = globalThis.fetch }: AuthenticatorOptions,
): Authenticator {
	const keys: BoundKey[] = [];
	if (secret !== null) keys.push(secretKey(secret));
	if (config.jwtPublicKey !== null) keys.push(publicKey(config.jwtPublicKey));
	const keyServer =
		config.jwksUri === null
			? null
			: new KeyServer(config.jwksUri, {
					fetch,
					clock,
					onFailure: (error) => log.warn({ err: error, jwksUri: config.jwksUri }, "the key server did not answer"),
				});
	const remembered = new LRUCache<string, { readonly actor: Actor; readonly checkedAt: number }>({ max: REMEMBER_TOKENS });

	async function verify(token: string, now: number): Promise<JWTPayload> {
		const { alg = "" } = decodeProtectedHeader(token);
		const options: JWTVerifyOptions = {
			requiredClaims: ["exp", "sub"],
			currentDate: new Date(now),
			...(config.issuer === null ? {} : { issuer: config.issuer }),
			...(config.audience === null ? {} : { audience: config.audience }),
		};
		const bound = keys.find(({ algorithms }) => algorithms.includes(alg));
		if (bound) return (await jwtVerify(token, bound.key, { ...options, algorithms: [...bound.algorithms] })).payload;
		if (keyServer === null || !PUBLIC_ALGORITHMS.includes(alg)) throw new errors.JOSEAlgNotAllowed("no key is for this algorithm");
		const find: Parameters<typeof jwtVerify>[1] = (header, jws) => keyServer.find(header, jws);
		return (await jwtVerify(token, find, { ...options, algorithms: [...PUBLIC_ALGORITHMS] })).payload;
	}

	return {
		async authenticate(token) {
			const now = clock.now();
			const known = remembered.get(token);
			if (known && now - known.checkedAt < REMEMBER_MS && (known.actor.tokenExpiresAt ?? 0) > now) return known.actor;
			if (token.length > MAX_TOKEN_LENGTH) throw new CachewardenError("UNAUTHENTICATED");
			try {
				const actor = actorFrom(await verify(token, now), config);
				if (actor === null) throw new CachewardenError("UNAUTHENTICATED");
				remembered.set(token, { actor, checkedAt: now });
				return actor;
			} catch (error) {
				if (error instanceof CachewardenError) throw error;
				throw new CachewardenError("UNAUTHENTICATED", undefined, { cause: error });
			}
		},
	};
}
