/**
 * Reads the file layout with metadata as its own programs do, from what the specification says of it and with none of this
 * program's code: by key for one entry, and the whole tree for all of them.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface FieldEntry {
	readonly key: string;
	readonly symbol: string;
	readonly data_type: string;
	readonly market_type?: string;
	readonly start_date?: string | null;
	readonly end_date?: string | null;
	readonly data_source: string;
	readonly file_path: string;
	readonly file_format: string;
	readonly content_length: number;
	/** Local time without a zone. */
	readonly cached_at: string;
	readonly data: string;
	/** Where the value was found, relative to the root. */
	readonly path: string;
}

const FOLDERS: Readonly<Record<string, string>> = { stock_data: "stocks", news: "news", fundamentals: "fundamentals" };

function folderOf(key: string, type: string, symbol: string): string {
	const china = type === "news" ? /^\d/.test(key) : /^\d{6}$/.test(symbol);
	return `${china ? "china" : "us"}_${FOLDERS[type]}`;
}

/** Fails for anything that is not as the specification says. */
export function readFieldEntry(root: string, key: string): FieldEntry {
	const metadata = JSON.parse(readFileSync(join(root, "metadata", `${key}_meta.json`), "utf8")) as Omit<
		FieldEntry,
		"key" | "data" | "path"
	>;
	const shape = new RegExp(`^${escaped(metadata.symbol)}_(stock_data|news|fundamentals)_[0-9a-f]{12}$`);
	if (!shape.test(key)) throw new Error(`${key} is no key of ${metadata.symbol}`);
	if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/.test(metadata.cached_at)) throw new Error(`${key}: cached_at is ${metadata.cached_at}`);
	const path = `${folderOf(key, metadata.data_type, metadata.symbol)}/${key}.${metadata.file_format}`;
	if (!metadata.file_path.endsWith(path)) throw new Error(`${key}: file_path is ${metadata.file_path}, not ${path}`);
	const data = readFileSync(join(root, path), "utf8");
	if ([...data].length !== metadata.content_length) throw new Error(`${key}: content_length is ${metadata.content_length}`);
	return { ...metadata, key, data, path };
}

/** Every entry, by key; every data file must belong to one, and nothing else may lie there but what is named. */
export function readFieldTree(root: string, others: readonly string[] = []): ReadonlyMap<string, FieldEntry> {
	const entries = new Map<string, FieldEntry>();
	if (existsSync(join(root, "metadata")))
		for (const name of readdirSync(join(root, "metadata"))) {
			if (others.includes(name)) continue;
			if (!name.endsWith("_meta.json")) throw new Error(`metadata/${name} is no metadata`);
			const key = name.slice(0, -"_meta.json".length);
			entries.set(key, readFieldEntry(root, key));
		}
	const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
		// Its programs never look into what is ours beside the cache.
		(one) => one.isFile() && !one.parentPath.startsWith(join(root, ".cachewarden-quarantine")),
	);
	const strays = files.filter(
		({ name, parentPath }) =>
			!others.includes(name) && !parentPath.endsWith("metadata") && !entries.has(name.replace(/\.(csv|txt|json)$/, "")),
	);
	if (strays.length > 0) throw new Error(`not of the cache: ${strays.map(({ name }) => name).join(", ")}`);
	return entries;
}

function escaped(text: string): string {
	return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
