import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import {
	ApolloServerPluginCacheControlDisabled,
	ApolloServerPluginInlineTraceDisabled,
	ApolloServerPluginLandingPageDisabled,
	ApolloServerPluginSchemaReportingDisabled,
	ApolloServerPluginUsageReportingDisabled,
} from "@apollo/server/plugin/disabled";
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from "graphql";
import type { Logger } from "pino";
import { CachewardenError, ERRORS } from "../core/errors.js";
import type { AcceptedQueries } from "./accepted-queries.js";
import { challengeOf, refuseIntrospection } from "./caller.js";
import type { Execute } from "./compiled-executor.js";
import { present, statusOf } from "./graphql-errors.js";
import type { HttpContext } from "./http-context.js";
import type { QueryLimits } from "./limits.js";
import { labelOf } from "./request-log.js";

export interface ApolloParts {
	readonly schema: GraphQLSchema;
	readonly limits: QueryLimits;
	readonly execute: Execute;
	readonly logger: Logger;
	/** Told of every document that was found valid. */
	readonly accepted: AcceptedQueries;
}

/** GraphQL over HTTP. Apollo speaks the protocol; limits, policy, errors and execution are those of the WebSocket as well. */
export function createApollo({ schema, limits, execute, logger, accepted }: ApolloParts): ApolloServer<HttpContext> {
	return new ApolloServer<HttpContext>({
		// Apollo's way of letting another executor run what it has parsed and validated.
		gateway: {
			onSchemaLoadOrUpdate(ready) {
				ready({ apiSchema: schema, coreSupergraphSdl: "" });
				return () => undefined;
			},
			load: async () => ({
				executor: async ({ queryHash, document, operationName, request, context }) =>
					execute({ key: queryHash, document, operationName, variables: request.variables, context }),
			}),
			stop: async () => undefined,
		},
		parseOptions: limits.parse,
		validationRules: [...limits.rules],
		// Who may introspect is decided for each caller, below.
		introspection: true,
		// A token in a header is a token that a foreign page could not have sent without asking first.
		csrfPrevention: { requestHeaders: ["x-apollo-operation-name", "apollo-require-preflight", "authorization"] },
		persistedQueries: false,
		includeStacktraceInErrorResponses: false,
		stopOnTerminationSignals: false,
		formatError: withOurCode,
		logger,
		plugins: [
			policy(limits, accepted),
			ApolloServerPluginCacheControlDisabled(),
			ApolloServerPluginInlineTraceDisabled(),
			ApolloServerPluginLandingPageDisabled(),
			ApolloServerPluginSchemaReportingDisabled(),
			ApolloServerPluginUsageReportingDisabled(),
		],
	});
}

/** Requests that are refused before there is an operation carry Apollo's codes. */
function withOurCode(formatted: GraphQLFormattedError): GraphQLFormattedError {
	const code = formatted.extensions?.code;
	if (typeof code === "string" && Object.hasOwn(ERRORS, code)) return formatted;
	return { ...formatted, extensions: { code: code === "INTERNAL_SERVER_ERROR" ? "INTERNAL" : "BAD_USER_INPUT" } };
}

function policy(limits: QueryLimits, accepted: AcceptedQueries): ApolloServerPlugin<HttpContext> {
	return {
		async requestDidStart() {
			let cost: number | undefined;
			let presented: GraphQLFormattedError[] = [];
			return {
				async didResolveOperation({ document, source, queryHash, request: { operationName, variables }, contextValue }) {
					accepted.remember(source, { document, key: queryHash });
					contextValue.named(labelOf(document, operationName));
					try {
						const { call, reader } = contextValue;
						if (limits.introspects(document) && !reader.seesSchema) refuseIntrospection(call.actor);
						cost = limits.cost({ document, operationName, variables });
					} catch (error) {
						throw asGraphQLError(error);
					}
				},
				async didEncounterErrors({ errors, contextValue }) {
					presented = errors.map((error) => present(error, contextValue.reader));
				},
				async willSendResponse({ response: { body, http }, contextValue }) {
					if (body.kind !== "single") return;
					const result = body.singleResult;
					if (cost !== undefined) result.extensions = { ...result.extensions, cost };
					if (presented.length === 0) return;
					result.errors = presented;
					const status = statusOf(http.status, result.data, presented);
					if (status !== undefined) http.status = status;
					if (status === 401) http.headers.set("www-authenticate", challengeOf(contextValue.call.actor));
				},
			};
		},
	};
}

function asGraphQLError(error: unknown): unknown {
	return error instanceof CachewardenError ? new GraphQLError(error.message, { originalError: error }) : error;
}
