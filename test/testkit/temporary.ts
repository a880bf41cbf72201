import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "@jest/globals";

const made: string[] = [];

/** A folder of its own, removed after the test. */
export function temporaryFolder(name = "cachewarden"): string {
	const path = mkdtempSync(join(tmpdir(), `${name}-`));
	made.push(path);
	return path;
}

const held: string[] = [];

/** A folder that several tests of a suite share; the suite calls `removeHeldFolders` at its end. */
export function heldFolder(name = "cachewarden"): string {
	const path = mkdtempSync(join(tmpdir(), `${name}-`));
	held.push(path);
	return path;
}

export function removeHeldFolders(): void {
	for (const path of held.splice(0)) rmSync(path, { recursive: true, force: true });
}

afterEach(() => {
	for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** The same for a whole suite, or a part of one: called in its `describe`. */
export function folderForAll(name = "cachewarden"): string {
	const path = mkdtempSync(join(tmpdir(), `${name}-`));
	afterAll(() => rmSync(path, { recursive: true, force: true }));
	return path;
}
