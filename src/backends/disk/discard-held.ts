import { lstatSync } from "node:fs";
import { partsOf } from "../layouts/entry-parts.js";
import type { Descent } from "./descent.js";
import { countList, heldLists, heldPath, readList, unlinkAt } from "./quarantine-folder.js";

/** Deletes for good what a job has in quarantine. Gives the entries and the bytes of their values that this call deleted. */
export function discardHeld(descent: Descent, job: string): { readonly entries: number; readonly bytes: number } {
	let entries = 0;
	let bytes = 0;
	for (const { job: of, name } of heldLists(descent)) {
		if (of !== job) continue;
		for (const line of readList(descent, job, name)) {
			const { data = null, metadata = null } = partsOf(line) ?? {};
			const size = data === null ? 0 : sizeAt(descent, heldPath(job, data));
			const gone = [data, metadata].filter((path) => path !== null && unlinkAt(descent, heldPath(job, path)));
			if (gone.length === 0) continue;
			entries++;
			bytes += size;
		}
		countList(descent, job, name);
	}
	return { entries, bytes };
}

function sizeAt(descent: Descent, path: string): number {
	const access = descent.at(path);
	return (access === null ? undefined : lstatSync(access, { throwIfNoEntry: false }))?.size ?? 0;
}
