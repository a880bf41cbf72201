import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { describeValue } from "../../src/backends/disk/preview.js";

describe("the preview of a value", () => {
	const text = (name: string, content: string | Buffer, size?: number) =>
		describeValue(name, Buffer.from(content as string), size ?? Buffer.byteLength(content as string));

	it.each([
		["us_stocks/a.csv", "text/csv"],
		["us_news/a.txt", "text/plain"],
		["us_news/a.json", "application/json"],
		["logs/a.log", "text/plain"],
		["no-ending", "text/plain"],
	])("names the media type of %s: %s", (name, mediaType) => {
		expect(text(name, "a,b\n1,2\n")).toEqual({ mediaType, text: "a,b\n1,2\n", truncated: false });
	});

	it("describes what is binary and shows nothing of it", () => {
		expect(text("0123.pkl", "looks like text")).toEqual({ mediaType: "application/x-python-pickle", text: null, truncated: false });
		expect(text("a.csv", Buffer.from([0x61, 0xff, 0xfe]))).toEqual({ mediaType: "application/octet-stream", text: null, truncated: false });
		expect(text("a.txt", "a\0b")).toEqual({ mediaType: "application/octet-stream", text: null, truncated: false });
		expect(text("a.txt", Buffer.from([0xe8, 0xb4]))).toMatchObject({ mediaType: "application/octet-stream", text: null });
	});

	it("shows an empty value as empty text", () => {
		expect(text("a.txt", "")).toEqual({ mediaType: "text/plain", text: "", truncated: false });
	});

	it("cuts between characters, wherever the bytes end", () => {
		fc.assert(
			fc.property(
				fc.string({ unit: "grapheme", minLength: 1 }).filter((it) => !it.includes("\0")),
				fc.nat(),
				(value, at) => {
					const whole = Buffer.from(value);
					const cut = at % (whole.length + 1);
					const shown = describeValue("a.txt", whole.subarray(0, cut), whole.length);
					expect(value.startsWith(shown.text as string)).toBe(true);
					expect(cut - Buffer.byteLength(shown.text as string)).toBeLessThan(4);
					expect(shown.truncated).toBe(shown.text !== value);
				},
			),
		);
	});
});
