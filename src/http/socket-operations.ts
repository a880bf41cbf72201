import {
	createSourceEventStream,
	type ExecutionArgs,
	type ExecutionResult,
	type FormattedExecutionResult,
	GraphQLError,
	type GraphQLFormattedError,
	type GraphQLSchema,
	getOperationAST,
} from "graphql";
import type { ServerOptions, SubscribePayload } from "graphql-ws";
import type { Call } from "../core/actor.js";
import { CachewardenError } from "../core/errors.js";
import type { GraphContext } from "../schema/context.js";
import { refuseIntrospection } from "./caller.js";
import type { Execute } from "./compiled-executor.js";
import type { Connection } from "./connection.js";
import type { HttpDeps } from "./deps.js";
import { documentChecker } from "./documents.js";
import { FanOut } from "./fan-out.js";
import type { Gate } from "./gate.js";
import { present, type Reader } from "./graphql-errors.js";
import type { QueryLimits } from "./limits.js";
import type { Metrics } from "./metrics.js";
import { labelOf, type OperationLabel, UNKNOWN_LABEL } from "./request-log.js";

/** As graphql-js and graphql-ws each have it. */
interface AnyResult {
	readonly errors?: readonly GraphQLError[] | undefined;
	readonly data?: Record<string, unknown> | null | undefined;
	readonly extensions?: Record<string, unknown> | undefined;
}

export interface Extra {
	readonly connection: Connection;
}

/** One operation of a socket while it runs. */
interface Running extends GraphContext {
	readonly connection: Connection;
	/** The client's own. */
	readonly operationId: string;
	readonly key: string;
	readonly reader: Reader;
	readonly label: OperationLabel;
	readonly cost: number;
	readonly startedAt: number;
}

export interface SocketParts {
	readonly deps: Pick<HttpDeps, "operations" | "authenticator" | "clock" | "logger" | "config">;
	readonly gate: Gate;
	readonly schema: GraphQLSchema;
	readonly limits: QueryLimits;
	readonly execute: Execute;
	readonly metrics: Metrics;
}

/** What graphql-ws asks at each message: the same limits, policy, errors and execution as over HTTP. */
export function socketOperations(parts: SocketParts): ServerOptions<Record<string, unknown> | undefined, Extra> {
	const { deps, schema, limits, execute, metrics } = parts;
	const { logger, config } = deps;
	const check = documentChecker(schema, limits);
	const fanOut = new FanOut(schema);
	/** Errors on their way to the client, as he reads them. */
	const presented = new WeakMap<Error, GraphQLFormattedError>();

	function readerOf(connection: Connection, { requestId, locale }: Call): Reader {
		return { requestId, locale, seesSchema: connection.seesSchema, maxTokens: config.limits.tokens, log: logger };
	}

	function begin(
		connection: Connection,
		call: Call,
		operationId: string,
		payload: SubscribePayload,
	): ExecutionArgs | readonly GraphQLError[] {
		const { query, operationName, variables } = payload;
		const checked = check(query);
		if (!checked.valid) return checked.errors;
		const { document, key } = checked;
		const operation = getOperationAST(document, operationName);
		if (!operation) return [new GraphQLError("operationName must name one of the document's operations")];
		if (limits.introspects(document) && !connection.seesSchema) refuseIntrospection(call.actor);
		const contextValue: Running = {
			call,
			operations: deps.operations,
			connection,
			operationId,
			key,
			reader: readerOf(connection, call),
			label: labelOf(document, operationName),
			cost: limits.cost({ document, operationName, variables }),
			startedAt: performance.now(),
		};
		connection.running += 1;
		return { schema, document, operationName: operationName ?? null, variableValues: variables ?? null, contextValue };
	}

	/** One line an operation, when it ends. */
	function log({ label, startedAt, call }: Pick<Running, "label" | "startedAt" | "call">, status: string): void {
		const durationMs = Math.round(performance.now() - startedAt);
		metrics.request(label.field, status, durationMs / 1000);
		logger.info(
			{
				requestId: call.requestId,
				user: call.actor?.id ?? null,
				operation: label.name,
				status,
				durationMs,
				ip: call.ipAddress,
				transport: "websocket",
			},
			"request",
		);
	}

	function end(running: Running, status: string): void {
		running.connection.running -= 1;
		log(running, status);
	}

	function refuse(connection: Connection, call: Call, errors: readonly GraphQLError[]): readonly GraphQLError[] {
		// Errors of a document are remembered with it, and each caller reads them in his own way.
		const own = errors.map((error) => new GraphQLError(error.message, { originalError: error }));
		for (const error of own) presented.set(error, present(error, readerOf(connection, call)));
		log({ call, label: UNKNOWN_LABEL, startedAt: performance.now() }, statusOf(own.map((error) => presented.get(error))));
		return own;
	}

	function run({ document, operationName, variableValues, contextValue }: ExecutionArgs, root?: unknown) {
		const { key } = contextValue as Running;
		return execute({ key, document, operationName, variables: variableValues, context: contextValue, root });
	}

	async function runOnce(args: ExecutionArgs): Promise<ExecutionResult> {
		const running = args.contextValue as Running;
		const result = await run(args);
		end(running, statusOf(result.errors?.map((error) => presentOnce(error, running))));
		return { ...result, extensions: { ...result.extensions, cost: running.cost } };
	}

	async function runEach(args: ExecutionArgs) {
		const running = args.contextValue as Running;
		const { connection, key, call } = running;
		const operation = running.label.field;
		const source = await createSourceEventStream(args);
		if (!(Symbol.asyncIterator in source)) {
			end(running, statusOf(source.errors?.map((error) => presentOnce(error, running))));
			return source;
		}
		metrics.subscribers.inc({ operation });
		return fanOut.join(args, source[Symbol.asyncIterator](), {
			operationId: running.operationId,
			outlet: connection.outlet,
			key,
			call,
			execute: (event) => run(args, event),
			serialise: (result) => JSON.stringify(asRead(result, running)),
			broken(error) {
				const wrapped = new GraphQLError("", { originalError: error instanceof Error ? error : new Error(String(error)) });
				presentOnce(wrapped, running);
				return wrapped;
			},
			left(error) {
				metrics.subscribers.dec({ operation });
				end(running, connection.outlet.stuck ? "TOO_SLOW" : statusOf(error ? [presented.get(error)] : undefined));
			},
		});
	}

	/** A result with its errors as the client reads them. */
	function asRead({ errors, data, extensions }: AnyResult, running: Running): FormattedExecutionResult {
		return {
			...(errors?.length ? { errors: errors.map((error) => presentOnce(error, running)) } : {}),
			...(data === undefined ? {} : { data }),
			...(extensions === undefined ? {} : { extensions }),
		};
	}

	/** Presenting logs what went wrong inside, which must happen once. */
	function presentOnce(error: GraphQLError, { reader }: Running): GraphQLFormattedError {
		const known = presented.get(error) ?? present(error, reader);
		presented.set(error, known);
		return known;
	}

	return {
		onConnect: ({ extra: { connection }, connectionParams }) => connection.admit(connectionParams, deps.authenticator, deps.clock),
		async onSubscribe({ extra: { connection } }, id, payload) {
			const call = connection.nextCall();
			try {
				await parts.gate.limits.countAddress(connection.request);
				if (call.actor !== null) await parts.gate.limits.countUser(connection.request, call.actor);
				const limit = config.limits.subscriptionsPerSocket;
				if (connection.running >= limit) throw new CachewardenError("RATE_LIMITED", { key: "http.tooManySubscriptions", facts: { limit } });
				const begun = begin(connection, call, id, payload);
				return "schema" in begun ? begun : refuse(connection, call, begun);
			} catch (error) {
				if (error instanceof GraphQLError) return refuse(connection, call, [error]);
				if (!(error instanceof CachewardenError)) throw error;
				return refuse(connection, call, [new GraphQLError(error.message, { originalError: error })]);
			}
		},
		execute: runOnce,
		subscribe: runEach,
		onNext: (_ctx, _id, _payload, { contextValue }, result) => asRead(result, contextValue as Running),
		onError: ({ extra: { connection } }, _id, _payload, errors) =>
			errors.map(
				(error) =>
					presented.get(error) ??
					(error.originalError && presented.get(error.originalError)) ??
					present(error, readerOf(connection, connection.nextCall())),
			),
	};
}

function statusOf(errors: readonly (GraphQLFormattedError | undefined)[] | undefined): string {
	return String(errors?.[0]?.extensions?.code ?? "OK");
}
