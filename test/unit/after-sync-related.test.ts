import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Related, relatedTo, selectionsOf } from "../../src/workflows/after-sync/related.js";

const TYPES = ["stock_data", "news", "fundamentals"];
const SYMBOLS = ["AAPL", "MSFT", "600519"];

const related: fc.Arbitrary<Related> = fc.record({
	types: fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1 }),
	symbols: fc.option(fc.uniqueArray(fc.constantFrom(...SYMBOLS)), { nil: null }),
});

describe("what syncs have made stale", () => {
	it("is, for several together, what each of them has, and not one entry more", () => {
		fc.assert(
			fc.property(fc.array(related, { maxLength: 6 }), (all) => {
				const selections = selectionsOf(all);
				for (const type of TYPES)
					for (const symbol of [...SYMBOLS, "OTHER", null]) {
						const wanted = all.some(
							(one) => one.types.includes(type) && (one.symbols === null || (symbol !== null && one.symbols.includes(symbol))),
						);
						const selected = selections.some(
							({ types = [], symbols }) => types.includes(type) && (symbols === undefined || (symbol !== null && symbols.includes(symbol))),
						);
						expect([type, symbol, selected]).toEqual([type, symbol, wanted]);
					}
			}),
		);
	});

	it.each([
		["all that depends on the source when the sync names nothing", {}, { types: ["news", "stock_data"], symbols: ["AAPL", "MSFT"] }],
		["what is both synced and dependent", { symbols: ["MSFT", "600519"] }, { types: ["news", "stock_data"], symbols: ["MSFT"] }],
		["nothing when no synced symbol depends on it", { symbols: ["600519"] }, { types: ["news", "stock_data"], symbols: [] }],
		["the types that the report names", { types: ["news"] }, { types: ["news"], symbols: ["AAPL", "MSFT"] }],
	])("is %s", (_what, input, expected) => {
		const source = { name: "wire", types: ["news", "stock_data"], symbols: ["AAPL", "MSFT"], sync: null };
		expect(relatedTo({ source: "wire", ...input }, new Map([["wire", source]]))).toEqual(expected);
	});
});
