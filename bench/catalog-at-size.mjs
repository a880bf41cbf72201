/**
 * One catalog of a tree, from its first scan on: memory, and how long statistics, the deepest page and pages by number take. Plain
 * JavaScript on the built modules, because a loader would need more memory than what is measured.
 *
 * Usage: catalog-at-size.mjs ROOT DATA_DIR ENTRIES CALLS; prints one JSON document.
 */
import { openCatalog } from "../dist/catalog/open-catalog.js";

const [root, dataDir, entries, calls] = process.argv.slice(2);
const order = /** @type {const} */ ({ field: "CREATED_AT", direction: "DESC" });
const memoryMb = () => process.memoryUsage.rss() / 1e6;
const baseMb = memoryMb();
let peakMb = 0;
const look = setInterval(() => {
	peakMb = Math.max(peakMb, memoryMb());
}, 20);
const catalog = await openCatalog({
	dataDir,
	places: [{ backend: "FILE", place: "cache", path: root, layout: "auto" }],
	settings: { timeZone: "UTC", timesToLiveHours: { us: { stock_data: 2 }, china: { stock_data: 1 } } },
	watch: true,
	reconcileEverySeconds: 0,
	log: (_, message, facts) => console.error(message, facts),
});
// The second one waits for the indexes of the first load.
for (let time = 0; time < 2; time++) await catalog.refresh(null);
const found = catalog.stats(null).layers[0]?.entries;
if (found !== Number(entries)) throw new Error(`${found} entries instead of ${entries}`);
const stats = [];
const deep = [];
const numbered = [];
const end = await catalog.page({}, order, { direction: "backward", limit: 51, cursor: null });
const cursor = end.items[0]?.cursor ?? null;
for (let call = 0; call < Number(calls); call++) {
	const began = performance.now();
	catalog.stats(null);
	const answered = performance.now();
	const page = await catalog.page({}, order, { direction: "forward", limit: 50, cursor });
	deep.push(performance.now() - answered);
	stats.push(answered - began);
	if (page.items.length !== 50 || page.hasNextPage) throw new Error("not the deepest page");
}
// By number, everywhere in the list.
for (let call = 0; call < Number(calls); call++) {
	const offset = Math.floor((call / Number(calls)) * (Number(entries) - 50));
	const began = performance.now();
	const slice = await catalog.slice(offset, 50);
	numbered.push(performance.now() - began);
	if (slice.entries.length !== 50 || slice.total !== Number(entries)) throw new Error("not a page of the list");
}
clearInterval(look);
await catalog.close();
console.log(JSON.stringify({ stats, deep, numbered, peakMb, baseMb }));
