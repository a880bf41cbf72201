import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { LayoutSettings, StatFacts } from "../../src/backends/layouts/layout.js";
import { describePickle, PICKLE_WHOLE_BYTES, pickleKeyOf, pickleReadRange } from "../../src/backends/layouts/pickle-layout.js";

const settings: LayoutSettings = {
	timeZone: "UTC",
	timesToLiveHours: { us: { stock_data: 2, news: 6, fundamentals: 24 }, china: { stock_data: 1, news: 4, fundamentals: 12 } },
};
const fixtures = join(import.meta.dirname, "../fixtures");
const KEY = "0123456789abcdef0123456789abcdef";
const MTIME = 1_700_000_000_000.75;

function described(content: Uint8Array, size = content.length) {
	const facts: StatFacts = { kind: "file", size, mtimeMs: MTIME, ctimeMs: MTIME, atimeMs: MTIME, ino: 1, links: 1 };
	return describePickle({ key: KEY, facts, content }, settings);
}

/** A pickle as Python's default protocol writes it, around `data` of any size. */
function pickleAround(data: Buffer): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32LE(data.length);
	const sample = readFileSync(join(fixtures, "pickle-layout/aed8dfcf8b18ebba4fdd669677361f61.pkl"));
	const tail = sample.subarray(sample.indexOf("\x8c\x08metadata", 0, "latin1"));
	return Buffer.concat([Buffer.from("\x80\x04}\x94(\x8c\x04data\x94B", "latin1"), length, data, Buffer.from("\x94", "latin1"), tail]);
}

describe("the pickle layout", () => {
	it.each([
		["b3fcc428c76b49a8bfbf7b00bde58e04", "stock_data", "AMZN", "yfinance", 2],
		["aed8dfcf8b18ebba4fdd669677361f61", "news", "601318", "akshare", 4],
		["0b549b9f6e4a650ebad64c66e9dbb947", "fundamentals", "META", "finnhub", 24],
	])("reads sample %s: %s of %s", (key, type, symbol, source, hours) => {
		const content = readFileSync(join(fixtures, "pickle-layout", `${key}.pkl`));
		expect(pickleKeyOf(`${key}.pkl`)).toBe(key);
		expect(described(content)).toMatchObject({
			type,
			symbol,
			source,
			size: content.length,
			createdAt: 1_700_000_000_000,
			createdAtSource: "MODIFIED",
			expiresAt: 1_700_000_000_000 + hours * 3_600_000,
			locator: `${KEY}.pkl`,
			brokenMetadata: false,
		});
	});

	it.each(["protocol-0", "protocol-1", "protocol-2", "protocol-3", "protocol-4", "protocol-5"])("reads %s", (name) => {
		const content = readFileSync(join(fixtures, "pickle-protocols", `${name}.pkl`));
		expect(described(content)).toMatchObject({ type: "news", symbol: "0700.HK", source: "akshare" });
	});

	it("executes nothing", () => {
		const content = readFileSync(join(fixtures, "pickle-protocols/calls-a-program.pkl"));
		expect(content.toString("latin1")).toContain("touch /tmp/cachewarden-was-here");
		expect(described(content)).toMatchObject({ type: "stock_data", symbol: "EVIL" });
		expect(existsSync("/tmp/cachewarden-was-here")).toBe(false);
	});

	it("reads a large one from its tail alone, with the same answer", () => {
		const whole = pickleAround(Buffer.alloc(PICKLE_WHOLE_BYTES, "\x8c\x08metadata}(", "latin1"));
		const { offset, length } = pickleReadRange(whole.length);
		expect(offset).toBeGreaterThan(0);
		expect(described(whole.subarray(offset, offset + length), whole.length)).toEqual(described(whole));
		expect(described(whole)).toMatchObject({ type: "news", symbol: "601318" });
	});

	it("reads the tail of every binary sample as it reads the whole, also where the data hold the names too", () => {
		for (const folder of ["pickle-layout", "pickle-protocols"])
			for (const name of readdirSync(join(fixtures, folder)).filter((it) => it !== "protocol-0.pkl")) {
				const content = readFileSync(join(fixtures, folder, name));
				expect(described(content.subarray(10), content.length)).toEqual(described(content));
			}
	});

	it("gives type unknown to what cannot be read that way", () => {
		for (const content of [
			Buffer.from(""),
			Buffer.from("not a pickle"),
			Buffer.from("\x80\x04N.", "latin1"),
			Buffer.from("\x80\x04}\x94.", "latin1"),
		])
			expect(described(content)).toMatchObject({ type: "unknown", symbol: null, expiresAt: null, brokenMetadata: true });
		const facts: StatFacts = { kind: "fifo", size: 0, mtimeMs: MTIME, ctimeMs: MTIME, atimeMs: MTIME, ino: 1, links: 1 };
		expect(describePickle({ key: KEY, facts, content: null }, settings)).toMatchObject({ type: "unknown", size: 0, brokenMetadata: false });
	});

	it("comes to an end on any bytes, and on any damage to a real pickle", () => {
		const real = readFileSync(join(fixtures, "pickle-layout/b3fcc428c76b49a8bfbf7b00bde58e04.pkl"));
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(real.length), fc.nat(255), (noise, at, byte) => {
				const damaged = Buffer.from(real);
				damaged[Math.min(at, real.length - 1)] = byte;
				for (const content of [noise, damaged, real.subarray(0, at)]) expect(typeof described(content).type).toBe("string");
			}),
			{ numRuns: 2000 },
		);
	});

	it("knows only names of 32 lower-case hexadecimal digits", () => {
		for (const name of [`${KEY}.PKL`, `${KEY.toUpperCase()}.pkl`, `${KEY}.pkl.tmp`, `${KEY}0.pkl`, "a.pkl", `.${KEY}.pkl`])
			expect(pickleKeyOf(name)).toBeNull();
	});
});
