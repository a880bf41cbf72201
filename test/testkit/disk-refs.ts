/** Entries of a root as a scan gives them, read by plain means; and the small trees that tests of deletions work on. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DescribedEntry, LayoutName, LayoutSettings, StatFacts } from "../../src/backends/layouts/layout.js";
import {
	DATA_FOLDERS,
	dataFileOf,
	describeMetadataEntry,
	metadataKeyOf,
	metadataNameOf,
} from "../../src/backends/layouts/metadata-layout.js";
import { describePickle, pickleKeyOf } from "../../src/backends/layouts/pickle-layout.js";
import { describePlain } from "../../src/backends/layouts/plain-layout.js";
import { describePython, isByteCode } from "../../src/backends/layouts/python-layout.js";
import { factsOf } from "../../src/backends/layouts/stat-facts.js";
import type { EntryRef } from "../../src/core/entry.js";
import { entryId } from "../../src/core/entry-id.js";

export const PLACE = "main";

const SETTINGS: LayoutSettings = {
	timeZone: "UTC",
	timesToLiveHours: { us: { stock_data: 2, news: 6, fundamentals: 24 }, china: { stock_data: 1, news: 4, fundamentals: 12 } },
};

export function write(root: string, path: string, content: string | Buffer = path, mtimeMs?: number): void {
	mkdirSync(dirname(join(root, path)), { recursive: true });
	writeFileSync(join(root, path), content);
	if (mtimeMs !== undefined) utimesSync(join(root, path), mtimeMs / 1000, mtimeMs / 1000);
}

/** An entry of the metadata layout; the key. */
export function writeEntry(root: string, symbol: string, number = 0, content = `${symbol},${number}\n`): string {
	const key = `${symbol}_stock_data_${number.toString(16).padStart(12, "0")}`;
	write(root, `us_stocks/${key}.csv`, content);
	const recorded = {
		symbol,
		data_type: "stock_data",
		market_type: "us",
		data_source: "test",
		file_format: "csv",
		cached_at: "2026-11-01T00:00:00.000001",
	};
	write(root, `metadata/${metadataNameOf(key)}`, JSON.stringify(recorded, null, 2));
	return key;
}

function facts(path: string): StatFacts | null {
	const stats = lstatSync(path, { throwIfNoEntry: false });
	return stats ? factsOf(stats) : null;
}

function pathsBelow(root: string, folder = ""): string[] {
	return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((found) => {
		const path = folder === "" ? found.name : `${folder}/${found.name}`;
		return found.isDirectory() ? pathsBelow(root, path) : [path];
	});
}

function describeMetadataRoot(root: string): DescribedEntry[] {
	const described: DescribedEntry[] = [];
	const keys = new Set<string>();
	const read = (key: string, folder: (typeof DATA_FOLDERS)[number] | null, name: string | null): void => {
		keys.add(key);
		const metadataPath = join(root, "metadata", metadataNameOf(key));
		const metadata = facts(metadataPath);
		const content = metadata?.kind === "file" ? readFileSync(metadataPath) : null;
		const data = folder === null || name === null ? null : facts(join(root, folder, name));
		described.push(
			describeMetadataEntry(
				{ key, folder, extension: name === null ? null : (dataFileOf(name)?.extension ?? null), data, metadata, content },
				SETTINGS,
			),
		);
	};
	for (const folder of DATA_FOLDERS) {
		if (!existsSync(join(root, folder))) continue;
		for (const name of readdirSync(join(root, folder))) {
			const file = dataFileOf(name);
			if (file) read(file.key, folder, name);
		}
	}
	for (const name of existsSync(join(root, "metadata")) ? readdirSync(join(root, "metadata")) : []) {
		const key = metadataKeyOf(name);
		if (key !== null && !keys.has(key)) read(key, null, null);
	}
	return described;
}

function describeRoot(root: string, layout: LayoutName): DescribedEntry[] {
	if (layout === "metadata") return describeMetadataRoot(root);
	return pathsBelow(root).flatMap((path) => {
		const found = facts(join(root, path));
		if (!found) return [];
		if (layout === "plain") return [describePlain({ path, facts: found })];
		if (layout === "python") return isByteCode(path) ? [describePython({ path, facts: found })] : [];
		const key = pickleKeyOf(path);
		return key === null ? [] : [describePickle({ key, facts: found, content: readFileSync(join(root, path)) }, SETTINGS)];
	});
}

/** Every entry of the root, in the order of keys. */
export function refsOf(root: string, layout: LayoutName, place = PLACE): EntryRef[] {
	const backend = layout === "python" ? "PYTHON" : "FILE";
	return describeRoot(root, layout)
		.map(
			({ key, type, size, locator, fingerprint }) =>
				({ id: entryId(backend, place, key), key, backend, place, type, size, locator, fingerprint }) as const,
		)
		.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Every file below, relative, sorted. */
export function filesBelow(root: string): string[] {
	return pathsBelow(root).sort();
}
