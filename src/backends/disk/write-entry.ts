/** Putting files in place, whole or not at all. Runs in the thread in which files are touched. */
import { randomBytes } from "node:crypto";
import {
	closeSync,
	constants,
	fchmodSync,
	fstatSync,
	fsyncSync,
	lstatSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { CachewardenError } from "../../core/errors.js";
import { isSafePath } from "../layouts/entry-parts.js";
import { OWN_PREFIX } from "../layouts/own-files.js";
import { factsOf, fingerprintOf } from "../layouts/stat-facts.js";
import { codeOf, type Descent, refusal } from "./descent.js";

const NO_FOLLOW = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const FOLDER_MODE = 0o777;
const FILE_MODE = 0o666;
const PERMISSIONS = 0o777;
const TEMPORARY_NAME = new RegExp(`^\\${OWN_PREFIX}(probe-)?[0-9a-f]{16}\\.tmp$`);

/** Paths are relative to the root, with `/`. */
export interface WriteTask {
	readonly data: FileContent;
	/** In place after the data, so that what it says is there. */
	readonly metadata: FileContent | null;
	/** What lies there must be this: null where there was nothing. Absent: whatever lies there. */
	readonly expected?: { readonly data: number | null; readonly metadata: number | null };
	/** The data file of the entry before, when it has another name: removed once the new one is in place. */
	readonly former: string | null;
}

export interface FileContent {
	readonly path: string;
	readonly bytes: Uint8Array;
}

/** A file that was written beside its target and waits there. */
interface Prepared {
	readonly path: string;
	readonly temporary: string;
}

/** Of a file that waits beside its target, as `writeEntry` and `probeRoot` name it. */
export function isTemporaryName(name: string): boolean {
	return TEMPORARY_NAME.test(name);
}

/** False when what lies there is not what was expected; nothing has changed then. */
export function writeEntry(descent: Descent, task: WriteTask): boolean {
	const prepared: Prepared[] = [];
	try {
		prepared.push(prepare(descent, task.data));
		if (task.metadata !== null) prepared.push(prepare(descent, task.metadata));
		const { expected } = task;
		const former = task.former ?? task.data.path;
		if (expected !== undefined) {
			const metadata = task.metadata === null ? null : fingerprintAt(descent, task.metadata.path);
			if (fingerprintAt(descent, former) !== expected.data || metadata !== expected.metadata) return false;
		}
		for (const file of [...prepared]) {
			place(descent, file);
			prepared.splice(prepared.indexOf(file), 1);
		}
		if (task.former !== null && expected !== undefined && fingerprintAt(descent, task.former) === expected.data)
			unlinkIfThere(descent, task.former);
		syncFolders(descent, task);
		return true;
	} finally {
		for (const { temporary } of prepared) unlinkIfThere(descent, temporary);
	}
}

/** The whole content of a regular file; null when there is none. BAD_USER_INPUT when it is larger than `maxBytes`; null reads its times only. */
export function readWhole(
	descent: Descent,
	path: string,
	maxBytes: number | null,
): { readonly bytes: Uint8Array; readonly mtimeMs: number } | null {
	const access = isSafePath(path) ? descent.at(path) : null;
	if (access === null) return null;
	let descriptor: number;
	try {
		descriptor = openSync(access, constants.O_RDONLY | NO_FOLLOW);
	} catch (error) {
		const code = codeOf(error);
		if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return null;
		throw refusal(error, path);
	}
	try {
		const stats = fstatSync(descriptor);
		if (!stats.isFile()) return null;
		if (maxBytes === null) return { bytes: new Uint8Array(), mtimeMs: stats.mtimeMs };
		if (stats.size > maxBytes)
			throw new CachewardenError("BAD_USER_INPUT", { key: "error.valueTooLarge", facts: { path, bytes: stats.size, max: maxBytes } });
		return { bytes: readFileSync(descriptor), mtimeMs: stats.mtimeMs };
	} catch (error) {
		throw refusal(error, path);
	} finally {
		closeSync(descriptor);
	}
}

/** Whether a file can be stored, read and removed at the top of the root. */
export function probeRoot(descent: Descent): void {
	const path = `${OWN_PREFIX}probe-${randomBytes(8).toString("hex")}.tmp`;
	const bytes = randomBytes(64);
	try {
		store(descent, path, bytes, null);
	} finally {
		unlinkIfThere(descent, path);
	}
}

function prepare(descent: Descent, { path, bytes }: FileContent): Prepared {
	if (!isSafePath(path)) throw new CachewardenError("BAD_PATH");
	const slash = path.lastIndexOf("/");
	if (slash >= 0) makeFolder(descent, path.slice(0, slash));
	// Renaming is atomic within one file system only, so it lies beside its target.
	const temporary = `${path.slice(0, slash + 1)}${OWN_PREFIX}${randomBytes(8).toString("hex")}.tmp`;
	try {
		store(descent, temporary, bytes, modeAt(descent, path));
	} catch (error) {
		unlinkIfThere(descent, temporary);
		throw error;
	}
	return { path, temporary };
}

/** Durable, and read back. */
function store(descent: Descent, path: string, bytes: Uint8Array, mode: number | null): void {
	try {
		const access = accessTo(descent, path);
		const descriptor = openSync(access, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | (constants.O_NOFOLLOW ?? 0), FILE_MODE);
		try {
			if (mode !== null) fchmodSync(descriptor, mode);
			writeFileSync(descriptor, bytes);
			fsyncSync(descriptor);
		} finally {
			closeSync(descriptor);
		}
		if (!readFileSync(access).equals(bytes)) throw Object.assign(new Error("what was written reads back differently"), { code: "EIO" });
	} catch (error) {
		throw writeRefusal(error, path);
	}
}

function place(descent: Descent, { path, temporary }: Prepared): void {
	try {
		const target = accessTo(descent, path);
		const found = lstatSync(target, { throwIfNoEntry: false });
		if (found !== undefined && !found.isFile()) {
			const what = factsOf(found).kind;
			throw new CachewardenError("NOT_A_FILE", { key: "error.notAFile", facts: { path, what } });
		}
		renameSync(`${target.slice(0, target.length - nameOf(path).length)}${nameOf(temporary)}`, target);
	} catch (error) {
		throw writeRefusal(error, path);
	}
}

function nameOf(path: string): string {
	return path.slice(path.lastIndexOf("/") + 1);
}

function accessTo(descent: Descent, path: string): string {
	const access = descent.at(path);
	if (access === null) throw new CachewardenError("CHANGED");
	return access;
}

function makeFolder(descent: Descent, folder: string): void {
	const access = accessTo(descent, folder);
	try {
		mkdirSync(access, FOLDER_MODE);
	} catch (error) {
		// A link or a file in its place is found out when it is gone through.
		if (codeOf(error) !== "EEXIST") throw writeRefusal(error, folder);
	}
}

function statAt(descent: Descent, path: string) {
	const access = descent.at(path);
	return access === null ? undefined : lstatSync(access, { throwIfNoEntry: false });
}

/** Null when there is nothing. */
function fingerprintAt(descent: Descent, path: string): number | null {
	const stats = statAt(descent, path);
	return stats === undefined ? null : fingerprintOf(factsOf(stats));
}

/** Whoever could read the value before can read the new one. */
function modeAt(descent: Descent, path: string): number | null {
	const stats = statAt(descent, path);
	return stats?.isFile() ? stats.mode & PERMISSIONS : null;
}

function unlinkIfThere(descent: Descent, path: string): void {
	const access = descent.at(path);
	if (access === null) return;
	try {
		unlinkSync(access);
	} catch (error) {
		if (codeOf(error) !== "ENOENT") throw writeRefusal(error, path);
	}
}

/** Names are durable with their folder. Windows cannot open one; its file systems keep names without being asked. */
function syncFolders(descent: Descent, task: WriteTask): void {
	if (process.platform === "win32") return;
	for (const file of [task.data, task.metadata]) {
		if (file === null) continue;
		const access = accessTo(descent, file.path);
		const descriptor = openSync(access.slice(0, access.length - nameOf(file.path).length), constants.O_RDONLY);
		try {
			fsyncSync(descriptor);
		} finally {
			closeSync(descriptor);
		}
	}
}

function writeRefusal(error: unknown, path: string): CachewardenError {
	if (error instanceof CachewardenError) return error;
	const code = codeOf(error) ?? "?";
	if (code === "EACCES" || code === "EPERM" || code === "EROFS")
		return new CachewardenError("PERMISSION_DENIED", { key: "error.writeDenied", facts: { path } }, { cause: error });
	return new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.writeFailed", facts: { path, code } }, { cause: error });
}
