import type { BackendKind } from "./entry.js";

/** As the original system chooses. */
const PRIMARY_ORDER: readonly BackendKind[] = ["REDIS", "MONGODB", "FILE"];

/** The layer that the applications read first: Redis, else MongoDB, else the files, of those that are available; when none is, of those there are. */
export function primaryLayer(layers: readonly { readonly kind: BackendKind; readonly available: boolean }[]): BackendKind {
	const usable = PRIMARY_ORDER.find((kind) => layers.some((layer) => layer.kind === kind && layer.available));
	return usable ?? PRIMARY_ORDER.find((kind) => layers.some((layer) => layer.kind === kind)) ?? "FILE";
}
