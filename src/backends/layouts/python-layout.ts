import type { DescribedEntry, StatFacts } from "./layout.js";
import { describeByPath } from "./plain-layout.js";

/** The folder that Python keeps byte code in. Emptied, it is removed too. */
export const BYTE_CODE_FOLDER = "__pycache__";

export function isByteCode(name: string): boolean {
	return (name.endsWith(".pyc") || name.endsWith(".pyo")) && name.length > 4;
}

/**
 * Folders below a root that are only searched when asked: what belongs to version control, to Node, or to an
 * environment made by venv, virtualenv (`pyvenv.cfg`) or conda (`conda-meta`). `namesInside` is what the folder holds.
 */
export function isSkippedFolder(name: string, namesInside: readonly string[]): boolean {
	return name === ".git" || name === "node_modules" || namesInside.includes("pyvenv.cfg") || namesInside.includes("conda-meta");
}

/** One entry a byte-code file; `path` is relative to the root, with `/`. */
export function describePython(file: { readonly path: string; readonly facts: StatFacts }): DescribedEntry {
	return describeByPath(file, "python");
}
