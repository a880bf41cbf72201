import type { CacheLayout } from "../../config/config.js";
import type { LayoutName } from "./layout.js";
import { isDataFolder, METADATA_FOLDER } from "./metadata-layout.js";
import { isOwnName } from "./own-files.js";
import { pickleKeyOf } from "./pickle-layout.js";

/**
 * What lies in a root, from the names of what is directly in it. Metadata and pickle layout may share one root. Empty
 * means undecided: look again when something is there.
 */
export function detectLayouts(namesInRoot: readonly string[], configured: CacheLayout): LayoutName[] {
	if (configured !== "auto") return [configured];
	const found: LayoutName[] = [];
	if (namesInRoot.some((name) => name === METADATA_FOLDER || isDataFolder(name))) found.push("metadata");
	if (namesInRoot.some((name) => pickleKeyOf(name) !== null)) found.push("pickle");
	return found.length > 0 || namesInRoot.every(isOwnName) ? found : ["plain"];
}
