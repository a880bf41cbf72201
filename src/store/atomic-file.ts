import { randomBytes } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Old content or new content, whole, whatever happens in between. Mode 0600. */
export async function writeFileAtomically(path: string, content: string): Promise<void> {
	const temporary = await writeBeside(path, content);
	try {
		await rename(temporary, path);
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
	await syncFolder(dirname(path));
}

/** The same, but never over a file that is there: false then. */
export async function createFileAtomically(path: string, content: string): Promise<boolean> {
	const temporary = await writeBeside(path, content);
	try {
		// A hard link fails when its target exists, which a rename does not.
		await link(temporary, path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	} finally {
		await rm(temporary, { force: true });
	}
	await syncFolder(dirname(path));
	return true;
}

/** Renaming and linking are atomic within one file system, so the temporary file lies beside its target. */
async function writeBeside(path: string, content: string): Promise<string> {
	const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
	const file = await open(temporary, "wx", 0o600);
	try {
		await file.writeFile(content);
		await file.sync();
	} finally {
		await file.close();
	}
	return temporary;
}

/** Windows cannot open a folder; its file systems keep names without being asked. */
async function syncFolder(path: string): Promise<void> {
	if (process.platform === "win32") return;
	const folder = await open(path, "r");
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
