/**
 * The only way by which this program touches files of a cache. A path is walked one name at a time, each folder opened
 * without following links and held open, and files are reached through the folder's descriptor: whatever is renamed or
 * swapped for a link meanwhile, nothing outside the root can be meant.
 */
import { accessSync, closeSync, constants, existsSync, lstatSync, openSync, realpathSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { CachewardenError } from "../../core/errors.js";

/**
 * `descriptor`: Linux with /proc, as above. `real-path`: elsewhere the folder's real path is compared before each use;
 * a swap within the microseconds between that and the use is not noticed.
 */
export type Protection = "descriptor" | "real-path";

export function bestProtection(): Protection {
	return process.platform === "linux" && existsSync("/proc/self/fd") ? "descriptor" : "real-path";
}

/** A root, open. Paths are relative to it, with `/`, and have passed `isSafePath`. */
export interface Descent {
	/**
	 * A path by which the file can be used until the next call of `at` or `close`; null when its folder is gone. BAD_PATH
	 * when a folder on the way is a link, PERMISSION_DENIED when one may not be entered.
	 */
	at(path: string): string | null;
	/** Two at once, as a move needs them: null when the folder of one is gone. Both can be used until the next call. */
	both(first: string, second: string): readonly [string, string] | null;
	/** PERMISSION_DENIED unless names may be removed from the folder that the file lies in. */
	assertWritable(path: string): void;
	close(): void;
}

/** `root` as `resolveRoot` gave it. BAD_PATH when it is a link, BACKEND_UNAVAILABLE when it is not there. */
export function openDescent(root: string, protection: Protection): Descent {
	return protection === "descriptor" ? new DescriptorDescent(root) : new RealPathDescent(root);
}

/** The root's path with links in its parents resolved. BACKEND_UNAVAILABLE while the parents do not exist. */
export async function resolveRoot(path: string): Promise<string> {
	try {
		return join(await realpath(dirname(path)), basename(path));
	} catch (error) {
		throw rootRefusal(error, path);
	}
}

export function codeOf(error: unknown): string | null {
	return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** A failed system call as what it means for the file at `path`, which is relative to the root. */
export function refusal(error: unknown, path: string): CachewardenError {
	if (error instanceof CachewardenError) return error;
	const code = codeOf(error);
	if (code === "EACCES" || code === "EPERM" || code === "EROFS")
		return new CachewardenError("PERMISSION_DENIED", { key: "error.permissionDenied", facts: { path } }, { cause: error });
	return new CachewardenError("INTERNAL", { key: "error.ioFailed", facts: { path, code: code ?? "?" } }, { cause: error });
}

/** The same for a root itself, by its whole path. */
export function rootRefusal(error: unknown, root: string): CachewardenError {
	if (error instanceof CachewardenError) return error;
	const code = codeOf(error);
	if (code === "ENOENT" || code === "ENOTDIR")
		return new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.rootMissing", facts: { path: root } }, { cause: error });
	if (code === "EACCES")
		return new CachewardenError("PERMISSION_DENIED", { key: "error.rootDenied", facts: { path: root } }, { cause: error });
	return refusal(error, root);
}

function folderOf(path: string): string {
	const slash = path.lastIndexOf("/");
	return slash < 0 ? "" : path.slice(0, slash);
}

// Not among Node's constants. Such a descriptor needs no right to read the folder, only to pass through it.
const O_PATH = 0o10_000_000;
const FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Of each worker; eight of them stay below the usual limit of 1,024 for the process. */
const MAX_OPEN_FOLDERS = 64;

class DescriptorDescent implements Descent {
	/** By path relative to the root, the least recently used first; "" is the root. */
	private readonly folders = new Map<string, number>();
	private readonly writable = new Set<string>();
	/** None is closed meanwhile. */
	private keepAll = false;

	constructor(root: string) {
		this.folders.set("", openFromTop(root));
	}

	at(path: string): string | null {
		const folder = folderOf(path);
		const descriptor = this.folders.get(folder) ?? this.open(folder);
		return descriptor === null ? null : `/proc/self/fd/${descriptor}/${path.slice(folder === "" ? 0 : folder.length + 1)}`;
	}

	both(first: string, second: string): readonly [string, string] | null {
		this.keepAll = true;
		try {
			const [from, to] = [this.at(first), this.at(second)];
			return from === null || to === null ? null : [from, to];
		} finally {
			this.keepAll = false;
		}
	}

	private open(folder: string): number | null {
		const names = folder.split("/");
		let descriptor = this.folders.get("") as number;
		for (let depth = 1; depth <= names.length; depth++) {
			const path = names.slice(0, depth).join("/");
			const known = this.folders.get(path);
			const opened = known ?? openBelow(descriptor, names[depth - 1] as string, path);
			if (opened === null) return null;
			// Taken out and put in again: a map keeps the order of insertion.
			this.folders.delete(path);
			this.folders.set(path, opened);
			descriptor = opened;
		}
		if (!this.keepAll) this.closeOldest();
		return descriptor;
	}

	private closeOldest(): void {
		for (const [path, descriptor] of this.folders) {
			if (this.folders.size <= MAX_OPEN_FOLDERS) return;
			if (path === "") continue;
			this.folders.delete(path);
			this.writable.delete(path);
			closeSync(descriptor);
		}
	}

	assertWritable(path: string): void {
		const folder = folderOf(path);
		if (this.writable.has(folder)) return;
		const descriptor = this.folders.get(folder) ?? this.open(folder);
		if (descriptor === null) return;
		try {
			accessSync(`/proc/self/fd/${descriptor}`, constants.W_OK | constants.X_OK);
		} catch (error) {
			throw refusal(error, path);
		}
		this.writable.add(folder);
	}

	close(): void {
		for (const descriptor of this.folders.values()) closeSync(descriptor);
		this.folders.clear();
	}
}

function openFromTop(root: string): number {
	let descriptor = openSync("/", FOLDER);
	let path = "";
	for (const name of root.split("/").filter((it) => it !== "")) {
		path += `/${name}`;
		const parent = descriptor;
		try {
			descriptor = openSync(`/proc/self/fd/${parent}/${name}`, FOLDER);
		} catch (error) {
			if (isLink(`/proc/self/fd/${parent}/${name}`))
				throw new CachewardenError("BAD_PATH", { key: "error.rootIsLink", facts: { path } }, { cause: error });
			throw rootRefusal(error, path);
		} finally {
			closeSync(parent);
		}
	}
	return descriptor;
}

function openBelow(parent: number, name: string, path: string): number | null {
	const access = `/proc/self/fd/${parent}/${name}`;
	try {
		return openSync(access, FOLDER);
	} catch (error) {
		const code = codeOf(error);
		if (code === "ENOENT") return null;
		if (code === "ENOTDIR" || code === "ELOOP") {
			// What is a link leads elsewhere; what is a file holds nothing of what was there.
			if (!isLink(access)) return null;
			throw new CachewardenError("BAD_PATH", { key: "error.outsideRoot", facts: { path } }, { cause: error });
		}
		throw refusal(error, path);
	}
}

function isLink(path: string): boolean {
	return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

class RealPathDescent implements Descent {
	constructor(private readonly root: string) {
		if (isLink(root)) throw new CachewardenError("BAD_PATH", { key: "error.rootIsLink", facts: { path: root } });
		try {
			if (!lstatSync(root).isDirectory()) throw Object.assign(new Error(root), { code: "ENOTDIR" });
		} catch (error) {
			throw rootRefusal(error, root);
		}
	}

	at(path: string): string | null {
		const folder = join(this.root, folderOf(path));
		let real: string;
		try {
			real = realpathSync.native(folder);
		} catch (error) {
			if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
			throw refusal(error, path);
		}
		if (real !== folder) throw new CachewardenError("BAD_PATH", { key: "error.outsideRoot", facts: { path } });
		return folder + sep + basename(path);
	}

	both(first: string, second: string): readonly [string, string] | null {
		const [from, to] = [this.at(first), this.at(second)];
		return from === null || to === null ? null : [from, to];
	}

	assertWritable(path: string): void {
		const access = this.at(path);
		if (access === null) return;
		try {
			accessSync(dirname(access), constants.W_OK | constants.X_OK);
		} catch (error) {
			throw refusal(error, path);
		}
	}

	close(): void {
		// Holds nothing open.
	}
}
