import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFileWriter } from "../../src/backends/file/file-writer.js";
import type { CacheWriter } from "../../src/backends/writer.js";
import { openHttpLoader } from "../../src/loaders/http-loader.js";
import { openModuleLoader } from "../../src/loaders/module-loader.js";
import { openTierLoader } from "../../src/loaders/tier-loader.js";
import { scannedCatalog, writeEntry } from "../testkit/catalog.js";
import { sending, startHttpSource } from "../testkit/http-source.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { gauge, loaderContract } from "./loader.js";

const PACE = { concurrency: 2, requestsPerSecond: 10_000, retries: 0, backoffMs: 1 };
const LIMITS = { maxBytes: 1000, stopAfterFailures: 10, timeoutSeconds: 30 };
const KNOWN = ["AAPL", "600519"];
const contentOf = (symbol: string): string => `date,close\n2026-11-24,${symbol}\n`;

loaderContract("http", async () => {
	const { pass, under, hold } = gauge();
	const source = await startHttpSource((request, response) =>
		pass(() => {
			const symbol = new URL(request.path, "http://source").searchParams.get("symbol") ?? "";
			if (KNOWN.includes(symbol)) return sending("text/csv", contentOf)(request, response);
			response.writeHead(404).end();
		}),
	);
	const about = { name: "quotes", types: ["stock_data"], source: "exchange", daysBack: 7, timeZone: "UTC", headers: {}, format: null };
	const loader = openHttpLoader({ ...PACE, ...LIMITS, ...about, url: `${source.url}/?symbol={symbol}`, allowPrivateAddresses: true });
	return {
		loader,
		valueOf: contentOf,
		source: "exchange",
		under,
		hold,
		async close() {
			await loader.close();
			await source.close();
		},
	};
});

/** What the module of the test finds in its own process. */
const shared = globalThis as typeof globalThis & { loaderUnderTest?: (symbol: string) => Promise<string> };

loaderContract("module", async () => {
	const { pass, under, hold } = gauge();
	shared.loaderUnderTest = (symbol) =>
		pass(() => {
			if (!KNOWN.includes(symbol)) throw new Error(`${symbol} is unknown`);
			return contentOf(symbol);
		});
	const file = join(temporaryFolder(), "load.mjs");
	writeFileSync(file, 'export default async ({ symbol }) => ({ data: await globalThis.loaderUnderTest(symbol), format: "csv" });\n');
	const about = { name: "own", types: ["stock_data"], source: "own", daysBack: 7, timeZone: "UTC", file, export: "default" };
	const loader = openModuleLoader({ ...PACE, ...LIMITS, ...about });
	return { loader, valueOf: contentOf, source: "own", under, hold, close: () => loader.close() };
});

loaderContract("tier", async () => {
	const { pass, under, hold } = gauge();
	const root = temporaryFolder();
	for (const [i, symbol] of KNOWN.entries()) {
		const folder = symbol === "600519" ? "china_stocks" : "us_stocks";
		writeEntry(root, `${symbol}_stock_data_00000000000${i}`, { folder, data: contentOf(symbol), metadata: { data_source: "tdx" } });
	}
	const catalog = await scannedCatalog({ root });
	const files = openFileWriter({ roots: [{ name: "cache", path: root, layout: "metadata" }], timeZone: "UTC" });
	const reader: CacheWriter = Object.create(files, {
		read: { value: (...asked: Parameters<CacheWriter["read"]>) => pass(() => files.read(...asked)) },
	});
	const loader = openTierLoader({ ...PACE, ...LIMITS, name: "copies", types: ["stock_data"], from: "FILE", catalog, reader });
	return {
		loader,
		valueOf: contentOf,
		source: "tdx",
		under,
		hold,
		async close() {
			await loader.close();
			await files.close();
		},
	};
});
