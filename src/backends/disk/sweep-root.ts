import { lstatSync } from "node:fs";
import { DATA_FOLDERS, METADATA_FOLDER } from "../layouts/metadata-layout.js";
import { codeOf, type Descent, refusal } from "./descent.js";
import { entriesIn } from "./folder-entries.js";
import { inside, unlinkAt } from "./quarantine-folder.js";
import { isTemporaryName } from "./write-entry.js";

/**
 * Removes what writers that were killed left beside its target: files by the names that only they give, older than `olderThanMs`, so
 * that those of a writer that is at work just now stay. Gives their number.
 */
export function sweepRoot(descent: Descent, olderThanMs: number): number {
	let files = 0;
	for (const folder of ["", ...DATA_FOLDERS, METADATA_FOLDER]) {
		const access = inside(descent, folder);
		if (access === null) continue;
		try {
			for (const { name } of entriesIn(access)) {
				if (!isTemporaryName(name)) continue;
				const stats = lstatSync(`${access}/${name}`, { throwIfNoEntry: false });
				if (!stats?.isFile() || Date.now() - stats.mtimeMs < olderThanMs) continue;
				if (unlinkAt(descent, folder === "" ? name : `${folder}/${name}`)) files++;
			}
		} catch (error) {
			if (codeOf(error) !== "ENOENT") throw refusal(error, folder);
		}
	}
	return files;
}
