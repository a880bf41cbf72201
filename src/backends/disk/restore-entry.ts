/** Bringing entries back from quarantine. Runs in the thread in which files are touched. */
import { linkSync, lstatSync, renameSync } from "node:fs";
import { CachewardenError, type Failure, failureOf } from "../../core/errors.js";
import { type EntryParts, partsOf } from "../layouts/entry-parts.js";
import { DATA_EXTENSIONS, DATA_FOLDERS } from "../layouts/metadata-layout.js";
import { codeOf, type Descent, refusal } from "./descent.js";
import { existsAt, type HeldLine, heldPath, makeFolders, unlinkAt } from "./quarantine-folder.js";

export type RestoreTask = Pick<HeldLine, "key" | "locator" | "size">;

export type RestoreTaskOutcome =
	| { readonly outcome: "restored"; readonly bytes: number }
	/** Something stands in its place by now. */
	| { readonly outcome: "newer" }
	/** No longer in quarantine. */
	| { readonly outcome: "gone" }
	| { readonly outcome: "failed"; readonly failure: Failure };

/** Of file systems, or for users, that may not link: what is moved there is looked for right before. */
const CANNOT_LINK = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

/**
 * Puts data and metadata of one entry back where they were, unless anything stands there: what is new is worth more. A file is linked
 * into its place, which takes nobody else's, before it leaves quarantine: wherever the process dies, the next attempt goes on.
 * With `resumed`, what an earlier attempt has brought back counts.
 */
export function restoreEntry(descent: Descent, job: string, task: RestoreTask, resumed: boolean): RestoreTaskOutcome {
	try {
		const parts = partsOf(task);
		if (parts === null) throw new CachewardenError("BAD_PATH");
		return attempt(descent, job, task, parts, resumed);
	} catch (error) {
		return { outcome: "failed", failure: failureOf(error) };
	}
}

function attempt(descent: Descent, job: string, { key, size }: RestoreTask, parts: EntryParts, resumed: boolean): RestoreTaskOutcome {
	const paths = [parts.metadata, parts.data].filter((path) => path !== null);
	const held = paths.filter((path) => existsAt(descent, heldPath(job, path)));
	const main = parts.data ?? parts.metadata;
	if (main === null || held.length === 0 || !held.includes(main)) {
		// Its data is back already; what is left behind is a second name of metadata that is back too.
		for (const path of held) if (isOneFile(descent, path, heldPath(job, path))) unlinkAt(descent, heldPath(job, path));
		return resumed && main !== null && existsAt(descent, main) ? { outcome: "restored", bytes: size } : { outcome: "gone" };
	}
	if (isTaken(descent, job, key, parts)) return { outcome: "newer" };
	const placed: string[] = [];
	for (const path of held) {
		if (path.includes("/")) makeFolders(descent, path.slice(0, path.lastIndexOf("/")));
		if (place(descent, job, path)) placed.push(path);
		else {
			// Somebody was faster: what was put there a moment ago makes way, if it is still that.
			for (const earlier of placed) if (isOneFile(descent, earlier, heldPath(job, earlier))) unlinkAt(descent, earlier);
			return { outcome: "newer" };
		}
	}
	for (const path of held) unlinkAt(descent, heldPath(job, path));
	return { outcome: "restored", bytes: size };
}

/** Whether another value of the key is there, under any name that it can have, or metadata that is not the entry's own. */
function isTaken(descent: Descent, job: string, key: string, { data, metadata }: EntryParts): boolean {
	const isOther = (path: string): boolean => existsAt(descent, path) && !isOneFile(descent, path, heldPath(job, path));
	if (metadata === null) return data !== null && isOther(data);
	// Metadata that was not taken along says what it said: it waits for its data.
	if (existsAt(descent, heldPath(job, metadata)) && isOther(metadata)) return true;
	return DATA_FOLDERS.some((folder) => DATA_EXTENSIONS.some((extension) => isOther(`${folder}/${key}.${extension}`)));
}

function isOneFile(descent: Descent, first: string, second: string): boolean {
	const both = descent.both(first, second);
	if (both === null) return false;
	const [a, b] = both.map((access) => lstatSync(access, { throwIfNoEntry: false }));
	return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

/** False when something stands there that is not this file. */
function place(descent: Descent, job: string, path: string): boolean {
	const both = descent.both(heldPath(job, path), path);
	if (both === null) throw new CachewardenError("CHANGED");
	try {
		linkSync(...both);
		return true;
	} catch (error) {
		const code = codeOf(error);
		if (code === "EEXIST") return isOneFile(descent, path, heldPath(job, path));
		if (code === null || !CANNOT_LINK.includes(code)) throw refusal(error, path);
	}
	const [from, to] = both;
	if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) return false;
	try {
		renameSync(from, to);
		return true;
	} catch (error) {
		throw refusal(error, path);
	}
}
