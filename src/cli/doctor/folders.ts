import { access, constants, lstat, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Config } from "../../config/config.js";
import { type Check, ok, wrong } from "./check.js";

interface Root {
	readonly name: string;
	readonly path: string;
}

export async function checkRoots(config: Config): Promise<Check[]> {
	const cache = await Promise.all(config.cache.roots.map((root) => checkRoot(`cache:${root.name}`, root)));
	const python = await Promise.all(config.python.roots.map((root) => checkRoot(`python:${root.name}`, root)));
	return [...cache, ...python].flat();
}

/** There, a folder and no link, and this user may read and remove what is in it and in the folders directly below. */
async function checkRoot(id: string, { path }: Root): Promise<Check[]> {
	const facts = { path };
	const found = await kindOf(path);
	if (found === "missing") return [wrong("fault", id, "doctor.root.missing", "doctor.root.missingRemedy", facts)];
	if (found === "hidden") return [wrong("fault", id, "doctor.root.hidden", "doctor.root.hiddenRemedy", { path: dirname(path) })];
	if (found === "link") return [wrong("fault", id, "doctor.root.link", "doctor.root.linkRemedy", facts)];
	if (found === "other") return [wrong("fault", id, "doctor.root.notFolder", "doctor.root.notFolderRemedy", facts)];
	if (!(await may(path, constants.R_OK | constants.X_OK)))
		return [wrong("fault", id, "doctor.root.unreadable", "doctor.root.unreadableRemedy", facts)];
	const checks: Check[] = [];
	for (const folder of [path, ...(await foldersIn(path))]) {
		if (!(await may(folder, constants.R_OK | constants.X_OK)))
			checks.push(wrong("fault", id, "doctor.root.unreadable", "doctor.root.unreadableRemedy", { path: folder }));
		else if (!(await may(folder, constants.W_OK)))
			checks.push(wrong("fault", id, "doctor.root.unwritable", "doctor.root.unwritableRemedy", { path: folder }));
	}
	return checks.length > 0 ? checks : [ok(id, "doctor.root.ok", facts)];
}

/** The data folder itself is made at the first start; its secrets are for this user alone. */
export async function checkDataDir({ dataDir }: Config): Promise<Check[]> {
	const id = "data-dir";
	const facts = { path: dataDir };
	const found = await kindOf(dataDir);
	if (found === "missing" || found === "hidden") {
		const parent = await nearestFolder(dataDir);
		return (await may(parent, constants.W_OK | constants.X_OK))
			? [ok(id, "doctor.dataDir.new", facts)]
			: [wrong("fault", id, "doctor.dataDir.cannotMake", "doctor.dataDir.cannotMakeRemedy", { path: dataDir, parent })];
	}
	if (!(await stat(dataDir)).isDirectory()) return [wrong("fault", id, "doctor.root.notFolder", "doctor.dataDir.notFolderRemedy", facts)];
	if (!(await may(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)))
		return [wrong("fault", id, "doctor.root.unwritable", "doctor.root.unwritableRemedy", facts)];
	const checks = [ok(id, "doctor.dataDir.ok", facts)];
	if (process.platform === "win32") return checks;
	if (((await stat(dataDir)).mode & 0o077) !== 0)
		checks.push(wrong("warning", "data-dir:mode", "doctor.dataDir.open", "doctor.dataDir.openRemedy", facts));
	for (const name of await readdir(dataDir)) {
		const path = join(dataDir, name);
		if (/secret|key/i.test(name) && ((await lstat(path)).mode & 0o077) !== 0)
			checks.push(wrong("fault", `data-dir:${name}`, "doctor.dataDir.secretOpen", "doctor.dataDir.secretOpenRemedy", { path }));
	}
	return checks;
}

/** The folder itself, or the nearest one above it that is there. */
export async function nearestFolder(path: string): Promise<string> {
	for (let at = path; ; at = dirname(at)) {
		const found = await kindOf(at);
		if ((found !== "missing" && found !== "hidden") || at === dirname(at)) return at;
	}
}

async function kindOf(path: string): Promise<"missing" | "hidden" | "link" | "folder" | "other"> {
	try {
		const found = await lstat(path);
		return found.isSymbolicLink() ? "link" : found.isDirectory() ? "folder" : "other";
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT" || code === "ENOTDIR") return "missing";
		if (code === "EACCES") return "hidden";
		throw error;
	}
}

async function foldersIn(path: string): Promise<string[]> {
	const found = await readdir(path, { withFileTypes: true });
	return found.filter((item) => item.isDirectory()).map((item) => join(path, item.name));
}

async function may(path: string, mode: number): Promise<boolean> {
	try {
		await access(path, mode);
		return true;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "EACCES" || code === "EROFS" || code === "EPERM") return false;
		throw error;
	}
}
