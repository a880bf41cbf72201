import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from "node:fs";
import type { StatFacts } from "../../backends/layouts/layout.js";
import { factsOf } from "../../backends/layouts/stat-facts.js";

export interface ReadFile {
	readonly facts: StatFacts;
	/** Null when it is no regular file, too large, or may not be read. Valid until the next call. */
	readonly content: Uint8Array | null;
}

const buffer = Buffer.allocUnsafe(65_536);

/** Links are not followed; a pipe does not block. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Reading leaves no trace in access times, and causes no writes for them. Only the owner of a file may ask for that. */
let withoutTrace = constants.O_NOATIME ?? 0;

function open(path: string): number {
	try {
		return openSync(path, FLAGS | withoutTrace);
	} catch (error) {
		if (withoutTrace === 0 || (error as NodeJS.ErrnoException).code !== "EPERM") throw error;
		withoutTrace = 0;
		return openSync(path, FLAGS);
	}
}

/** What lstat says; null when nothing is there. Anything else that goes wrong is thrown: it is not known then. */
export function lookAt(path: string): StatFacts | null {
	try {
		const stats = lstatSync(path, { throwIfNoEntry: false });
		return stats ? factsOf(stats) : null;
	} catch (error) {
		if (isGone(error)) return null;
		throw error;
	}
}

/**
 * Facts first, bytes after: when a writer comes in between, the facts are the older ones, and the next look finds the
 * difference. `range` says which bytes are wanted of a file of that size, null for none.
 */
export function readFile(
	path: string,
	range: (size: number) => { readonly offset: number; readonly length: number } | null,
): ReadFile | null {
	let file: number;
	try {
		file = open(path);
	} catch (error) {
		if (isGone(error)) return null;
		// A link, a socket, or no permission: what can be told without opening is told.
		const facts = lookAt(path);
		return facts && { facts, content: null };
	}
	try {
		const stats = fstatSync(file);
		const facts = factsOf(stats);
		const wanted = stats.isFile() ? range(stats.size) : null;
		return { facts, content: wanted && readRange(file, wanted.offset, wanted.length) };
	} finally {
		closeSync(file);
	}
}

function readRange(file: number, offset: number, length: number): Uint8Array {
	if (length > buffer.length) return readInto(Buffer.allocUnsafe(length), file, offset, length);
	return readInto(buffer, file, offset, length);
}

function readInto(target: Buffer, file: number, offset: number, length: number): Uint8Array {
	let at = 0;
	while (at < length) {
		const bytes = readSync(file, target, at, length - at, offset + at);
		if (bytes === 0) break;
		at += bytes;
	}
	return target.subarray(0, at);
}

/** Nothing is there, or what should be a folder on the way is none. */
export function isGone(error: unknown): boolean {
	const code = (error as NodeJS.ErrnoException).code;
	return code === "ENOENT" || code === "ENOTDIR";
}

/** The identity of a folder that is no link; null when there is none. */
export function folderIdentity(path: string): { readonly dev: number; readonly ino: number } | null {
	let stats: Stats | undefined;
	try {
		stats = lstatSync(path, { throwIfNoEntry: false });
	} catch (error) {
		if (isGone(error)) return null;
		throw error;
	}
	return stats?.isDirectory() ? { dev: stats.dev, ino: stats.ino } : null;
}
