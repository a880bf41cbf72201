import { accessSync, constants, lstatSync, statSync } from "node:fs";
import { CachewardenError } from "../../core/errors.js";
import { isOwnName } from "../layouts/own-files.js";
import { type Descent, refusal } from "./descent.js";
import { entriesIn } from "./folder-entries.js";
import { inside } from "./quarantine-folder.js";

export interface RootSurvey {
	/** Folders directly below the root that lie on another device: nothing can be moved out of them in one step. */
	readonly otherDevices: readonly string[];
}

/** Whether the root can have a quarantine: PERMISSION_DENIED when nothing may be made in it. */
export function surveyRoot(descent: Descent): RootSurvey {
	const root = inside(descent, "");
	if (root === null) throw new CachewardenError("BACKEND_UNAVAILABLE");
	try {
		accessSync(root, constants.W_OK | constants.X_OK);
		const { dev } = statSync(root);
		const otherDevices: string[] = [];
		for (const entry of entriesIn(root)) {
			if (!entry.isDirectory() || isOwnName(entry.name)) continue;
			const stats = lstatSync(`${root}/${entry.name}`, { throwIfNoEntry: false });
			if (stats !== undefined && stats.dev !== dev) otherDevices.push(entry.name);
		}
		return { otherDevices };
	} catch (error) {
		throw refusal(error, ".");
	}
}
