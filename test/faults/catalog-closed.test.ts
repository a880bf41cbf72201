import { expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { closeCatalog, openTestCatalog, scannedCatalog } from "../testkit/catalog.js";
import { temporaryFolder } from "../testkit/temporary.js";

/** A thread that is stopped inside SQLite takes the whole process with it, this one too. */
it("a catalog can be closed at any moment of a question or a scan", async () => {
	const root = temporaryFolder();
	const dataDir = temporaryFolder();
	generateTree({ root, entries: 6000 });
	await closeCatalog(await scannedCatalog({ root, dataDir }));
	for (let round = 0; round < 8; round++) {
		const catalog = await openTestCatalog({ root, dataDir });
		if (round % 4 > 0) await catalog.summarize({ keyContains: "A" });
		const first = { direction: "forward", limit: 500, cursor: null } as const;
		const pages = [1, 2, 3, 4].flatMap((digit) => [
			catalog.page({ keyContains: `${digit}` }, { field: "SIZE", direction: "DESC" }, first),
			catalog.page({}, { field: "KEY", direction: "ASC" }, first),
		]);
		const answers = Promise.allSettled(pages);
		if (round % 2 === 0) void catalog.refresh(null).catch(() => undefined);
		// With so many answered, in the middle of the next.
		for (const page of pages.slice(0, round)) await page;
		await closeCatalog(catalog);
		for (const answer of await answers) {
			if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "BACKEND_UNAVAILABLE" });
		}
	}
	const catalog = await openTestCatalog({ root, dataDir });
	await catalog.refresh(null);
	expect(catalog.stats(null).layers).toMatchObject([{ entries: 6000 }]);
});
