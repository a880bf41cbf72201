import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { openFileWriter } from "../../src/backends/file/file-writer.js";
import { filesBelow, PLACE, refsOf } from "../testkit/disk-refs.js";
import { readFieldEntry, readFieldTree } from "../testkit/metadata-reader.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { writerContract } from "./writer.js";

function open(root: string, timeZone = "UTC") {
	return openFileWriter({ roots: [{ name: PLACE, path: root, layout: "auto" }], timeZone });
}

writerContract("the file layout with metadata", async () => {
	const root = temporaryFolder();
	const writer = open(root);
	return {
		writer,
		pickles: true,
		async read(key) {
			if (!readFieldTree(root).has(key)) return null;
			const { symbol, data_source: source, data, cached_at } = readFieldEntry(root, key);
			return { symbol, source, data, createdAt: Date.parse(`${cached_at.slice(0, 23)}Z`) };
		},
		async ref(key) {
			const found = refsOf(root, "metadata").find((one) => one.key === key);
			if (found === undefined) throw new Error(`no entry ${key}`);
			return found;
		},
		names: async () => filesBelow(root),
		close: () => writer.close(),
	};
});

describe("the writer of files", () => {
	const recipe = { symbol: "AAPL", type: "stock_data", source: "yfinance", startDate: null, endDate: null };
	const createdAt = Date.UTC(2026, 10, 22, 2, 15, 30, 5);

	async function write(root: string, format: "csv" | "json" = "csv", replaces: ReturnType<typeof refsOf>[number] | null = null) {
		const writer = open(root, "Asia/Shanghai");
		try {
			const key = writer.keyOf(recipe, createdAt);
			const value = { form: "text", bytes: Buffer.from("[]"), format } as const;
			return { key, outcome: await writer.write({ place: PLACE, key, recipe, value, createdAt, replaces }) };
		} finally {
			await writer.close();
		}
	}

	it("writes times as local time of the cache's zone, without saying which", async () => {
		const root = temporaryFolder();
		const { key } = await write(root);
		expect(readFieldEntry(root, key).cached_at).toBe("2026-11-22T10:15:30.005000");
	});

	it("takes the file of another format away once the new one is in place", async () => {
		const root = temporaryFolder();
		const { key } = await write(root, "csv");
		await write(root, "json", refsOf(root, "metadata")[0]);
		expect(filesBelow(root)).toEqual([`metadata/${key}_meta.json`, `us_stocks/${key}.json`]);
		expect(readFieldEntry(root, key).file_format).toBe("json");
	});

	it("writes nothing through a link, and over nothing that is no file", async () => {
		const outside = temporaryFolder();
		const linked = temporaryFolder();
		symlinkSync(outside, join(linked, "us_stocks"));
		await expect(write(linked)).rejects.toMatchObject({ code: "BAD_PATH" });
		const taken = temporaryFolder();
		const key = open(taken).keyOf(recipe, createdAt);
		mkdirSync(join(taken, "us_stocks", `${key}.csv`), { recursive: true });
		await expect(write(taken)).rejects.toMatchObject({ code: "NOT_A_FILE" });
		expect([filesBelow(outside), filesBelow(taken)]).toEqual([[], []]);
	});

	it("does not write into a tree of another layout", async () => {
		const root = temporaryFolder();
		writeFileSync(join(root, "notes.txt"), "mine");
		const writer = open(root);
		expect(await writer.placeFor("stock_data", "text")).toBeNull();
		await writer.close();
	});
});
