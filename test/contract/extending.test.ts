/** The examples of docs/extending.md pass what the program's own parts must pass. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import Database from "libsql";
import { datedFileOf, describeDated } from "../../examples/extending/dated-layout.js";
import { openFolderLoader } from "../../examples/extending/folder-loader.js";
import { openSqliteBackend } from "../../examples/extending/sqlite-backend.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import { factsOf } from "../../src/backends/layouts/stat-facts.js";
import type { EntryRef } from "../../src/core/entry.js";
import { entryId } from "../../src/core/entry-id.js";
import { filesBelow, PLACE, write } from "../testkit/disk-refs.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { backendContract } from "./backend.js";
import { gauge, loaderContract } from "./loader.js";

const EXAMPLES = new URL("../../examples/extending/", import.meta.url);

backendContract("the example's table", async () => {
	const file = join(temporaryFolder(), "cache.db");
	// Another program, with a connection of its own.
	const other = new Database(file);
	other.exec("PRAGMA journal_mode = WAL; CREATE TABLE cache (key TEXT PRIMARY KEY, value BLOB, version INTEGER)");
	const backend = openSqliteBackend({ kind: "REDIS", place: PLACE, file });
	return {
		backend,
		async seed(count) {
			const add = other.prepare("INSERT INTO cache VALUES (?, ?, 1)");
			return Array.from({ length: count }, (_, i): EntryRef => {
				const [key, value] = [`key ${i}`, `value number ${i}`];
				add.run(key, value);
				const fingerprint = { data: 1, metadata: null };
				return {
					id: entryId("REDIS", PLACE, key),
					key,
					backend: "REDIS",
					place: PLACE,
					type: "row",
					size: value.length,
					locator: key,
					fingerprint,
				};
			});
		},
		exists: async ({ key }) => other.prepare("SELECT 1 FROM cache WHERE key = ?").get(key) !== undefined,
		rewrite: async ({ key }) => void other.prepare("UPDATE cache SET value = 'another', version = version + 1 WHERE key = ?").run(key),
		vanish: async ({ key }) => void other.prepare("DELETE FROM cache WHERE key = ?").run(key),
		halve: null,
		breakDown: async () => renameSync(file, `${file}-away`),
		async close() {
			await backend.close();
			other.close();
		},
	};
});

backendContract("files of the example's layout", async () => {
	const root = join(temporaryFolder(), "root");
	mkdirSync(root);
	const backend = openFileBackend({ roots: [{ name: PLACE, path: root }] });
	const fileOf = ({ locator }: EntryRef): string => join(root, locator as string);
	return {
		backend,
		async seed(count) {
			for (let i = 0; i < count; i++) write(root, `bars/S${i}-20261124.parquet`, `PAR1 ${i}`);
			write(root, "bars/README.md");
			return filesBelow(root).flatMap((path): EntryRef[] => {
				const described = describeDated({ path, facts: factsOf(lstatSync(join(root, path))) });
				if (described === null) return [];
				const { key, type, size, locator, fingerprint } = described;
				return [{ id: entryId("FILE", PLACE, key), key, backend: "FILE", place: PLACE, type, size, locator, fingerprint }];
			});
		},
		exists: async (entry) => existsSync(fileOf(entry)),
		rewrite: async (entry) => writeFileSync(fileOf(entry), "another value"),
		vanish: async (entry) => rmSync(fileOf(entry)),
		halve: null,
		breakDown: async () => renameSync(root, `${root}-away`),
		close: () => backend.close(),
	};
});

loaderContract("the example's folder", async () => {
	const { pass, under, hold } = gauge();
	const folder = temporaryFolder();
	const contentOf = (symbol: string): string => `date,close\n2026-11-24,${symbol}\n`;
	for (const symbol of ["AAPL", "600519"]) writeFileSync(join(folder, `${symbol}.csv`), contentOf(symbol));
	const loader = openFolderLoader({
		name: "prices",
		source: "prices",
		types: ["stock_data"],
		daysBack: 7,
		timeZone: "UTC",
		folder,
		concurrency: 2,
		requestsPerSecond: 10_000,
		retries: 0,
		backoffMs: 1,
		stopAfterFailures: 10,
		read: (path, signal) => pass(() => readFile(path, { encoding: "utf8", signal })),
	});
	return { loader, valueOf: contentOf, source: "prices", under, hold, close: () => loader.close() };
});

describe("the examples of docs/extending.md", () => {
	it("are each shorter than 100 lines", () => {
		const lengths = readdirSync(EXAMPLES).map((name) => readFileSync(new URL(name, EXAMPLES), "utf8").split("\n").length);
		expect(lengths.length).toBe(3);
		expect(Math.max(...lengths)).toBeLessThan(100);
	});

	it("read from a name what it says, and nothing from one that is no file of theirs", () => {
		expect(datedFileOf("bars/BRK-B-20261124.parquet")).toEqual({ type: "bars", symbol: "BRK-B", day: Date.UTC(2026, 10, 24) });
		for (const path of ["bars/A-20260231.parquet", "bars/A-20261124.csv", "A-20261124.parquet", "bars/deep/../A.parquet"])
			expect(datedFileOf(path)).toBeNull();
	});
});
