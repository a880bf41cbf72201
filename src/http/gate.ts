import type { FastifyRequest } from "fastify";
import { authenticate } from "./authenticate.js";
import { type AddressOf, addressReader } from "./client-address.js";
import type { HttpDeps } from "./deps.js";
import { type RateLimits, rateLimits } from "./rate-limits.js";

/** What every call passes, whichever way it comes in. */
export interface Gate {
	readonly addressOf: AddressOf;
	readonly limits: RateLimits;
	/** A hook for requests: counts the address, sets who acts, counts him. Throws RATE_LIMITED or UNAUTHENTICATED. */
	admit(request: FastifyRequest): Promise<void>;
}

export function openGate({ config, authenticator }: Pick<HttpDeps, "config" | "authenticator">): Gate {
	const addressOf = addressReader(config.trustProxy);
	const limits = rateLimits(config.rateLimits, addressOf);
	return {
		addressOf,
		limits,
		async admit(request) {
			await limits.countAddress(request.raw);
			await authenticate(request, authenticator);
			if (request.actor !== null) await limits.countUser(request.raw, request.actor);
		},
	};
}
