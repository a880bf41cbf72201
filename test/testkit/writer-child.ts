/**
 * Writes one entry of a file cache again and again in a process of its own, so that it can be killed in between.
 *
 * Usage: writer-child.ts ROOT BYTES. Each value is a letter, BYTES times.
 */
import { openFileWriter } from "../../src/backends/file/file-writer.js";

const [root = "", bytes = "1000"] = process.argv.slice(2);
const writer = openFileWriter({ roots: [{ name: "main", path: root, layout: "metadata" }], timeZone: "UTC" });
const recipe = { symbol: "AAPL", type: "stock_data", source: "test", startDate: null, endDate: null };
const key = writer.keyOf(recipe, Date.UTC(2026, 10, 22));
for (let i = 0; ; i++) {
	const value = { form: "text", bytes: Buffer.alloc(Number(bytes), 97 + (i % 26)), format: "csv" } as const;
	await writer.write({ place: "main", key, recipe, value, createdAt: Date.now(), replaces: null });
	if (i === 0) process.stdout.write(`${key}\n`);
}
