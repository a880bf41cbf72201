import { CachewardenError } from "../../core/errors.js";

/** The connection ended while a command was under way: it may have been carried out or not. */
export class LostConnection extends Error {}

/** Nothing came back in time. */
export class LateAnswer extends Error {}

/** Whatever the driver or the server threw, in the words of the domain: who, what, and what to do about it. */
export function redisFailure(error: unknown, location: string): CachewardenError {
	if (error instanceof CachewardenError) return error;
	const facts = { location };
	const options = { cause: error };
	if (error instanceof LateAnswer) return new CachewardenError("BACKEND_TIMEOUT", { key: "error.redisTimeout", facts }, options);
	const { message, code } = rootOf(error);
	const word = /^-?([A-Z]{3,})\b/.exec(message)?.[1] ?? "";
	switch (word) {
		case "WRONGPASS":
		case "NOAUTH":
			return new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.redisPassword", facts }, options);
		case "NOPERM": {
			const command = /'([^']+)' command/.exec(message)?.[1];
			if (command === undefined) return new CachewardenError("PERMISSION_DENIED", { key: "error.redisNoKeys", facts }, options);
			return new CachewardenError("PERMISSION_DENIED", { key: "error.redisNoPermission", facts: { location, command } }, options);
		}
		case "LOADING":
		case "BUSY":
			return new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.redisBusy", facts: { location, reason: word } }, options);
		case "READONLY":
			return new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.redisReadOnly", facts }, options);
	}
	const reason = code ?? (word || message.slice(0, 80));
	return new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.redisUnreachable", facts: { location, reason } }, options);
}

interface Root {
	readonly message: string;
	readonly code: string | null;
}

/** A Cluster's error holds that of its last node; one address of several holds the others'. */
function rootOf(error: unknown): Root {
	if (error instanceof LostConnection) return { message: "the connection was lost", code: null };
	const { lastNodeError, errors, message, code } = (error ?? {}) as {
		readonly lastNodeError?: unknown;
		readonly errors?: readonly unknown[];
		readonly message?: string;
		readonly code?: unknown;
	};
	if (lastNodeError) return rootOf(lastNodeError);
	if (errors?.[0]) return rootOf(errors[0]);
	return { message: message ?? String(error), code: typeof code === "string" ? code : null };
}
