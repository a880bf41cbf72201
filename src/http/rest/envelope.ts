import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { type CachewardenError, type ErrorCode, restStatusOf } from "../../core/errors.js";
import { type Locale, say } from "../../core/messages/catalogue.js";
import { refusalOf } from "../request-errors.js";
import type { RestAnswer } from "./routes.js";
import type { failureAnswer } from "./shapes.js";

/** What clients of the original system read. */
export const FALLBACK: Locale = "zh";

export function success(locale: Locale, { data, said }: RestAnswer, now: number) {
	return { success: true, data, message: say(locale, said), timestamp: new Date(now).toISOString() };
}

/** The one form of everything that is not a success. */
export function failure(code: ErrorCode, message: string, now: number): z.output<typeof failureAnswer> {
	return { success: false, data: null, message, detail: message, code, timestamp: new Date(now).toISOString() };
}

export function sendFailure(
	error: FastifyError | CachewardenError,
	request: FastifyRequest,
	reply: FastifyReply,
	now: number,
): FastifyReply {
	const { status, code, message } = refusalOf(error, request, reply, { fallback: FALLBACK, statusOf: restStatusOf });
	return reply.code(status).send(failure(code, message, now));
}
