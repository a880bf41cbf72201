/** What the main thread knows without asking: totals and states of places, as the catalog worker told them last. */
import type { BackendKind, EntryTally } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import type { Selection } from "../core/selection.js";
import { AGE_BOUNDS_MS, type PlaceTotals } from "./index/counters.js";
import type { CatalogStats, LayerStats, PlaceStatus } from "./port.js";
import type { PlaceFacts } from "./protocol.js";

export class Totals {
	#totals = new Map<number, PlaceTotals>();
	#places: readonly PlaceFacts[] = [];

	get places(): readonly PlaceFacts[] {
		return this.#places;
	}

	/** True when entries or bytes may differ from before. */
	update(totals: readonly PlaceTotals[], places: readonly PlaceFacts[]): boolean {
		for (const place of totals) this.#totals.set(place.placeId, place);
		const before = this.#places;
		this.#places = places;
		return (
			totals.length > 0 ||
			places.some(
				(place, index) => place.error !== before[index]?.error && JSON.stringify(place.error) !== JSON.stringify(before[index]?.error),
			)
		);
	}

	stats(backends: readonly BackendKind[] | null): CatalogStats {
		const places = this.#places.filter(({ backend }) => backends === null || backends.includes(backend));
		const ages = [...AGE_BOUNDS_MS.map((bound) => bound / 1000), null].map((maxAgeSeconds, bucket) => {
			const cells = this.#of(places).map((totals) => totals.ages[bucket] ?? [0, 0]);
			return { maxAgeSeconds, entries: sum(cells.map(([entries]) => entries)), bytes: sum(cells.map(([, bytes]) => bytes)) };
		});
		const kinds = [...new Set(places.map(({ backend }) => backend))];
		const layers = kinds.map((backend) =>
			this.#layer(
				backend,
				places.filter((place) => place.backend === backend),
			),
		);
		return {
			expiredEntries: sum(this.#of(places).map(({ expired }) => expired)),
			byType: this.#tallies(places),
			byAge: ages,
			layers,
			asOf: layers.length === 0 ? 0 : Math.min(...layers.map(({ asOf }) => asOf)),
		};
	}

	/** Entries and bytes of a selection that names backends and types at most; null for any other. */
	count(selection: Selection): { readonly entries: number; readonly bytes: number } | null {
		const { backends, types, ...rest } = selection;
		if (Object.values(rest).some((restriction) => restriction !== undefined)) return null;
		const places = this.#places.filter(({ backend }) => backends === undefined || backends.includes(backend));
		const tallies = this.#tallies(places).filter(({ type }) => types === undefined || types.includes(type));
		return { entries: sum(tallies.map(({ entries }) => entries)), bytes: sum(tallies.map(({ bytes }) => bytes)) };
	}

	status(): PlaceStatus[] {
		return this.#places.map(({ id, path, hits: _hits, misses: _misses, ...place }) => ({
			...place,
			location: path,
			brokenMetadata: this.#totals.get(id)?.brokenMetadata ?? 0,
		}));
	}

	#of(places: readonly PlaceFacts[]): PlaceTotals[] {
		return places.flatMap(({ id }) => this.#totals.get(id) ?? []);
	}

	#layer(backend: BackendKind, places: readonly PlaceFacts[]): LayerStats {
		const totals = this.#of(places);
		const types = totals.flatMap((place) => place.types);
		const oldest = totals.flatMap((place) => place.oldest ?? []);
		const newest = totals.flatMap((place) => place.newest ?? []);
		const failure = places.find((place) => place.error !== null)?.error ?? null;
		const asOf = Math.min(...places.map((place) => place.asOf));
		return {
			backend,
			available: failure === null,
			entries: sum(types.map(([, entries]) => entries)),
			bytes: sum(types.map(([, , bytes]) => bytes)),
			oldestEntryAt: oldest.length === 0 ? null : Math.min(...oldest),
			newestEntryAt: newest.length === 0 ? null : Math.max(...newest),
			// Each place has those of its whole server.
			hits: places.find(({ hits }) => hits !== null)?.hits ?? null,
			misses: places.find(({ misses }) => misses !== null)?.misses ?? null,
			error: failure ?? (asOf === 0 ? building(sum(places.map((place) => place.scanning ?? 0))) : null),
			asOf,
		};
	}

	#tallies(places: readonly PlaceFacts[]): EntryTally[] {
		const tallies = new Map<string, { backend: BackendKind; type: string; entries: number; bytes: number }>();
		for (const { id, backend } of places) {
			for (const [type, entries, bytes] of this.#totals.get(id)?.types ?? []) {
				const tally = tallies.get(`${backend} ${type}`) ?? { backend, type, entries: 0, bytes: 0 };
				tally.entries += entries;
				tally.bytes += bytes;
				tallies.set(`${backend} ${type}`, tally);
			}
		}
		return [...tallies.values()];
	}
}

function building(entries: number): Failure {
	return { code: "BACKEND_UNAVAILABLE", said: { key: "error.catalogBuilding", facts: { entries } } };
}

function sum(numbers: readonly number[]): number {
	return numbers.reduce((total, number) => total + number, 0);
}
