import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { CachewardenError, ERRORS, type ErrorCode } from "../core/errors.js";
import { type Locale, preferredLocale } from "../core/messages/catalogue.js";
import { RateLimitedError } from "./rate-limits.js";

export interface Refusal {
	readonly status: number;
	readonly code: ErrorCode;
	readonly message: string;
}

interface Habits {
	/** What is spoken to those who prefer none of our languages. */
	readonly fallback: Locale;
	readonly statusOf: (code: ErrorCode) => number;
}

const USUAL: Habits = { fallback: "en", statusOf: (code) => ERRORS[code].status };

/**
 * A failure outside of any GraphQL operation, as an answer, with the headers that belong to it. What is not ours and not the
 * caller's fault stays in the log, and so does the cause of what is ours.
 */
export function refusalOf(
	error: FastifyError | CachewardenError,
	request: FastifyRequest,
	reply: FastifyReply,
	{ fallback, statusOf }: Habits = USUAL,
): Refusal {
	const locale = preferredLocale(request.headers["accept-language"], fallback);
	if (error instanceof CachewardenError) {
		const status = statusOf(error.code);
		if (status >= 500) request.log.error({ err: error.cause ?? error, code: error.code }, "an operation failed");
		if (status === 401)
			reply.header("www-authenticate", request.headers.authorization === undefined ? "Bearer" : 'Bearer error="invalid_token"');
		if (error instanceof RateLimitedError) reply.header("retry-after", String(error.retryAfterSeconds));
		return { status, code: error.code, message: error.text(locale) };
	}
	const status = error.statusCode ?? 500;
	if (status >= 400 && status < 500) return { status, code: status === 404 ? "NOT_FOUND" : "BAD_USER_INPUT", message: error.message };
	request.log.error({ err: error }, "a request failed unexpectedly");
	return { status: 500, code: "INTERNAL", message: new CachewardenError("INTERNAL").text(locale) };
}

/** In the form of a GraphQL answer, which is what clients of `/graphql` read. */
export function sendGraphQLRefusal(error: FastifyError | CachewardenError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
	const { status, code, message } = refusalOf(error, request, reply);
	const extensions = { code, requestId: request.id, http: { status }, ...waitOf(error) };
	return reply
		.code(status)
		.type("application/json; charset=utf-8")
		.send(JSON.stringify({ errors: [{ message, extensions }] }));
}

export function sendRefusal(error: FastifyError | CachewardenError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
	const { status, code, message } = refusalOf(error, request, reply);
	return reply.code(status).send({ code, message, requestId: request.id });
}

/** How long to wait, for answers that have no headers of their own. */
export function waitOf(error: unknown): { readonly retryAfterSeconds?: number } {
	return error instanceof RateLimitedError ? { retryAfterSeconds: error.retryAfterSeconds } : {};
}
