import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import {
	buildSchema,
	findBreakingChanges,
	findDangerousChanges,
	type GraphQLSchema,
	isScalarType,
	lexicographicSortSchema,
	printSchema,
} from "graphql";
import { buildApiSchema } from "../../src/schema/build.js";

const emitted = readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8");
const contract = buildSchema(readFileSync(new URL("../contract-schema/contract.graphql", import.meta.url), "utf8"));

/** Names, nullability, arguments, enum values and default values that differ from one schema to the other. */
function differences(from: GraphQLSchema, to: GraphQLSchema): string[] {
	const changed = findDangerousChanges(from, to).filter(({ type }) => type === "ARG_DEFAULT_VALUE_CHANGE");
	return [...findBreakingChanges(from, to), ...changed].map(({ description }) => description).sort();
}

/** Descriptions of types and fields by name, null for none. */
function descriptions(schema: GraphQLSchema): Map<string, string | null> {
	const found = new Map<string, string | null>();
	for (const type of Object.values(schema.getTypeMap())) {
		if (isScalarType(type) || type.name.startsWith("__")) continue;
		found.set(type.name, type.description ?? null);
		if (!("getFields" in type)) continue;
		for (const field of Object.values(type.getFields())) found.set(`${type.name}.${field.name}`, field.description ?? null);
	}
	return found;
}

describe("the schema", () => {
	it("is the one that is committed as schema.graphql (npm run schema writes it)", () => {
		expect(`${printSchema(lexicographicSortSchema(buildApiSchema()))}\n`).toBe(emitted);
	});

	it("keeps the contract, and lacks nothing of it", () => {
		expect(differences(contract, buildApiSchema())).toEqual([]);
	});

	it("says of its types and fields what the contract says of them", () => {
		const offered = descriptions(buildApiSchema());
		const promised = descriptions(contract);
		for (const [name, text] of promised) if (offered.has(name)) expect([name, offered.get(name)]).toEqual([name, text]);
	});
});
