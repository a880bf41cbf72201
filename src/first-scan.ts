import type { Catalog } from "./catalog/port.js";

const WARM_START_MS = 2_000;

/** A small cache is known before anybody can ask; a large one is not waited for. */
export async function firstScan(catalog: Catalog): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const waited = new Promise<void>((resolve) => {
		timer = setTimeout(resolve, WARM_START_MS);
	});
	await Promise.race([catalog.refresh(null), waited]);
	clearTimeout(timer);
}
