/**
 * The file layout with metadata: six folders of data files, and one of metadata files that belong to them by key.
 * Source of names, rules and times to live: docs, cache layouts.
 */
import { HOUR_MS } from "../../core/clock.js";
import type { DescribedEntry, LayoutSettings, StatFacts } from "./layout.js";
import { parseWrittenTime } from "./local-time.js";
import { type CacheMetadata, type Market, type MetadataType, readCacheMetadata } from "./metadata-json.js";
import { fingerprintOf, sizeOf } from "./stat-facts.js";

/** Also the order in which one is taken when nothing else decides. */
export const DATA_FOLDERS = ["us_stocks", "china_stocks", "us_news", "china_news", "us_fundamentals", "china_fundamentals"] as const;
export type DataFolder = (typeof DATA_FOLDERS)[number];
export const DATA_EXTENSIONS = ["csv", "txt", "json"] as const;
export type DataExtension = (typeof DATA_EXTENSIONS)[number];
export const METADATA_FOLDER = "metadata";
/** Real ones have about 300 bytes. A larger file is not read: give `content: null`, and it counts as broken. */
export const METADATA_MAX_BYTES = 1_048_576;

const METADATA_SUFFIX = "_meta.json";
const WHOLE_KEY = /^.+_(stock_data|news|fundamentals)_[0-9a-f]{12}$/s;
const SIX_DIGITS = /^[0-9]{6}$/;

const FOLDER_FACTS: Readonly<Record<DataFolder, { readonly market: Market; readonly type: MetadataType }>> = {
	us_stocks: { market: "us", type: "stock_data" },
	china_stocks: { market: "china", type: "stock_data" },
	us_news: { market: "us", type: "news" },
	china_news: { market: "china", type: "news" },
	us_fundamentals: { market: "us", type: "fundamentals" },
	china_fundamentals: { market: "china", type: "fundamentals" },
};

export function isDataFolder(name: string): name is DataFolder {
	return Object.hasOwn(FOLDER_FACTS, name);
}

/** The market of a symbol: six digits are Chinese, anything else is US. */
export function marketOfSymbol(symbol: string): Market {
	return SIX_DIGITS.test(symbol) ? "china" : "us";
}

/**
 * Any name with one of the three endings is a data file: the folders are the cache's own. Only names that begin with a
 * dot must have the whole form of a key (`.DJI_stock_data_0123456789ab`), since editors and copying tools leave theirs.
 */
function isKey(key: string): boolean {
	return key !== "" && (!key.startsWith(".") || WHOLE_KEY.test(key));
}

/** Null for a name that is not a data file: it is never listed and never touched. */
export function dataFileOf(name: string): { readonly key: string; readonly extension: DataExtension } | null {
	const dot = name.lastIndexOf(".");
	if (dot <= 0) return null;
	const extension = name.slice(dot + 1);
	if (extension !== "csv" && extension !== "txt" && extension !== "json") return null;
	const key = name.slice(0, dot);
	return isKey(key) ? { key, extension } : null;
}

/** The key that a file in the metadata folder belongs to; null for a name that is not a metadata file. */
export function metadataKeyOf(name: string): string | null {
	if (!name.endsWith(METADATA_SUFFIX)) return null;
	const key = name.slice(0, -METADATA_SUFFIX.length);
	return isKey(key) ? key : null;
}

export function metadataNameOf(key: string): string {
	return key + METADATA_SUFFIX;
}

/** Where a data file lies, relative to its root. */
export function dataLocatorOf(file: DataFileName): string {
	return `${file.folder}/${file.key}.${file.extension}`;
}

export interface DataFileName {
	readonly folder: DataFolder;
	readonly key: string;
	readonly extension: DataExtension;
}

/** The folder of an entry of that type, by the rules of the writers. */
export function folderFor(type: MetadataType, symbol: string, key: string): DataFolder {
	return folderOf(key, { symbol, type, market: null, source: null, fileFormat: null, cachedAt: "" });
}

/** News go by the key's first character, everything else by the recorded market, else by the symbol. */
function folderOf(key: string, metadata: CacheMetadata): DataFolder {
	if (metadata.type === "news") return /^[0-9]/.test(key) ? "china_news" : "us_news";
	const market = metadata.market ?? marketOfSymbol(metadata.symbol);
	return `${market}_${metadata.type === "stock_data" ? "stocks" : "fundamentals"}`;
}

/**
 * Which of several data files with one key is that key's entry: the one that the metadata means by folder and format,
 * else one in that folder, else the first by folder and ending. The others are entries of their own (`describeStrayDataFile`).
 */
export function primaryDataFile<T extends DataFileName>(candidates: readonly [T, ...T[]], metadataContent: Uint8Array | null): T {
	if (candidates.length === 1) return candidates[0];
	const metadata = metadataContent && readCacheMetadata(metadataContent);
	const folder = metadata ? folderOf(candidates[0].key, metadata) : null;
	const distance = (file: T): number =>
		(file.folder === folder ? (file.extension === metadata?.fileFormat ? 0 : 100) : 200) +
		DATA_FOLDERS.indexOf(file.folder) * DATA_EXTENSIONS.length +
		DATA_EXTENSIONS.indexOf(file.extension);
	return candidates.reduce((best, file) => (distance(file) < distance(best) ? file : best));
}

/** What was found under one key. At least one of `data` and `metadata` is there; directories are neither. */
export interface MetadataEntryParts {
	readonly key: string;
	/** Folder and extension of the data file, null without one. */
	readonly folder: DataFolder | null;
	readonly extension: DataExtension | null;
	readonly data: StatFacts | null;
	readonly metadata: StatFacts | null;
	/** Bytes of the metadata file; null when there is none, or it could not or must not be read. */
	readonly content: Uint8Array | null;
}

export function describeMetadataEntry(parts: MetadataEntryParts, settings: LayoutSettings): DescribedEntry {
	const { key, folder, extension, data, metadata } = parts;
	const orphaned = data === null || folder === null || extension === null;
	const read = parts.content === null ? null : readCacheMetadata(parts.content);
	const recordedAt = read === null ? null : parseWrittenTime(read.cachedAt, settings.timeZone);
	// One wrong value makes the whole file untrustworthy: what it says is then not half believed.
	const known = recordedAt === null ? null : read;
	const createdAt = recordedAt ?? Math.floor((data ?? metadata)?.mtimeMs ?? 0);
	const type = known?.type ?? (folder === null ? typeOfKey(key) : FOLDER_FACTS[folder].type);
	const hours = settings.timesToLiveHours[marketOf(key, folder, known)][type];
	return {
		key,
		type,
		symbol: known?.symbol ?? null,
		source: known?.source ?? null,
		size: orphaned ? 0 : sizeOf(data),
		createdAt,
		createdAtSource: known ? "RECORDED" : "MODIFIED",
		lastAccessedAt: !orphaned && data.kind === "file" ? Math.floor(data.atimeMs) : null,
		expiresAt: hours === undefined ? null : createdAt + hours * HOUR_MS,
		orphaned,
		brokenMetadata: metadata !== null && known === null,
		locator: orphaned ? null : `${folder}/${key}.${extension}`,
		fingerprint: {
			data: orphaned ? null : fingerprintOf(data),
			metadata: metadata === null ? null : fingerprintOf(metadata),
		},
	};
}

function marketOf(key: string, folder: DataFolder | null, known: CacheMetadata | null): Market {
	const byFolder = folder === null ? null : FOLDER_FACTS[folder].market;
	if (known === null) return byFolder ?? "us";
	if (known.type === "news") return byFolder ?? FOLDER_FACTS[folderOf(key, known)].market;
	return known.market ?? byFolder ?? marketOfSymbol(known.symbol);
}

/** Only for metadata that says nothing and has no data file: the key's own ending is all that is left. */
function typeOfKey(key: string): string {
	return WHOLE_KEY.exec(key)?.[1] ?? "unknown";
}

/** A data file whose key belongs to another one (`primaryDataFile`): an entry without metadata, its key is its path. */
export function describeStrayDataFile(file: DataFileName, data: StatFacts, settings: LayoutSettings): DescribedEntry {
	const described = describeMetadataEntry({ ...file, data, metadata: null, content: null }, settings);
	return { ...described, key: dataLocatorOf(file) };
}
