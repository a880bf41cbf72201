import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { contentSignature, contentText, GENESIS, sealOf, sealOfText, writerSignature } from "../../src/audit/chain.js";
import { type EntryContent, entryContent } from "../../src/audit/entry-content.js";
import { canonicalJson } from "../../src/core/canonical-json.js";
import { intentOf, outcomeOf } from "../testkit/calls.js";

const SECRET = "a secret that does not change";
const CONTENT: EntryContent = entryContent(
	"a0123456789abcdefghjkm",
	intentOf("张三", {
		startedAt: 1_767_268_800_000,
		details: {
			z: [1, -0, 0.1, 1e21, null, true],
			a: { "2": "two", "10": "ten", Ö: 'ä\u2028\n\t"\\\u0007', __proto__x: "😀" },
			sequence: 5,
			none: undefined,
		},
	}),
	outcomeOf({
		finishedAt: 1_767_268_801_234,
		success: false,
		error: { code: "BACKEND_UNAVAILABLE", said: { key: "audit.unreachable", facts: {} } },
		details: { removed: 3, '"sessionId":': "," },
		jobId: "j1",
	}),
);

describe("what the log's chain is made of", () => {
	it("is signed and sealed byte for byte as in the logs that exist", () => {
		expect(writerSignature(SECRET, "content", CONTENT)).toBe("12aff20513f7fe6c1fb53893da6a3d8f89258ae201af1592f657bbc9ed7d3e59");
		expect(writerSignature(SECRET, "intent", { ticket: CONTENT.id, intent: intentOf("bob", { startedAt: 1 }) })).toBe(
			"7e395e2fababf2235a9a8607d2fdb266de358d574b4bb0673b6cd56a482b763e",
		);
		expect(sealOf(SECRET, GENESIS, { ...CONTENT, sequence: 42 })).toBe("305903ae9f9c181c3d163affa0cd5bcb632436e6ecd66a950462ddad46bbbc08");
	});

	it("is the same when the text of the content is made once for both", () => {
		const text = contentText(CONTENT);
		expect(contentSignature(SECRET, text)).toBe(writerSignature(SECRET, "content", CONTENT));
		expect(sealOfText(SECRET, GENESIS, text, 42)).toBe(sealOf(SECRET, GENESIS, { ...CONTENT, sequence: 42 }));
	});
});

describe("canonical JSON", () => {
	/** As it was when the first logs were written. */
	function asAtFirst(value: unknown): string {
		if (Array.isArray(value)) return `[${value.map((item) => asAtFirst(item ?? null)).join(",")}]`;
		if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
		const members = Object.entries(value)
			.filter(([, member]) => member !== undefined)
			.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
			.map(([name, member]) => `${JSON.stringify(name)}:${asAtFirst(member)}`);
		return `{${members.join(",")}}`;
	}

	it("has one text for a value, which has never changed", () => {
		const text = fc.string({ unit: "binary" });
		const leaf = fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constantFrom(null, undefined, new Date(0)));
		const { value } = fc.letrec((tie) => ({
			value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie("value")), fc.dictionary(text, tie("value"))),
		}));
		fc.assert(
			fc.property(value, (one) => {
				expect(canonicalJson(one)).toBe(asAtFirst(one));
			}),
			{ numRuns: 200 },
		);
	});
});
