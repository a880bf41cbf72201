import { randomUUID } from "node:crypto";
import { type ExecutionResult, execute, type GraphQLError, type GraphQLSchema, parse, subscribe } from "graphql";
import { dataOf, type Session, SessionError } from "../client/session.js";
import type { Call } from "../core/actor.js";
import { CachewardenError } from "../core/errors.js";
import type { Operations } from "../operations/operations.js";
import type { GraphContext } from "../schema/context.js";
import { exportRequestOf } from "./audit-export.js";
import { present, type Reader } from "./graphql-errors.js";

export interface InProcessParts {
	readonly schema: GraphQLSchema;
	readonly operations: Operations;
	/** Who calls, whatever is called; a request id of its own is made for each call. */
	readonly caller: Omit<Call, "requestId">;
	readonly log: Reader["log"] & { info(facts: object, message: string): void };
	/** Ends what the session stands on. */
	readonly close: () => Promise<void>;
}

/** The same API without a network between: the command line's way in when no server holds the store. */
export function inProcessSession({ schema, operations, caller, log, close }: InProcessParts): Session {
	let closing: Promise<void> | undefined;
	// The caller is told of what failed; only what nobody expected has more to say.
	const unexpected: Reader["log"] = {
		error: (facts, message) => ("code" in facts ? log.info(facts, message) : log.error(facts, message)),
	};

	function prepare(document: { toString(): string }, variables: unknown) {
		const call: Call = { ...caller, requestId: randomUUID() };
		const contextValue: GraphContext = { call, operations };
		const reader: Reader = {
			requestId: call.requestId,
			locale: call.locale,
			seesSchema: true,
			maxTokens: Number.POSITIVE_INFINITY,
			log: unexpected,
		};
		return {
			reader,
			arguments: { schema, document: parse(document.toString()), variableValues: variables as Record<string, unknown>, contextValue },
		};
	}

	return {
		async execute<Result, Variables>(document: { toString(): string }, variables: Variables): Promise<Result> {
			const { reader, arguments: given } = prepare(document, variables);
			return dataOf<Result>(asJson(await execute(given), reader));
		},

		subscribe<Result, Variables>(document: { toString(): string }, variables: Variables): AsyncIterableIterator<Result> {
			const { reader, arguments: given } = prepare(document, variables);
			const started = subscribe(given);
			const iterator: AsyncIterableIterator<Result> = {
				async next() {
					const source = await started;
					if (!(Symbol.asyncIterator in source)) return { done: false, value: dataOf<Result>(asJson(source, reader)) };
					const item = await source.next();
					return item.done ? { done: true, value: undefined } : { done: false, value: dataOf<Result>(asJson(item.value, reader)) };
				},
				async return() {
					const source = await started;
					if (Symbol.asyncIterator in source) await source.return(undefined);
					return { done: true, value: undefined };
				},
				[Symbol.asyncIterator]: () => iterator,
			};
			return iterator;
		},

		async *exportAudit(parameters) {
			const call: Call = { ...caller, requestId: randomUUID() };
			try {
				const { format, filter } = exportRequestOf(parameters);
				yield* await operations.exportAudit(call, filter, format);
			} catch (error) {
				if (!(error instanceof CachewardenError)) throw error;
				throw new SessionError(error.code, error.text(call.locale), { cause: error });
			}
		},

		close() {
			closing ??= close();
			return closing;
		},
	};
}

/** Values and errors as a caller over the network would have got them. */
function asJson(result: ExecutionResult, reader: Reader): ExecutionResult {
	const errors = result.errors?.map((error: GraphQLError) => present(error, reader));
	return JSON.parse(JSON.stringify({ data: result.data, ...(errors ? { errors } : {}) })) as ExecutionResult;
}
