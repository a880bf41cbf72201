import { opendirSync } from "node:fs";
import { join } from "node:path";
import { detectLayouts, RootSigns } from "../../backends/layouts/detect-layouts.js";
import type { LayoutName } from "../../backends/layouts/layout.js";
import { DATA_FOLDERS, isDataFolder, METADATA_FOLDER } from "../../backends/layouts/metadata-layout.js";
import { pickleKeyOf } from "../../backends/layouts/pickle-layout.js";
import type { Failure } from "../../core/errors.js";
import type { FolderPlaceOptions } from "../places.js";
import { folderIdentity, isGone, lookAt } from "./read-file.js";

export interface RootFinding {
	readonly layouts: readonly LayoutName[];
	/** Why the root gives nothing to read. */
	readonly failure: Failure | null;
	/** False when it is not even known whether anything is there. */
	readonly known: boolean;
}

/** Looks at a root itself. A link is not followed: what lies behind it belongs to somebody else. */
export function findRoot(place: FolderPlaceOptions): RootFinding {
	try {
		if (folderIdentity(place.path)) return { layouts: layoutsIn(place), failure: null, known: true };
		const link = lookAt(place.path)?.kind === "link";
		const said = { key: link ? "error.rootIsLink" : "error.rootMissing", facts: { path: place.path } } as const;
		return { layouts: [], failure: { code: "BACKEND_UNAVAILABLE", said }, known: true };
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (typeof code !== "string") throw error;
		return { layouts: [], failure: unreadable(place.path, code), known: false };
	}
}

export function unreadable(path: string, code: string): Failure {
	return { code: "BACKEND_UNAVAILABLE", said: { key: "error.folderUnreadable", facts: { path, code } } };
}

function layoutsIn(place: FolderPlaceOptions): LayoutName[] {
	if (place.layout === "python") return ["python"];
	const signs = new RootSigns();
	if (place.layout !== "auto") return detectLayouts(signs, place.layout);
	for (const name of [...DATA_FOLDERS, METADATA_FOLDER]) if (lookAt(join(place.path, name)) !== null) signs.see(name);
	const directory = opendirSync(place.path, { bufferSize: 2048 });
	try {
		for (let entry = directory.readSync(); entry && !signs.saw("pickle"); entry = directory.readSync()) signs.see(entry.name);
	} catch (error) {
		if (!isGone(error)) throw error;
	} finally {
		directory.closeSync();
	}
	return detectLayouts(signs, place.layout);
}

/** Whether a name that appeared in the root may make a place of layout `auto` another one. */
export function mayChangeLayout(place: FolderPlaceOptions, layouts: readonly LayoutName[], path: string): boolean {
	if (place.layout !== "auto") return false;
	const name = path.split("/", 1)[0] as string;
	if (isDataFolder(name) || name === METADATA_FOLDER) return !layouts.includes("metadata");
	return layouts.length === 0 || (pickleKeyOf(path) !== null && !layouts.includes("pickle"));
}
