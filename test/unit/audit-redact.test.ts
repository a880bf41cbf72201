import { describe, expect, it } from "@jest/globals";
import { ofBoundedSize, textWithoutSecrets, withoutSecrets } from "../../src/audit/redact.js";

describe("what is kept out of the audit log", () => {
	it("is every member named like a secret, however deep, and nothing else", () => {
		const value = {
			a: [{ refreshToken: "x", PASSWORD: "y", "set-cookie": 5, token: null }],
			symbol: "TOK",
			idempotencyKey: "k",
			at: new Date(0),
			u: undefined,
		};
		expect(withoutSecrets(value)).toEqual({
			a: [{ refreshToken: "[redacted]", PASSWORD: "[redacted]", "set-cookie": "[redacted]", token: null }],
			symbol: "TOK",
			idempotencyKey: "k",
			at: "1970-01-01T00:00:00.000Z",
		});
	});

	it.each([
		["Authorization: Bearer abcdef.ghi-jkl0123", "Authorization: Bearer [redacted]"],
		["basic dXNlcjpwYXNz", "basic [redacted]"],
		["got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln here", "got [redacted] here"],
		["mongodb+srv://u:p%40ss@host/db", "mongodb+srv://u:[redacted]@host/db"],
		["redis://:pass@host", "redis://:[redacted]@host"],
		["http://host:8080/a@b", "http://host:8080/a@b"],
		["a basic idea", "a basic idea"],
	])("is the secret in %s", (text, clean) => {
		expect(textWithoutSecrets(text)).toBe(clean);
	});

	it.each(["a".repeat(1_000_000), "eyJ-".repeat(250_000), "bearer ".repeat(150_000), "a://".repeat(250_000), "a://b:".repeat(150_000)])(
		"is found in no time in a long text",
		(text) => {
			const began = performance.now();
			expect(textWithoutSecrets(text).length).toBeLessThan(5000);
			expect(performance.now() - began).toBeLessThan(200);
		},
	);

	it("is what would make an entry too large", () => {
		expect(ofBoundedSize({ a: 1 })).toEqual({ a: 1 });
		expect(ofBoundedSize({ list: Array.from({ length: 30_000 }, (_, i) => i) })).toEqual({ omitted: true, characters: expect.any(Number) });
	});
});
