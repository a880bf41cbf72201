import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { detectLayouts, RootSigns } from "../../src/backends/layouts/detect-layouts.js";
import { isSafePath, partsOf } from "../../src/backends/layouts/entry-parts.js";
import type { StatFacts } from "../../src/backends/layouts/layout.js";
import { describePlain } from "../../src/backends/layouts/plain-layout.js";
import { describePython, isByteCode, isSkippedFolder } from "../../src/backends/layouts/python-layout.js";

const PICKLE = "0123456789abcdef0123456789abcdef";
const facts: StatFacts = { kind: "file", size: 9, mtimeMs: 1500.9, ctimeMs: 1, atimeMs: 2500.2, ino: 1, links: 1 };

function layoutsOf(names: readonly string[], configured: Parameters<typeof detectLayouts>[1]) {
	const signs = new RootSigns();
	for (const name of names) signs.see(name);
	return detectLayouts(signs, configured);
}

describe("what lies in a root", () => {
	it("is told by its names, unless it is configured", () => {
		expect(layoutsOf(["metadata", "us_news"], "auto")).toEqual(["metadata"]);
		expect(layoutsOf(["china_fundamentals", "README"], "auto")).toEqual(["metadata"]);
		expect(layoutsOf([`${PICKLE}.pkl`, "other"], "auto")).toEqual(["pickle"]);
		expect(layoutsOf([`${PICKLE}.pkl`, "us_stocks"], "auto")).toEqual(["metadata", "pickle"]);
		expect(layoutsOf(["images", "a.bin"], "auto")).toEqual(["plain"]);
		expect(layoutsOf([], "auto")).toEqual([]);
		expect(layoutsOf([`${PICKLE}.pkl`, "us_stocks"], "metadata")).toEqual(["metadata"]);
		expect(layoutsOf([], "plain")).toEqual(["plain"]);
	});

	it("in a plain tree is typed by its first folder and keyed by its path", () => {
		expect(describePlain({ path: "images/2026/a b.png", facts })).toMatchObject({
			type: "images",
			key: "images/2026/a b.png",
			locator: "images/2026/a b.png",
			createdAt: 1500,
			size: 9,
			expiresAt: null,
			lastAccessedAt: 2500,
		});
		expect(describePlain({ path: "a.bin", facts: { ...facts, kind: "link" } })).toMatchObject({
			type: "file",
			size: 0,
			lastAccessedAt: null,
		});
	});

	it("as byte code is one entry a file", () => {
		expect(["a.pyc", "b.cpython-311.pyo"].every(isByteCode)).toBe(true);
		expect(["a.py", ".pyc", "pyc", "a.pyc.123", "a.PYC"].some(isByteCode)).toBe(false);
		expect(describePython({ path: "pkg/__pycache__/a.pyc", facts })).toMatchObject({
			type: "python",
			key: "pkg/__pycache__/a.pyc",
			createdAt: 1500,
			expiresAt: null,
		});
	});

	it("and belongs to others is skipped", () => {
		expect(isSkippedFolder(".git", [])).toBe(true);
		expect(isSkippedFolder("node_modules", [])).toBe(true);
		expect(isSkippedFolder("anything", ["bin", "pyvenv.cfg"])).toBe(true);
		expect(isSkippedFolder("conda", ["conda-meta", "bin"])).toBe(true);
		expect(isSkippedFolder("venv", ["notes.py"])).toBe(false);
	});
});

describe("where an entry's files lie", () => {
	it("follows from its key and locator", () => {
		const key = "^GSPC_stock_data_0123456789ab";
		expect(partsOf({ key, locator: `us_stocks/${key}.csv` })).toEqual({
			data: `us_stocks/${key}.csv`,
			metadata: `metadata/${key}_meta.json`,
		});
		expect(partsOf({ key, locator: null })).toEqual({ data: null, metadata: `metadata/${key}_meta.json` });
		expect(partsOf({ key: `us_stocks/${key}.csv`, locator: `us_stocks/${key}.csv` })).toEqual({
			data: `us_stocks/${key}.csv`,
			metadata: null,
		});
		expect(partsOf({ key: PICKLE, locator: `${PICKLE}.pkl` })).toEqual({ data: `${PICKLE}.pkl`, metadata: null });
		expect(partsOf({ key: "a/b/c", locator: "a/b/c" })).toEqual({ data: "a/b/c", metadata: null });
	});

	it("is nowhere when they do not belong together", () => {
		for (const entry of [
			{ key: "k", locator: "us_stocks/other.csv" },
			{ key: "k", locator: "elsewhere/k.csv" },
			{ key: "k", locator: "us_stocks/deeper/k.csv" },
			{ key: "k", locator: "us_stocks/k.exe" },
			{ key: "a/../../b", locator: null },
			{ key: "", locator: null },
			{ key: "../b", locator: "../b" },
		])
			expect(partsOf(entry)).toBeNull();
	});

	it.each([
		"",
		"/etc/passwd",
		"..",
		"a/../b",
		"a//b",
		"a/",
		"/",
		".",
		"./a",
		"a\0b",
		"a\\..\\b",
		"..\\b",
		"%2e%2e/a",
		"a/%2E./b",
		"..%2fetc",
		"a%5c..%5cb",
	])("is never %j", (path) => {
		expect(isSafePath(path)).toBe(false);
		expect(partsOf({ key: path, locator: path })).toBeNull();
		expect(partsOf({ key: path, locator: null })).toBeNull();
	});

	it("is any ordinary path, percent signs and dots included", () => {
		for (const path of ["a", "...", "a..b/c", "https%3A%2F%2Fexample.com%2Fa", "100%.csv", "^GSPC/..b", "贵州/茅台.csv"])
			expect(isSafePath(path)).toBe(true);
	});

	it("never leaves the root, whatever the path", () => {
		fc.assert(
			fc.property(fc.array(fc.constantFrom("..", ".", "a", "/", "\\", "%2e", "%2F", "\0", ""), { maxLength: 8 }), (pieces) => {
				const path = pieces.join("");
				if (!isSafePath(path)) return;
				const resolved = new URL(`file:///root/${path}`).pathname;
				expect(resolved.startsWith("/root/")).toBe(true);
			}),
			{ numRuns: 2000 },
		);
	});
});
