import { describe, expect, it } from "@jest/globals";
import { execute, type GraphQLFieldMap, parse, validate, visit } from "graphql";
import type { Call } from "../../src/core/actor.js";
import { compiledExecutor } from "../../src/http/compiled-executor.js";
import { queryLimits } from "../../src/http/limits.js";
import { EXAMPLES } from "../../src/http/playground/examples.js";
import { buildApiSchema } from "../../src/schema/build.js";
import { LIMITS } from "../testkit/http-server.js";
import { inMemoryOperations } from "../testkit/in-memory-operations.js";

const schema = buildApiSchema();
const actor = { id: "admin", username: "admin", roles: ["ADMIN"], tokenExpiresAt: null, sessionId: null } as const;
const call: Call = { actor, origin: "GRAPHQL", requestId: "r", ipAddress: null, userAgent: null, locale: "en" };

function fieldsUsed(kind: string): Set<string> {
	const used = new Set<string>();
	for (const { query } of EXAMPLES.filter((example) => example.kind === kind))
		visit(parse(query), {
			OperationDefinition({ selectionSet }) {
				for (const selection of selectionSet.selections) if (selection.kind === "Field") used.add(selection.name.value);
			},
		});
	return used;
}

function variablesOf(example: (typeof EXAMPLES)[number]): Record<string, unknown> {
	return JSON.parse(JSON.stringify(example.variables ?? {}).replace("$YESTERDAY", "2026-11-21T00:00:00Z")) as Record<string, unknown>;
}

describe("the playground's examples", () => {
	it.each([
		["query", schema.getQueryType()?.getFields()],
		["mutation", schema.getMutationType()?.getFields()],
		["subscription", schema.getSubscriptionType()?.getFields()],
	] as const)("use every %s there is", (kind, fields: GraphQLFieldMap<unknown, unknown> = {}) => {
		const used = fieldsUsed(kind);
		expect(Object.keys(fields).filter((name) => !used.has(name))).toEqual([]);
	});

	it.each(EXAMPLES.map((example) => [example.title.en, example] as const))(
		"%s: is valid, within the limits, and has one name",
		(_title, example) => {
			const document = parse(example.query);
			const limits = queryLimits(schema, LIMITS);
			expect(validate(schema, document, undefined)).toEqual([]);
			expect(validate(schema, document, [...limits.rules])).toEqual([]);
			expect(limits.cost({ document, variables: variablesOf(example) })).toBeGreaterThan(0);
			expect(EXAMPLES.filter(({ title }) => title.en === example.title.en || title.zh === example.title.zh)).toHaveLength(1);
		},
	);
});

/** Operations, and everything that they were called with apart from the call. */
function recorded() {
	const inputs: unknown[] = [];
	const operations = new Proxy(inMemoryOperations(), {
		get(target, name, receiver) {
			const member: unknown = Reflect.get(target, name, receiver);
			if (typeof member !== "function") return member;
			return (...given: unknown[]) => {
				inputs.push([name, ...given.slice(1)]);
				return Reflect.apply(member, target, given) as unknown;
			};
		},
	});
	return { operations, inputs };
}

describe("a compiled query", () => {
	const once = EXAMPLES.filter(({ kind }) => kind !== "subscription");

	it.each(once.map((example) => [example.title.en, example] as const))("answers as the interpreter does: %s", async (_title, example) => {
		const document = parse(example.query);
		const variables = variablesOf(example);
		const context = { call, operations: inMemoryOperations() };
		const run = compiledExecutor(schema);
		const asked = { key: example.query, document, operationName: undefined, variables, context };
		await run(asked);
		const compiled = await run(asked);
		const interpreted = await execute({ schema, document, variableValues: variables, contextValue: context });
		expect(JSON.parse(JSON.stringify(compiled))).toEqual(JSON.parse(JSON.stringify(interpreted)));
		expect(interpreted.errors).toBeUndefined();
	});

	it.each<[string, string, Record<string, unknown>?]>([
		["defaults of fields of an input", "{ cacheDetails(orderBy: { direction: ASC }) { totalCount } }"],
		[
			"defaults of fields of an input in a variable",
			"query ($o: CacheEntryOrder) { cacheDetails(orderBy: $o) { totalCount } }",
			{ o: { field: "SIZE" } },
		],
		[
			"defaults of variables",
			"query ($n: Int = 3, $s: Boolean = true) { cacheDetails(first: $n) { totalCount } cacheStats(fresh: $s) { asOf } }",
		],
		["one value for a list", '{ cacheDetails(filter: { types: "news", backends: FILE }) { totalCount } }'],
		[
			"one value for a list in a variable",
			"query ($f: CacheEntryFilter) { cacheDetails(filter: $f) { totalCount } }",
			{ f: { types: "news" } },
		],
		[
			"variables within a literal",
			"query ($t: String!, $d: Float) { cacheDetails(filter: { types: [$t], olderThanDays: $d }) { totalCount } }",
			{ t: "news" },
		],
		["null and absent", "query ($a: String, $b: String) { cacheDetails(after: $a, before: $b, first: null) { totalCount } }", { a: null }],
		[
			"times",
			'query ($s: DateTime!) { auditLog(filter: { since: $s, until: "2026-11-22T00:00:00Z" }) { totalCount } }',
			{ s: "2026-11-21T00:00:00+08:00" },
		],
		[
			"fields left out by variables",
			"query ($no: Boolean!) { viewer { id @skip(if: $no) username } cacheStats @include(if: $no) { asOf } }",
			{ no: true },
		],
		["fragments and aliases", "{ a: viewer { ...V } b: viewer { ... on Viewer { name: username } } } fragment V on Viewer { id can }"],
		["a nested argument that is wrong", "{ cacheDetails(first: 500) { totalCount } viewer { id } }"],
		["a mutation of two steps", 'mutation { a: cancelJob(id: 1) { job { id } } b: retryJob(id: "j2") { job { id } } }'],
		["a variable of the wrong type", "query ($n: Int) { cacheDetails(first: $n) { totalCount } }", { n: "three" }],
		["a variable that is missing", "query ($id: ID!) { job(id: $id) { id } }", {}],
		["an unknown field of an input", "query ($f: CacheEntryFilter) { cacheDetails(filter: $f) { totalCount } }", { f: { colour: "red" } }],
	])("is given what the interpreter is given: %s", async (_what, query, variables = {}) => {
		const document = parse(query);
		const [forCompiled, forInterpreter] = [recorded(), recorded()];
		const run = compiledExecutor(schema);
		const asked = { key: query, document, operationName: null, variables, context: { call, operations: inMemoryOperations() } };
		await run(asked);
		const compiled = await run({ ...asked, context: { call, operations: forCompiled.operations } });
		const interpreted = await execute({
			schema,
			document,
			variableValues: variables,
			contextValue: { call, operations: forInterpreter.operations },
		});
		expect(forCompiled.inputs).toEqual(forInterpreter.inputs);
		expect(compiled.data && JSON.parse(JSON.stringify(compiled.data))).toEqual(
			interpreted.data && JSON.parse(JSON.stringify(interpreted.data)),
		);
		expect(compiled.errors?.map(({ message }) => message)).toEqual(interpreted.errors?.map(({ message }) => message));
	});

	it("reports what a resolver throws with its path and cause, and keeps what did not fail", async () => {
		const operations = inMemoryOperations();
		const document = parse("{ viewer { id } all: cacheStats { totalEntries } }");
		const run = compiledExecutor(schema);
		const asked = { key: "k", document, operationName: null, variables: null, context: { call, operations } };
		await run(asked);
		const cause = new Error("broken");
		operations.failNext(cause);
		const { data, errors } = await run(asked);
		expect(JSON.parse(JSON.stringify(data))).toEqual({ viewer: { id: "admin" }, all: null });
		expect(errors?.[0]?.path).toEqual(["all"]);
		expect((errors?.[0]?.originalError as { originalError?: unknown } | undefined)?.originalError).toBe(cause);
	});
});
