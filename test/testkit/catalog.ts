/** A catalog over real roots, and other processes that write there. */
import { execFileSync } from "node:child_process";
import { afterEach } from "@jest/globals";
import { type CatalogOptions, openCatalog } from "../../src/catalog/open-catalog.js";
import type { Catalog, CatalogStats } from "../../src/catalog/port.js";
import type { Entry } from "../../src/core/entry.js";
import type { EntryOrder, Selection } from "../../src/core/selection.js";
import { eventually } from "./eventually.js";
import { temporaryFolder } from "./temporary.js";

export const SETTINGS: CatalogOptions["settings"] = {
	timeZone: "UTC",
	timesToLiveHours: { us: { stock_data: 2, news: 6, fundamentals: 24 }, china: { stock_data: 1, news: 4, fundamentals: 12 } },
};

const open = new Set<Catalog>();

afterEach(async () => {
	for (const catalog of open) await catalog.close();
	open.clear();
});

export interface TestCatalogOptions extends Partial<CatalogOptions> {
	/** One root in the metadata layout unless `places` says otherwise. */
	readonly root?: string;
}

/** Opened, not yet scanned; closed after the test. */
export async function openTestCatalog({ root = "", ...options }: TestCatalogOptions): Promise<Catalog> {
	const catalog = await openCatalog({
		dataDir: temporaryFolder(),
		places: [{ backend: "FILE", place: "cache", path: root, layout: "auto" }],
		settings: SETTINGS,
		watch: true,
		reconcileEverySeconds: 0,
		log: (level, message, facts) => {
			if (level === "error") console.error(message, facts);
		},
		...options,
	});
	open.add(catalog);
	return catalog;
}

export async function scannedCatalog(options: TestCatalogOptions): Promise<Catalog> {
	const catalog = await openTestCatalog(options);
	await catalog.refresh(null);
	return catalog;
}

export async function closeCatalog(catalog: Catalog): Promise<void> {
	open.delete(catalog);
	await catalog.close();
}

/** A shell, as any other program: `$1`, `$2`, … are the arguments. */
export function otherProcess(script: string, ...args: string[]): string {
	return execFileSync("/bin/sh", ["-ec", script, "sh", ...args], { encoding: "utf8" });
}

/** Everything there is, by key. */
export async function allEntries(
	catalog: Catalog,
	selection: Selection = {},
	order: EntryOrder = { field: "KEY", direction: "ASC" },
	limit = 500,
): Promise<Entry[]> {
	const entries: Entry[] = [];
	for (let cursor: string | null = null; ; ) {
		const page = await catalog.page(selection, order, { direction: "forward", limit, cursor });
		entries.push(...page.items.map(({ node }) => node));
		cursor = page.items.at(-1)?.cursor ?? null;
		if (!page.hasNextPage) return entries;
	}
}

export async function entryOf(catalog: Catalog, key: string): Promise<Entry | undefined> {
	return (await allEntries(catalog, { keyContains: key })).find((entry) => entry.key === key);
}

/** The bound that the issue sets for changes by other processes. */
export function within2s<T>(attempt: () => T | Promise<T>): Promise<T> {
	return eventually(attempt, { withinMs: 2000 });
}

export function totals(stats: CatalogStats): { entries: number; bytes: number } {
	return stats.layers.reduce(({ entries, bytes }, layer) => ({ entries: entries + layer.entries, bytes: bytes + layer.bytes }), {
		entries: 0,
		bytes: 0,
	});
}

/** Writes an entry in the metadata layout through `otherProcess`: data file first, metadata after it. */
export function writeEntry(
	root: string,
	key: string,
	{ folder = "us_stocks", extension = "csv", data = "a,b\n", metadata = {} as object } = {},
): void {
	const whole = JSON.stringify({
		symbol: key.split("_")[0],
		data_type: folder.endsWith("stocks") ? "stock_data" : folder.slice(folder.indexOf("_") + 1),
		market_type: folder.slice(0, folder.indexOf("_")),
		data_source: "test",
		cached_at: new Date().toISOString().slice(0, -1),
		file_format: extension,
		...metadata,
	});
	const script = 'mkdir -p "$1/$2" "$1/metadata"; printf %s "$4" > "$1/$2/$3.$6"; printf %s "$5" > "$1/metadata/$3_meta.json"';
	otherProcess(script, root, folder, key, data, whole, extension);
}
