import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { storedValue } from "../../src/audit/mongodb/stored-value.js";
import { withoutSecrets } from "../../src/audit/redact.js";

/** The two walks that it stands for. */
function storable(value: unknown, depth = 0): unknown {
	if (typeof value === "string") return value.replace(/\p{Surrogate}/gu, "\ufffd");
	if (typeof value === "number") return Number.isFinite(value) ? value : null;
	if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
	if (depth >= 40) return "…";
	if (Array.isArray(value)) return value.map((item) => storable(item ?? null, depth + 1));
	const members = Object.entries(value).map(([name, member]) => [
		name
			.replace(/\p{Surrogate}/gu, "\ufffd")
			.replaceAll("\0", "␀")
			.replace(/^\$/, "＄")
			.replace(/^_bsontype$/, "bsontype"),
		storable(member, depth + 1),
	]);
	return Object.fromEntries(members);
}

describe("what is stored of a value", () => {
	it("is what is left without secrets, in the form in which BSON gives it back", () => {
		const name = fc.oneof(
			fc.string({ unit: "binary" }),
			fc.constantFrom("$set", "a\0b", "_bsontype", "__proto__", "constructor", "2", "apiToken", "\ud800", "Password"),
		);
		const text = fc.oneof(
			fc.string({ unit: "binary" }),
			fc.constantFrom("Bearer abcdefghij", "BASIC abcdefghij", "http://u:p@h", "eyJabcdef.abcdef.x", "\udc00 x", `${"a".repeat(4095)}😀`),
		);
		const leaf = fc.oneof(
			text,
			fc.double(),
			fc.integer(),
			fc.boolean(),
			fc.bigInt(),
			fc.constantFrom(null, undefined, Number.NaN, new Date(0)),
		);
		const { value } = fc.letrec((tie) => ({
			value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie("value")), fc.dictionary(name, tie("value"))),
		}));
		fc.assert(
			fc.property(value, (one) => {
				const stored = storedValue(one);
				const expected = storable(withoutSecrets(one));
				expect(JSON.stringify(stored)).toBe(JSON.stringify(expected));
				expect(isDeepStrictEqual(stored, expected)).toBe(true);
			}),
			{ numRuns: 200 },
		);
	});

	it("is cut where it is nested too deeply", () => {
		let value: unknown = "end";
		for (let i = 0; i < 60; i++) value = i % 2 === 0 ? [value] : { a: value };
		expect(storedValue(value)).toStrictEqual(storable(value));
		expect(JSON.stringify(storedValue(value))).toContain("…");
	});

	it("has no other prototype than other objects, whatever its members are called", () => {
		const stored = storedValue(JSON.parse('{ "__proto__": { "admin": true } }')) as Record<string, unknown>;
		expect(Object.keys(stored)).toEqual(["__proto__"]);
		expect(stored.admin).toBeUndefined();
	});
});
