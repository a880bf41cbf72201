import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { openModuleLoader } from "../../src/loaders/module-loader.js";
import { temporaryFolder } from "../testkit/temporary.js";

const PAGE = readFileSync(new URL("../../docs/extending.md", import.meta.url), "utf8");

describe("the example of a loader in docs/extending.md", () => {
	it("loads what it says", async () => {
		const [, code = ""] = /```js\n(.*?)```/s.exec(PAGE) ?? [];
		const folder = temporaryFolder();
		mkdirSync(join(folder, "prices"));
		writeFileSync(join(folder, "prices", "BRK.B.csv"), "date,close\n2026-10-01,1\n2026-11-01,2\n2026-12-01,3\n");
		const file = join(folder, "load-prices.mjs");
		writeFileSync(file, code);
		const limits = {
			timeoutSeconds: 5,
			retries: 0,
			backoffMs: 1,
			requestsPerSecond: 100,
			concurrency: 1,
			maxBytes: 1000,
			stopAfterFailures: 1,
		};
		const loader = openModuleLoader({
			name: "prices",
			types: ["stock_data"],
			source: "prices",
			daysBack: 30,
			timeZone: "UTC",
			file,
			export: "default",
			...limits,
		});
		try {
			const recipe = { symbol: "BRK.B", type: "stock_data", source: null, startDate: "2026-10-15", endDate: "2026-11-15" };
			const { value } = await loader.load({ recipe, key: null, copyOf: null }, new AbortController().signal);
			expect(Buffer.from(value.bytes).toString()).toBe("date,close\n2026-11-01,2\n");
		} finally {
			await loader.close();
		}
	});
});
