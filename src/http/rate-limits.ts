import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Config } from "../config/config.js";
import type { Actor } from "../core/actor.js";
import { CachewardenError } from "../core/errors.js";
import { isFromLoopback } from "./caller.js";
import type { AddressOf } from "./client-address.js";

const WINDOW_SECONDS = 60;

/** RATE_LIMITED, with the time after which another try makes sense. */
export class RateLimitedError extends CachewardenError {
	readonly retryAfterSeconds: number;

	constructor(retryAfterSeconds: number) {
		super("RATE_LIMITED", { key: "error.rateLimitedFor", facts: { seconds: retryAfterSeconds } });
		this.name = "RateLimitedError";
		this.retryAfterSeconds = retryAfterSeconds;
	}
}

/**
 * How often somebody may call in a minute, counted together over GraphQL, REST and WebSocket. Each server process counts for
 * itself. Everything throws {RateLimitedError} for the call that is one too many.
 */
export interface RateLimits {
	/** Counts a call of this address; before its token is looked at, so that guessing tokens is limited too. */
	countAddress(request: IncomingMessage): Promise<void>;
	/** Counts a call of this user. */
	countUser(request: IncomingMessage, actor: Actor): Promise<void>;
}

export function rateLimits(config: Config["rateLimits"], addressOf: AddressOf): RateLimits {
	const users = limiter(config.perUser);
	const addresses = limiter(config.perAddress);
	const isFree = (request: IncomingMessage): boolean => !config.local && isFromLoopback(request);

	async function count(limits: RateLimiterMemory | null, request: IncomingMessage, key: string | null): Promise<void> {
		if (limits === null || key === null || isFree(request)) return;
		try {
			await limits.consume(key);
		} catch (rejected) {
			if (!(rejected instanceof RateLimiterRes)) throw rejected;
			throw new RateLimitedError(Math.max(1, Math.ceil(rejected.msBeforeNext / 1000)));
		}
	}

	return {
		countAddress: (request) => count(addresses, request, networkOf(addressOf(request))),
		countUser: (request, actor) => count(users, request, actor.id),
	};
}

function limiter(perMinute: number): RateLimiterMemory | null {
	return perMinute === 0 ? null : new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS });
}

/** One caller has a whole IPv6 network of 64 bits to himself, and could else take a new address for every call. */
function networkOf(address: string | null): string | null {
	const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address ?? "")?.[1];
	if (mapped !== undefined) return mapped;
	if (address === null || !isIPv6(address)) return address;
	const [head = "", tail] = address.replace(/%.*$/, "").toLowerCase().split("::");
	const left = head === "" ? [] : head.split(":");
	const right = tail === undefined || tail === "" ? [] : tail.split(":");
	const groups = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
	return `${groups
		.slice(0, 4)
		.map((group) => group.replace(/^0+(?=.)/, ""))
		.join(":")}::/64`;
}
