import type { CacheWriter, Recipe } from "../backends/writer.js";
import type { Catalog } from "../catalog/port.js";
import type { BackendKind, Entry } from "../core/entry.js";
import { CachewardenError } from "../core/errors.js";
import type { Selection } from "../core/selection.js";
import { openPace, type PaceOptions } from "./pace.js";
import type { Loader, LoadRequest } from "./port.js";

export interface TierLoaderOptions extends PaceOptions {
	readonly name: string;
	readonly types: readonly string[];
	readonly from: BackendKind;
	readonly maxBytes: number;
	readonly stopAfterFailures: number;
	readonly catalog: Pick<Catalog, "page" | "refs">;
	/** Of the layer that is copied from; null when it is not configured. */
	readonly reader: CacheWriter | null;
}

const PICKLE_KEY = /^[0-9a-f]{32}$/;
const PAGE = 200;
/** Of one symbol and type, for a refresh: the newest are looked at. */
const CANDIDATES = 50;

/** Copies between layers, in the formats of each; pickles byte for byte. A copy is as old as its original. */
export function openTierLoader({ name, types, from, maxBytes, stopAfterFailures, catalog, reader, ...pacing }: TierLoaderOptions): Loader {
	const pace = openPace(pacing);

	async function entriesOf(wanted: Pick<Selection, "symbols" | "types" | "keyContains">, limit: number): Promise<Entry[]> {
		const entries: Entry[] = [];
		for (let cursor: string | null = null; ; ) {
			const page = await catalog.page(
				{ backends: [from], ...wanted },
				{ field: "CREATED_AT", direction: "DESC" },
				{ direction: "forward", limit: Math.min(PAGE, limit - entries.length), cursor },
			);
			entries.push(...page.items.map(({ node }) => node));
			cursor = page.items.at(-1)?.cursor ?? null;
			if (!page.hasNextPage || entries.length >= limit) return entries;
		}
	}

	async function copyOf(entry: Entry): Promise<LoadRequest> {
		const [ref] = await catalog.refs([entry.id]);
		const { key, place, symbol, type, source, createdAt } = entry;
		const original = { backend: from, place, key, locator: ref?.locator ?? null, createdAt };
		const said: Recipe = { symbol: symbol ?? "", type, source, startDate: null, endDate: null };
		return { recipe: (await reader?.recipeOf(original)) ?? said, key: PICKLE_KEY.test(key) ? key : null, copyOf: original };
	}

	return {
		name,
		source: null,
		types,
		stopAfterFailures,

		async requests(symbols) {
			const found = await entriesOf({ symbols, types }, Number.MAX_SAFE_INTEGER);
			const requests = await Promise.all(found.map(copyOf));
			const there = new Set(found.map(({ symbol }) => symbol));
			const missing = symbols.filter((symbol) => !there.has(symbol));
			return [
				...requests,
				...missing.map((symbol) => ({
					recipe: { symbol, type: types[0] as string, source: null, startDate: null, endDate: null },
					key: null,
					copyOf: null,
				})),
			];
		},

		async requestFor(entry, recipe) {
			if (entry.backend === from) return null;
			if (PICKLE_KEY.test(entry.key)) {
				const [twin] = (await entriesOf({ keyContains: entry.key }, CANDIDATES)).filter(({ key }) => key === entry.key);
				return twin === undefined ? null : copyOf(twin);
			}
			if (recipe === null || reader === null || !types.includes(recipe.type)) return null;
			for (const candidate of await entriesOf({ symbols: [recipe.symbol], types: [recipe.type] }, CANDIDATES)) {
				const request = await copyOf(candidate);
				if (request.recipe.startDate === recipe.startDate && request.recipe.endDate === recipe.endDate) return request;
			}
			return null;
		},

		load: (request, signal) =>
			pace.run(
				async () => {
					const { copyOf: original, recipe } = request;
					const stored = original === null || reader === null ? null : await reader.read(original, maxBytes);
					if (stored === null)
						throw new CachewardenError("LOADER_FAILED", {
							key: "error.loader.notThere",
							facts: { backend: from, type: recipe.type, symbol: recipe.symbol },
						});
					return stored;
				},
				(error) => (error instanceof CachewardenError && error.code === "BACKEND_TIMEOUT" ? { afterMs: 0 } : null),
				signal,
			),

		async close() {
			pace.close();
		},
	};
}
