/**
 * The quarantine of a root: a folder for each job whose `entries` mirror the root, and whose `lists` say what is there. A list
 * is durable before anything that it names is moved, so that nothing that was taken out of the cache is ever lost sight of.
 * Runs in the thread in which files are touched.
 */
import { randomBytes } from "node:crypto";
import {
	closeSync,
	constants,
	fsyncSync,
	lstatSync,
	mkdirSync,
	openSync,
	readdirSync,
	renameSync,
	rmdirSync,
	statSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { CachewardenError } from "../../core/errors.js";
import { partsOf } from "../layouts/entry-parts.js";
import { QUARANTINE_FOLDER } from "../layouts/own-files.js";
import { codeOf, type Descent, refusal } from "./descent.js";
import { readWhole } from "./write-entry.js";

const FOLDER_MODE = 0o777;
const FILE_MODE = 0o666;
/** At most a few hundred entries are in one. */
const MAX_LIST_BYTES = 16_777_216;
const JOB = /^j[0-9a-z]{1,64}$/;
const OPEN_LIST = /^([0-9a-f]{12})\.open\.jsonl$/;
const CLOSED_LIST = /^([0-9a-f]{12})-([0-9]{1,15})-([0-9]{1,16})\.jsonl$/;

/** One entry, as it was in the cache. */
export interface HeldLine {
	readonly key: string;
	readonly locator: string | null;
	readonly type: string;
	readonly size: number;
	/** Of its metadata when it was selected; null without. */
	readonly metadata: number | null;
}

export interface HeldListName {
	readonly job: string;
	readonly name: string;
	/** While what it names is being taken; its numbers are 0 then. */
	readonly open: boolean;
	readonly entries: number;
	readonly bytes: number;
	/** When the job's lists last changed. */
	readonly since: number;
}

/** Where a file of the cache lies while it is in quarantine. */
export function heldPath(job: string, path: string): string {
	return `${jobFolder(job)}/entries/${path}`;
}

function jobFolder(job: string): string {
	if (!JOB.test(job)) throw new CachewardenError("BAD_PATH");
	return `${QUARANTINE_FOLDER}/${job}`;
}

function listsFolder(job: string): string {
	return `${jobFolder(job)}/lists`;
}

/** The folder itself, reached without following a link; null when it is not there. */
export function inside(descent: Descent, folder: string): string | null {
	return descent.at(folder === "" ? "." : `${folder}/.`);
}

export function makeFolders(descent: Descent, folder: string): void {
	if (inside(descent, folder) !== null) return;
	const names = folder.split("/");
	for (let depth = 1; depth <= names.length; depth++) {
		const path = names.slice(0, depth).join("/");
		const access = descent.at(path);
		if (access === null) throw new CachewardenError("CHANGED");
		try {
			mkdirSync(access, FOLDER_MODE);
		} catch (error) {
			// A link or a file in its place is found out when it is gone through.
			if (codeOf(error) !== "EEXIST") throw refusal(error, path);
		}
	}
}

export function existsAt(descent: Descent, path: string): boolean {
	const access = descent.at(path);
	return access !== null && lstatSync(access, { throwIfNoEntry: false }) !== undefined;
}

/** False when it is gone. */
export function unlinkAt(descent: Descent, path: string): boolean {
	const access = descent.at(path);
	if (access === null) return false;
	try {
		unlinkSync(access);
		return true;
	} catch (error) {
		if (codeOf(error) === "ENOENT") return false;
		throw refusal(error, path);
	}
}

/** Every list of every job. */
export function heldLists(descent: Descent): HeldListName[] {
	return namesIn(descent, QUARANTINE_FOLDER)
		.filter((job) => JOB.test(job))
		.flatMap((job): HeldListName[] => {
			const access = inside(descent, listsFolder(job));
			const since = access === null ? 0 : Math.floor(statSync(access).mtimeMs);
			return namesIn(descent, listsFolder(job)).flatMap((name): HeldListName[] => {
				if (OPEN_LIST.test(name)) return [{ job, name, open: true, entries: 0, bytes: 0, since }];
				const [, , entries, bytes] = CLOSED_LIST.exec(name) ?? [];
				return entries === undefined ? [] : [{ job, name, open: false, entries: Number(entries), bytes: Number(bytes), since }];
			});
		});
}

function namesIn(descent: Descent, folder: string): string[] {
	const access = inside(descent, folder);
	if (access === null) return [];
	try {
		return readdirSync(access);
	} catch (error) {
		if (codeOf(error) === "ENOENT") return [];
		throw refusal(error, folder);
	}
}

/** Durable when it returns; gives its name. */
export function writeList(descent: Descent, job: string, lines: readonly HeldLine[]): string {
	const folder = listsFolder(job);
	makeFolders(descent, folder);
	const name = `${randomBytes(6).toString("hex")}.open.jsonl`;
	const access = descent.at(`${folder}/${name}`);
	if (access === null) throw new CachewardenError("CHANGED");
	try {
		const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);
		const descriptor = openSync(access, flags, FILE_MODE);
		try {
			writeFileSync(descriptor, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
			fsyncSync(descriptor);
		} finally {
			closeSync(descriptor);
		}
	} catch (error) {
		throw refusal(error, folder);
	}
	return name;
}

/** What a list names, whether it is still there or not. A line that is none, as the end of a full disk leaves it, is passed over. */
export function readList(descent: Descent, job: string, name: string): HeldLine[] {
	const file = readWhole(descent, `${listsFolder(job)}/${name}`, MAX_LIST_BYTES);
	if (file === null) return [];
	const lines = Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.byteLength).toString("utf8").split("\n");
	return lines.map(lineOf).filter((line) => line !== null);
}

function lineOf(text: string): HeldLine | null {
	try {
		const { key, locator, type, size, metadata } = JSON.parse(text) as Record<keyof HeldLine, unknown>;
		if (typeof key !== "string" || typeof type !== "string" || typeof size !== "number") return null;
		if (locator !== null && typeof locator !== "string") return null;
		return { key, locator, type, size, metadata: typeof metadata === "number" ? metadata : null };
	} catch {
		return null;
	}
}

/** Whether a part of the entry is in quarantine. */
export function isHeld(descent: Descent, job: string, line: Pick<HeldLine, "key" | "locator">): boolean {
	const parts = partsOf(line);
	return parts !== null && [parts.data, parts.metadata].some((path) => path !== null && existsAt(descent, heldPath(job, path)));
}

/** Writes into a list's name what of it is there, which closes it; one of which nothing is left goes, and what is empty with it. */
export function countList(descent: Descent, job: string, name: string): void {
	const [, id] = OPEN_LIST.exec(name) ?? CLOSED_LIST.exec(name) ?? [];
	if (id === undefined) return;
	const lines = readList(descent, job, name);
	const held = lines.filter((line) => isHeld(descent, job, line));
	const folder = inside(descent, listsFolder(job));
	// A process was killed while it took away what was empty.
	if (folder === null) {
		removeEmptied(descent, job, lines);
		return;
	}
	const bytes = held.reduce((sum, { size }) => sum + size, 0);
	try {
		if (held.length > 0) renameSync(`${folder}/${name}`, `${folder}/${id}-${held.length}-${bytes}.jsonl`);
		else unlinkSync(`${folder}/${name}`);
	} catch (error) {
		if (codeOf(error) !== "ENOENT") throw refusal(error, listsFolder(job));
	}
	if (held.length === 0) removeEmptied(descent, job, lines);
}

/** The same after work whose outcome is known: a list that cannot be counted now is counted when the job is settled or restored next. */
export function closeList(descent: Descent, job: string, name: string): void {
	try {
		countList(descent, job, name);
	} catch (error) {
		if (!(error instanceof CachewardenError)) throw error;
	}
}

function foldersBelow(descent: Descent, folder: string): string[] {
	const access = inside(descent, folder);
	if (access === null) return [];
	try {
		const below = readdirSync(access, { withFileTypes: true }).filter((entry) => entry.isDirectory());
		return below.flatMap(({ name }) => [`${folder}/${name}`, ...foldersBelow(descent, `${folder}/${name}`)]);
	} catch (error) {
		if (codeOf(error) === "ENOENT") return [];
		throw refusal(error, folder);
	}
}

/** From the innermost on; one that is not empty stays, and all that it lies in. */
function removeEmptied(descent: Descent, job: string, lines: readonly HeldLine[]): void {
	const folders = new Set([listsFolder(job), jobFolder(job), QUARANTINE_FOLDER]);
	for (const line of lines) {
		const { data = null, metadata = null } = partsOf(line) ?? {};
		for (const path of [data, metadata]) {
			if (path === null) continue;
			const names = heldPath(job, path).split("/");
			for (let depth = names.length - 1; depth > 2; depth--) folders.add(names.slice(0, depth).join("/"));
		}
	}
	// With the job's last list goes whatever a killed process has left empty.
	if (namesIn(descent, listsFolder(job)).length === 0) for (const folder of foldersBelow(descent, jobFolder(job))) folders.add(folder);
	for (const folder of [...folders].sort((a, b) => b.split("/").length - a.split("/").length)) {
		const access = descent.at(folder);
		try {
			if (access !== null) rmdirSync(access);
		} catch (error) {
			if (codeOf(error) === null) throw error;
		}
	}
}
