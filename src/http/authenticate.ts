import type { FastifyRequest } from "fastify";
import type { Authenticator } from "../auth/authenticator.js";
import { CachewardenError } from "../core/errors.js";
import { bearerToken } from "./caller.js";

/**
 * Sets who acts from the `Authorization` header. A request without one goes on as nobody's: operations refuse it. One with a bad
 * token is UNAUTHENTICATED at once.
 */
export async function authenticate(request: FastifyRequest, authenticator: Authenticator): Promise<void> {
	const { authorization } = request.headers;
	if (authorization === undefined) return;
	const token = bearerToken(authorization);
	if (token === null) throw new CachewardenError("UNAUTHENTICATED");
	request.actor = await authenticator.authenticate(token);
}
