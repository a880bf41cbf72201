import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { CachewardenError, ERRORS, type ErrorCode } from "../core/errors.js";
import type { Locale } from "../core/messages/catalogue.js";
import { waitOf } from "./request-errors.js";

/** Who reads an answer, and where what he must not see is kept. */
export interface Reader {
	readonly requestId: string;
	readonly locale: Locale;
	readonly seesSchema: boolean;
	readonly maxTokens: number;
	readonly log: { error(facts: object, message: string): void };
}

/**
 * An error of parsing, validation or execution as a caller reads it: one of our codes, its HTTP status, the request id, and a
 * message in his language. What is not ours becomes INTERNAL, and its own words go to the log.
 */
export function present(error: GraphQLError, reader: Reader): GraphQLFormattedError {
	const { locations, path } = placeOf(error);
	const { code, message } = meaningOf(error, path !== undefined, reader);
	return {
		message,
		...(locations === undefined ? {} : { locations }),
		...(path === undefined ? {} : { path }),
		extensions: { code, requestId: reader.requestId, http: { status: ERRORS[code].status }, ...waitOf(rootOf(error)) },
	};
}

/** An answer that holds anything asked for is a success; one that holds nothing has the status of its first error. */
export function statusOf(
	chosen: number | undefined,
	data: Readonly<Record<string, unknown>> | null | undefined,
	[first]: readonly GraphQLFormattedError[],
): number | undefined {
	if (data && Object.values(data).some((field) => field !== null)) return chosen;
	// 405 and the like: what the protocol says comes before what went wrong.
	if (chosen !== undefined && chosen !== 500 && chosen !== 400) return chosen;
	return ERRORS[first?.extensions?.code as ErrorCode]?.status ?? chosen;
}

function meaningOf(error: GraphQLError, executing: boolean, reader: Reader): { readonly code: ErrorCode; readonly message: string } {
	const cause = rootOf(error);
	if (cause instanceof CachewardenError) {
		logCause(cause, reader);
		return { code: cause.code, message: cause.text(reader.locale) };
	}
	if (cause instanceof GraphQLError && (!executing || cause.message.startsWith("Argument "))) {
		if (cause.message.includes("Document contains more that"))
			return said("TOO_COMPLEX", "http.tooManyTokens", { limit: reader.maxTokens }, reader);
		return { code: "BAD_USER_INPUT", message: reader.seesSchema ? cause.message : withoutSuggestions(cause.message) };
	}
	reader.log.error({ err: cause, requestId: reader.requestId, path: error.path?.join(".") }, "an operation failed unexpectedly");
	return said("INTERNAL", "error.internal", {}, reader);
}

function said(code: ErrorCode, key: CachewardenError["said"]["key"], facts: CachewardenError["said"]["facts"], { locale }: Reader) {
	return { code, message: new CachewardenError(code, { key, facts }).text(locale) };
}

/** Errors of layers and stores carry what really happened as their cause. */
function logCause(error: CachewardenError, { log, requestId }: Reader): void {
	if (ERRORS[error.code].status < 500) return;
	log.error({ err: error.cause ?? error, code: error.code, requestId }, "an operation failed");
}

/** What was thrown, under the layers that GraphQL and the servers wrap around it. */
function rootOf(error: Error): Error {
	let cause: Error = error;
	while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
	return cause;
}

function placeOf(error: GraphQLError): Pick<GraphQLError, "locations" | "path"> {
	let outer: Error | undefined = error;
	let { locations, path } = error;
	while (outer instanceof GraphQLError) {
		locations ??= outer.locations;
		path ??= outer.path;
		outer = outer.originalError;
	}
	return { locations, path };
}

/** graphql-js helps with typing mistakes by naming what there is, which tells the schema. */
function withoutSuggestions(message: string): string {
	return message.replace(/ ?Did you mean(.|\n)*$/, "");
}
