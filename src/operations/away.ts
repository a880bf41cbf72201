import type { Catalog } from "../catalog/port.js";
import { type BackendKind, isServer } from "../core/entry.js";
import type { Failure } from "../core/errors.js";

/**
 * Why a layer that is a server can't be reached, as far as is known; null when it can, and for folders. Nothing is removed
 * from a layer that is away: nothing of it is known now, and waiting for each entry would take for ever.
 */
export function whyAway(catalog: Pick<Catalog, "status">, kind: BackendKind): Failure | null {
	if (!isServer(kind)) return null;
	const places = catalog.status().filter(({ backend }) => backend === kind);
	return places.length > 0 && places.every(({ error }) => error !== null) ? (places[0]?.error ?? null) : null;
}

/** The same of any layer. Folders that can't be read fail as a layer only when nothing in them is known from before. */
export function whyUnreadable(catalog: Pick<Catalog, "status" | "stats">, kind: BackendKind): Failure | null {
	if (isServer(kind)) return whyAway(catalog, kind);
	const places = catalog.status().filter(({ backend }) => backend === kind);
	if (!places.every(({ error }) => error !== null)) return null;
	return catalog.stats([kind]).layers.some(({ entries }) => entries > 0) ? null : (places[0]?.error ?? null);
}
