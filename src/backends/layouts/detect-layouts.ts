import type { CacheLayout } from "../../config/config.js";
import type { LayoutName } from "./layout.js";
import { isDataFolder, METADATA_FOLDER } from "./metadata-layout.js";
import { isOwnName } from "./own-files.js";
import { pickleKeyOf } from "./pickle-layout.js";

type Kind = "metadata" | "pickle" | "own" | "other";

/** What the names in a root say of its layouts: one of each kind decides, so that a root of a million files is not held in memory. */
export class RootSigns {
	readonly #kinds = new Set<Kind>();

	see(name: string): void {
		this.#kinds.add(kindOf(name));
	}

	saw(kind: Kind): boolean {
		return this.#kinds.has(kind);
	}
}

/**
 * What lies in a root, from what is directly in it. Metadata and pickle layout may share one root. Empty means undecided:
 * look again when something is there.
 */
export function detectLayouts(signs: RootSigns, configured: CacheLayout): LayoutName[] {
	if (configured !== "auto") return [configured];
	const found = (["metadata", "pickle"] as const).filter((layout) => signs.saw(layout));
	return found.length > 0 || !signs.saw("other") ? found : ["plain"];
}

function kindOf(name: string): Kind {
	if (name === METADATA_FOLDER || isDataFolder(name)) return "metadata";
	if (pickleKeyOf(name) !== null) return "pickle";
	return isOwnName(name) ? "own" : "other";
}
