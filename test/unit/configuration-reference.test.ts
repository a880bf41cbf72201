import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { configurationReference, REFERENCE } from "../../scripts/configuration-reference.js";

describe("the configuration reference", () => {
	it("says what the schema says (npm run configuration writes it)", () => {
		expect(readFileSync(REFERENCE, "utf8")).toBe(configurationReference());
	});
});
