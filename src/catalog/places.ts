import type { CacheLayout } from "../config/config.js";
import type { BackendKind } from "../core/entry.js";

/** A root as the configuration names it. */
export interface FolderPlaceOptions {
	readonly backend: Extract<BackendKind, "FILE" | "PYTHON">;
	/** Unique within its backend. */
	readonly place: string;
	/** Absolute. */
	readonly path: string;
	readonly layout: CacheLayout | "python";
	/** Python: also look into version control, node_modules and virtual environments. */
	readonly searchAll?: boolean;
}

/** A namespace or collection of a server. */
export interface ServerPlaceOptions {
	readonly backend: ServerOptions["backend"];
	/** Unique within its backend. */
	readonly place: string;
	/** The server's `location`. */
	readonly path: string;
	readonly layout: "server";
}

export type PlaceOptions = FolderPlaceOptions | ServerPlaceOptions;

/** A place with its number in the index. */
export type FolderPlace = FolderPlaceOptions & { readonly id: number };
export type ServerPlace = ServerPlaceOptions & { readonly id: number };
export type Place = FolderPlace | ServerPlace;

/** A layer that is a server, and how to read it. One for each kind. */
export interface ServerOptions {
	readonly backend: Extract<BackendKind, "REDIS" | "MONGODB">;
	/** Host and database; never a password. Entries of another location are other entries. */
	readonly location: string;
	/** Names of the configured namespaces or collections. */
	readonly places: readonly string[];
	/** Address of the adapter's compiled module, which exports `openSource` (`OpenSource` of the port). */
	readonly module: string;
	/** What `openSource` gets; it can be cloned to another thread. */
	readonly options: unknown;
}

export function placesOf({ backend, location, places }: ServerOptions): ServerPlaceOptions[] {
	return places.map((place) => ({ backend, place, path: location, layout: "server" }));
}
