/**
 * What is looked at together, because one part decides about the others. In the metadata layout these are all files of a
 * key; elsewhere each file is alone. A group has the name of its main entry's key.
 */
import type { DescribedEntry, LayoutName, StatFacts } from "../../backends/layouts/layout.js";
import {
	DATA_EXTENSIONS,
	DATA_FOLDERS,
	type DataFileName,
	dataFileOf,
	dataLocatorOf,
	describeMetadataEntry,
	describeStrayDataFile,
	isDataFolder,
	METADATA_FOLDER,
	METADATA_MAX_BYTES,
	metadataKeyOf,
	metadataNameOf,
	primaryDataFile,
} from "../../backends/layouts/metadata-layout.js";
import { isOwnPath } from "../../backends/layouts/own-files.js";
import { describePickle, pickleKeyOf, pickleNameOf, pickleReadRange } from "../../backends/layouts/pickle-layout.js";
import { describePlain } from "../../backends/layouts/plain-layout.js";
import { describePython, isByteCode, isSkippedFolder } from "../../backends/layouts/python-layout.js";
import { folderIdentity, lookAt, readFile } from "./read-file.js";
import type { Reading } from "./reading.js";

export interface Group {
	readonly layout: LayoutName;
	readonly name: string;
}

/** The group that a path (relative to its root) belongs to, null when it is none of that layout's. */
export function groupOfPath(layout: LayoutName, path: string): Group | null {
	if (isOwnPath(path)) return null;
	const slash = path.indexOf("/");
	if (layout === "metadata") {
		const folder = path.slice(0, Math.max(slash, 0));
		const file = path.slice(slash + 1);
		const name = folder === METADATA_FOLDER ? metadataKeyOf(file) : isDataFolder(folder) ? (dataFileOf(file)?.key ?? null) : null;
		return name === null || file.includes("/") ? null : { layout, name };
	}
	if (layout === "pickle") {
		const name = pickleKeyOf(path);
		return name === null ? null : { layout, name };
	}
	return layout === "plain" || isByteCode(path.slice(path.lastIndexOf("/") + 1)) ? { layout, name: path } : null;
}

/** The group of an entry's key. */
export function groupOfKey(layout: LayoutName, key: string): Group {
	return (layout === "metadata" && key.includes("/") ? groupOfPath(layout, key) : null) ?? { layout, name: key };
}

/** Every key that an entry of the group can have. */
export function possibleKeys(group: Group): readonly string[] {
	if (group.layout !== "metadata") return [group.name];
	return [group.name, ...dataFiles(group.name).map(dataLocatorOf)];
}

function dataFiles(key: string): DataFileName[] {
	return DATA_FOLDERS.flatMap((folder) => DATA_EXTENSIONS.map((extension) => ({ folder, key, extension })));
}

export interface ReadEntry {
	readonly entry: DescribedEntry;
	/** The later `ctime` of its files. */
	readonly changedAt: number;
}

/** Reads a group from its files. Throws when they can't be looked at, for then nothing is known. */
export function readGroup(reading: Reading, group: Group, folders: FolderChecks): readonly ReadEntry[] {
	const { path: root } = reading.place;
	if (group.layout === "metadata") return folders.isReal(root, "") ? readKey(reading, group.name, folders) : [];
	if (!folders.isReal(root, parentOf(group.name))) return [];
	if (group.layout === "pickle") return some(readPickle(reading, group.name));
	if (group.layout === "python" && !reading.place.searchAll && folders.isSkipped(root, parentOf(group.name))) return [];
	const facts = lookAt(`${root}/${group.name}`);
	return facts && facts.kind !== "directory" ? [readAlone(group.layout, group.name, facts)] : [];
}

/** A file of which nothing but its path and its facts is read. */
export function readAlone(layout: "plain" | "python", path: string, facts: StatFacts): ReadEntry {
	return { entry: layout === "python" ? describePython({ path, facts }) : describePlain({ path, facts }), changedAt: facts.ctimeMs };
}

export function readPickle(reading: Reading, key: string): ReadEntry | null {
	const file = readFile(`${reading.place.path}/${pickleNameOf(key)}`, pickleReadRange);
	if (!file || file.facts.kind === "directory") return null;
	return { entry: describePickle({ key, ...file }, reading.settings), changedAt: file.facts.ctimeMs };
}

function some<T>(value: T | null): T[] {
	return value === null ? [] : [value];
}

const wholeMetadata = (size: number): { readonly offset: number; readonly length: number } | null =>
	size <= METADATA_MAX_BYTES ? { offset: 0, length: size } : null;

export function readMetadataFile(root: string, key: string): ReturnType<typeof readFile> {
	const file = readFile(`${root}/${METADATA_FOLDER}/${metadataNameOf(key)}`, wholeMetadata);
	return file && file.facts.kind !== "directory" ? file : null;
}

/** One data file with its metadata, when no other data file has the key. */
export function readPair(reading: Reading, file: DataFileName, data: StatFacts, hasMetadata: boolean): ReadEntry {
	const metadata = hasMetadata ? readMetadataFile(reading.place.path, file.key) : null;
	const { key, folder, extension } = file;
	const parts = { key, folder, extension, data, metadata: metadata?.facts ?? null, content: metadata?.content ?? null };
	return { entry: describeMetadataEntry(parts, reading.settings), changedAt: Math.max(data.ctimeMs, metadata?.facts.ctimeMs ?? 0) };
}

function readKey(reading: Reading, key: string, folders: FolderChecks): ReadEntry[] {
	const { path: root } = reading.place;
	const there: (DataFileName & { readonly facts: StatFacts })[] = [];
	for (const folder of DATA_FOLDERS) {
		if (!folders.isReal(root, folder)) continue;
		for (const extension of DATA_EXTENSIONS) {
			const facts = lookAt(`${root}/${folder}/${key}.${extension}`);
			if (facts && facts.kind !== "directory") there.push({ folder, key, extension, facts });
		}
	}
	const metadata = folders.isReal(root, METADATA_FOLDER) ? readMetadataFile(root, key) : null;
	const parts = { key, metadata: metadata?.facts ?? null, content: metadata?.content ?? null };
	const describedAt = metadata?.facts.ctimeMs ?? 0;
	const [first, ...others] = there;
	if (!first) {
		if (!metadata) return [];
		return [
			{ entry: describeMetadataEntry({ ...parts, folder: null, extension: null, data: null }, reading.settings), changedAt: describedAt },
		];
	}
	const primary = primaryDataFile([first, ...others], parts.content);
	const { folder, extension, facts } = primary;
	const entry = describeMetadataEntry({ ...parts, folder, extension, data: facts }, reading.settings);
	const strays = there.filter((file) => file !== primary);
	return [
		{ entry, changedAt: Math.max(facts.ctimeMs, describedAt) },
		...strays.map((file) => ({ entry: describeStrayDataFile(file, file.facts, reading.settings), changedAt: file.facts.ctimeMs })),
	];
}

function parentOf(path: string): string {
	return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/**
 * Whether folders on the way are folders and not links, remembered for as long as one piece of work lasts. What lies
 * behind a link is not in the cache, although lstat would find it.
 */
export class FolderChecks {
	readonly #real = new Map<string, boolean>();
	readonly #skipped = new Map<string, boolean>();

	isReal(root: string, folder: string): boolean {
		const path = folder === "" ? root : `${root}/${folder}`;
		let real = this.#real.get(path);
		if (real === undefined) {
			real = (folder === "" || this.isReal(root, parentOf(folder))) && folderIdentity(path) !== null;
			this.#real.set(path, real);
		}
		return real;
	}

	/** Python: whether the folder, or one that it lies in, is only searched when asked. */
	isSkipped(root: string, folder: string): boolean {
		if (folder === "") return false;
		let skipped = this.#skipped.get(`${root}/${folder}`);
		if (skipped === undefined) {
			const name = folder.slice(folder.lastIndexOf("/") + 1);
			const inside = ["pyvenv.cfg", "conda-meta"].filter((marker) => lookAt(`${root}/${folder}/${marker}`) !== null);
			skipped = isSkippedFolder(name, inside) || this.isSkipped(root, parentOf(folder));
			this.#skipped.set(`${root}/${folder}`, skipped);
		}
		return skipped;
	}
}
