import type { LayoutName, LayoutSettings } from "../../backends/layouts/layout.js";
import type { FolderPlace } from "../places.js";

/** What a walker needs to know to read a file. */
export interface Reading {
	readonly place: FolderPlace;
	readonly layout: LayoutName;
	readonly settings: LayoutSettings;
}
