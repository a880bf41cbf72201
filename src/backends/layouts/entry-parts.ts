/** Where an entry's files lie, from what the catalog keeps of it; the other direction of the layouts. */
import { dataFileOf, isDataFolder, METADATA_FOLDER, metadataKeyOf, metadataNameOf } from "./metadata-layout.js";
import { pickleNameOf } from "./pickle-layout.js";

/** Paths relative to the root, with `/`. */
export interface EntryParts {
	readonly data: string | null;
	/** Where metadata of this entry lies or would lie; null in layouts that have none. */
	readonly metadata: string | null;
}

/** Null when key and locator do not fit together, or one of them is no path inside a root: nothing may be done with it. */
export function partsOf(entry: { readonly key: string; readonly locator: string | null }): EntryParts | null {
	const { key, locator } = entry;
	if (locator === null) {
		const name = metadataNameOf(key);
		return metadataKeyOf(name) !== null && isSafeName(name) ? { data: null, metadata: `${METADATA_FOLDER}/${name}` } : null;
	}
	if (!isSafePath(locator)) return null;
	if (locator === key || locator === pickleNameOf(key)) return { data: locator, metadata: null };
	const [folder, name, ...deeper] = locator.split("/");
	if (folder === undefined || name === undefined || deeper.length > 0 || !isDataFolder(folder)) return null;
	return dataFileOf(name)?.key === key ? { data: locator, metadata: `${METADATA_FOLDER}/${metadataNameOf(key)}` } : null;
}

/** True for a path that, taken one name at a time, can only lead downwards. */
export function isSafePath(path: string): boolean {
	return path.split("/").every(isSafeName);
}

/**
 * Names are never decoded here, so `%2e%2e` would be a name like any other; it is refused all the same, because nobody
 * writes it but to get out of a root. A backslash divides names on Windows.
 */
function isSafeName(name: string): boolean {
	if (name === "" || name.includes("/") || name.includes("\\") || name.includes("\0")) return false;
	if (process.platform === "win32" && name.includes(":")) return false;
	const decoded = name.replace(/%2e/gi, ".").split(/%2f|%5c|%00/i);
	return !decoded.includes("..") && !decoded.includes(".");
}
