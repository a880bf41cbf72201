import {
	BREAK,
	type DocumentNode,
	type ExecutionResult,
	execute,
	GraphQLError,
	type GraphQLSchema,
	getOperationAST,
	getVariableValues,
	type ValueNode,
	visit,
} from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";
import { LRUCache } from "lru-cache";

/** Of the texts of the queries that are remembered; what they compile to is some hundred times as large. */
const REMEMBERED_CHARACTERS = 200_000;

const UNKNOWN_SIZE = 2_000;

export interface Execution {
	/** Stands for the document: equal keys are equal documents. */
	readonly key: string;
	readonly document: DocumentNode;
	readonly operationName: string | null | undefined;
	readonly variables: Readonly<Record<string, unknown>> | null | undefined;
	readonly context: unknown;
	/** The event, for a subscription; nothing otherwise. */
	readonly root?: unknown;
}

export type Execute = (execution: Execution) => Promise<ExecutionResult> | ExecutionResult;

type Known = CompiledQuery | "seen once" | "interpret";

/**
 * Runs queries, mutations, and the single events of subscriptions. One that comes a second time is compiled to a function, which
 * runs several times as fast as the interpreter; compiling pays only for what is repeated. The least used are forgotten.
 */
export function compiledExecutor(schema: GraphQLSchema): Execute {
	const queries = new LRUCache<string, Known>({ maxSize: REMEMBERED_CHARACTERS });

	function remember(name: string, { document, operationName }: Execution): Known {
		const known = queries.get(name);
		if (known !== undefined && known !== "seen once") return known;
		const next = known === undefined ? "seen once" : compile(document, operationName ?? undefined);
		const size = typeof next === "string" ? name.length : (document.loc?.end ?? UNKNOWN_SIZE);
		queries.set(name, next, { size });
		return next;
	}

	function compile(document: DocumentNode, operationName: string | undefined): CompiledQuery | "interpret" {
		if (hasVariableWithinValue(document)) return "interpret";
		const compiled = compileQuery(schema, document, operationName);
		return isCompiledQuery(compiled) ? compiled : "interpret";
	}

	/** The compiler's own reading of variables does not know that a required field with a default may be left out. */
	function coerce(document: DocumentNode, operationName: string | null | undefined, variables: Execution["variables"]) {
		const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
		return getVariableValues(schema, definitions, { ...variables });
	}

	return (execution) => {
		const { key, document, operationName, variables, context, root } = execution;
		const query = remember(`${key}\n${operationName ?? ""}`, execution);
		if (typeof query === "string")
			return execute({ schema, document, operationName, variableValues: { ...variables }, contextValue: context, rootValue: root });
		const given = coerce(document, operationName, variables);
		if (given.errors) return { errors: given.errors };
		const result = query.query(root, context, given.coerced);
		return result instanceof Promise ? result.then(withErrors) : withErrors(result);
	};
}

/** The compiler takes a variable that is not given for null, also where it stands within a literal whose field has a default. */
function hasVariableWithinValue(document: DocumentNode): boolean {
	let found = false;
	function look(value: ValueNode): void {
		visit(value, {
			Variable() {
				found = true;
				return BREAK;
			},
		});
	}
	visit(document, { ObjectValue: look, ListValue: look });
	return found;
}

/** The compiler's errors lack what the servers expect of a GraphQLError. */
function withErrors(result: ExecutionResult): ExecutionResult {
	if (!result.errors?.length) return result;
	const errors = result.errors.map((error) => new GraphQLError(error.message, { path: error.path, originalError: error }));
	return { ...result, errors };
}
