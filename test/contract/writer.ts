/** What every writer must do. `open` gives one over an empty layer, with an independent reader of it. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { CacheWriter, Recipe, WriteOrder } from "../../src/backends/writer.js";
import type { EntryRef } from "../../src/core/entry.js";

export interface WriterUnderTest {
	readonly writer: CacheWriter;
	/** Whether the layer holds whole pickles. */
	readonly pickles: boolean;
	/** By a program that shares no code with the writer. Null when there is no such entry. */
	read(
		key: string,
	): Promise<{ readonly symbol: string; readonly source: string; readonly data: string; readonly createdAt: number } | null>;
	/** The entry as a scan would describe it now. */
	ref(key: string): Promise<EntryRef>;
	/** Everything that lies in the layer, by name. */
	names(): Promise<readonly string[]>;
	close(): Promise<void>;
}

/** A time ago that no layer finds too old. */
const AT = Date.now() - 61_234;
const RECIPES: readonly Recipe[] = [
	{ symbol: "BRK.B", type: "stock_data", source: "yfinance", startDate: "2026-01-01", endDate: "2026-11-22" },
	{ symbol: "600519", type: "news", source: "tdx", startDate: null, endDate: null },
	{ symbol: "^GSPC", type: "fundamentals", source: "finnhub", startDate: null, endDate: null },
];

export function writerContract(name: string, open: () => Promise<WriterUnderTest>): void {
	describe(`${name} as a writer`, () => {
		let at: WriterUnderTest;
		beforeEach(async () => {
			at = await open();
		});
		afterEach(() => at.close());

		async function order(recipe: Recipe, text: string, change: Partial<WriteOrder> = {}): Promise<WriteOrder> {
			const place = await at.writer.placeFor(recipe.type, "text");
			if (place === null) throw new Error("there is no place");
			const value = { form: "text", bytes: Buffer.from(text), format: "txt" } as const;
			return { place, key: at.writer.keyOf(recipe, AT), recipe, value, createdAt: AT, replaces: null, ...change };
		}

		it.each(RECIPES.map((recipe) => [recipe.type, recipe] as const))("writes %s as its own programs read it", async (_, recipe) => {
			const asked = await order(recipe, "行情\nfirst line\n");
			const { bytes } = (await at.writer.write(asked)) as { bytes: number };
			expect(bytes).toBeGreaterThanOrEqual(Buffer.byteLength("行情\nfirst line\n"));
			expect(await at.read(asked.key)).toEqual({ symbol: recipe.symbol, source: recipe.source, data: "行情\nfirst line\n", createdAt: AT });
		});

		it.each(RECIPES.map((recipe) => [recipe.type, recipe] as const))("reads %s back with what it was loaded with", async (_, recipe) => {
			const asked = await order(recipe, "a value");
			await at.writer.write(asked);
			const entry = await at.ref(asked.key);
			expect(await at.writer.createdAt(entry)).toBe(AT);
			const stored = await at.writer.read(entry, 1000);
			expect(stored).toMatchObject({ createdAt: AT, value: { form: "text" } });
			expect(Buffer.from(stored?.value.bytes ?? []).toString()).toBe("a value");
			expect(await at.writer.recipeOf(entry)).toMatchObject({ symbol: recipe.symbol, type: recipe.type, source: recipe.source });
			await expect(at.writer.read(entry, 3)).rejects.toMatchObject({ code: "BAD_USER_INPUT" });
		});

		it("replaces an entry that is still the one it was asked to replace, and leaves one that somebody else wrote", async () => {
			const [recipe] = RECIPES as [Recipe];
			const asked = await order(recipe, "old");
			await at.writer.write(asked);
			const old = await at.ref(asked.key);
			expect(await at.writer.write({ ...asked, ...(await order(recipe, "new")), createdAt: AT + 1000, replaces: old })).toMatchObject({
				outcome: "written",
			});
			expect(await at.read(asked.key)).toMatchObject({ data: "new", createdAt: AT + 1000 });
			expect(await at.writer.write({ ...(await order(recipe, "late")), createdAt: AT + 2000, replaces: old })).toEqual({
				outcome: "changed",
			});
			expect(await at.read(asked.key)).toMatchObject({ data: "new", createdAt: AT + 1000 });
		});

		it("carries pickles byte for byte where the layer has them, and has no place for them elsewhere", async () => {
			const key = "0123456789abcdef0123456789abcdef";
			const place = await at.writer.placeFor("stock_data", "pickle");
			expect(place !== null).toBe(at.pickles);
			if (place === null) return;
			const bytes = Buffer.from([0x80, 4, 0x95, 0, 0xff, 0xfe, 0x0a, 0x2e]);
			const recipe = { symbol: "", type: "unknown", source: null, startDate: null, endDate: null };
			const asked = { place, key, recipe, value: { form: "pickle", bytes } as const, createdAt: AT, replaces: null };
			expect(await at.writer.write(asked)).toEqual({ outcome: "written", bytes: bytes.length });
			const stored = await at.writer.read({ place, key, locator: null }, 1000);
			expect(stored?.value).toMatchObject({ form: "pickle" });
			expect(Buffer.from(stored?.value.bytes ?? []).equals(bytes)).toBe(true);
		});

		it("answers null for what is not there", async () => {
			const [recipe] = RECIPES as [Recipe];
			const { place, key } = await order(recipe, "");
			const entry = { place, key, locator: null };
			expect(await at.writer.read(entry, 10)).toBeNull();
			expect(await at.writer.recipeOf(entry)).toBeNull();
			expect(await at.writer.createdAt(entry)).toBeNull();
		});

		it("leaves nothing behind by a probe", async () => {
			const before = await at.names();
			await at.writer.probe();
			expect(await at.names()).toEqual(before);
		});
	});
}
