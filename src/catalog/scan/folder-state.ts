import type { LayoutName } from "../../backends/layouts/layout.js";
import { PlaceState } from "../place-state.js";
import type { FolderPlace } from "../places.js";

/** How well a root is known, and what lies in it. */
export class FolderState extends PlaceState<FolderPlace> {
	layouts: readonly LayoutName[] = [];
}
