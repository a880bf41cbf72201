import { maxAliasesRule } from "@escape.tech/graphql-armor-max-aliases";
import { maxDepthRule } from "@escape.tech/graphql-armor-max-depth";
import {
	BREAK,
	type DocumentNode,
	GraphQLError,
	type GraphQLSchema,
	isIntrospectionType,
	type ParseOptions,
	type ValidationContext,
	type ValidationRule,
	visit,
} from "graphql";
import { type ComplexityEstimator, fieldExtensionsEstimator, getComplexity, simpleEstimator } from "graphql-query-complexity";
import type { Config } from "../config/config.js";
import { CachewardenError } from "../core/errors.js";
import type { MessageKey } from "../core/messages/catalogue.js";

export interface Operation {
	readonly document: DocumentNode;
	readonly operationName?: string | null | undefined;
	readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What may be asked at all, over HTTP and WebSocket alike. */
export interface QueryLimits {
	/** Refuses huge documents before they are a tree. */
	readonly parse: ParseOptions;
	/** Stand beside GraphQL's own rules. */
	readonly rules: readonly ValidationRule[];
	/** The cost of a valid operation with these variables; TOO_COMPLEX over the limit. */
	cost(operation: Operation): number;
	/** The same; null where `cost` would throw. */
	costWithin(operation: Operation): number | null;
	/** True when any part of the document asks for the schema. */
	introspects(document: DocumentNode): boolean;
}

const REMEMBERED_COSTS = 64;
const LONGEST_REMEMBERED_VARIABLES = 512;

const introspectionIsFree: ComplexityEstimator = ({ type, field }) =>
	isIntrospectionType(type) || field.name.startsWith("__") ? 0 : undefined;

export function queryLimits(schema: GraphQLSchema, limits: Config["limits"]): QueryLimits {
	const costs = new WeakMap<DocumentNode, Map<string, number>>();
	const asking = new WeakMap<DocumentNode, boolean>();

	function measure({ document, operationName, variables }: Operation): number {
		return getComplexity({
			schema,
			query: document,
			...(operationName ? { operationName } : {}),
			variables: { ...variables },
			estimators: [introspectionIsFree, fieldExtensionsEstimator(), simpleEstimator({ defaultComplexity: 1 })],
		});
	}

	function remembered(operation: Operation): number {
		const key = `${operation.operationName ?? ""}\n${JSON.stringify(operation.variables ?? null)}`;
		if (key.length > LONGEST_REMEMBERED_VARIABLES) return measure(operation);
		const known = costs.get(operation.document) ?? new Map<string, number>();
		let cost = known.get(key);
		if (cost === undefined) {
			cost = measure(operation);
			if (known.size >= REMEMBERED_COSTS) known.clear();
			known.set(key, cost);
			costs.set(operation.document, known);
		}
		return cost;
	}

	return {
		parse: { maxTokens: limits.tokens },
		rules: [
			maxDepthRule({
				n: limits.depth,
				flattenFragments: true,
				propagateOnRejection: false,
				onReject: [report("http.tooDeep", limits.depth)],
			}),
			maxAliasesRule({ n: limits.aliases, propagateOnRejection: false, onReject: [report("http.tooManyAliases", limits.aliases)] }),
		],
		cost(operation) {
			const cost = remembered(operation);
			if (cost > limits.complexity)
				throw new CachewardenError("TOO_COMPLEX", { key: "http.tooCostly", facts: { cost, limit: limits.complexity } });
			return cost;
		},
		costWithin(operation) {
			try {
				const cost = remembered(operation);
				return cost > limits.complexity ? null : cost;
			} catch (error) {
				if (error instanceof GraphQLError) return null;
				throw error;
			}
		},
		introspects(document) {
			const known = asking.get(document);
			if (known !== undefined) return known;
			const found = asksForSchema(document);
			asking.set(document, found);
			return found;
		},
	};
}

function report(key: MessageKey, limit: number) {
	return (context: ValidationContext | null): void => {
		const error = new CachewardenError("TOO_COMPLEX", { key, facts: { limit } });
		context?.reportError(new GraphQLError(error.message, { originalError: error }));
	};
}

function asksForSchema(document: DocumentNode): boolean {
	let found = false;
	visit(document, {
		Field({ name }) {
			if (name.value !== "__schema" && name.value !== "__type") return undefined;
			found = true;
			return BREAK;
		},
	});
	return found;
}
