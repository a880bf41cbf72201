import { z } from "zod";
import { CachewardenError } from "../../core/errors.js";
import type { Selection } from "../../core/selection.js";
import { badInput } from "../../operations/input.js";
import type { DataSource } from "../../sources/port.js";

const name = z.string().trim().min(1).max(200);
const names = z.array(name).min(1).max(10_000);

/** What a SYNC job keeps as its input: a sync to run, or the report of one that ran elsewhere. */
export const syncJobInput = z.object({
	source: name,
	types: names.nullish(),
	symbols: names.nullish(),
	report: z.object({ success: z.boolean(), records: z.number().int().min(0).nullish(), error: z.string().max(4096).nullish() }).nullish(),
});
export type SyncJobInput = z.infer<typeof syncJobInput>;

/** Types and symbols that a sync has made stale; null: every symbol. Nothing: it synced only what nothing depends on. */
export interface Related {
	readonly types: readonly string[];
	readonly symbols: readonly string[] | null;
}

/**
 * Exactly the entries of the types that depend on the source, whose symbol is among those synced (all, when the sync names none) and
 * depends on it. BAD_USER_INPUT when it is not known which types those are.
 */
export function relatedTo({ source: wanted, types, symbols }: SyncJobInput, sources: ReadonlyMap<string, DataSource>): Related {
	const source = sources.get(wanted);
	const synced = symbols ?? null;
	if (source === undefined) {
		if (!types) throw badInput({ key: "error.sync.noTypes", facts: { source: wanted } });
		return { types, symbols: synced };
	}
	const strange = types?.find((type) => !source.types.includes(type));
	if (strange !== undefined)
		throw badInput({ key: "error.sync.otherType", facts: { source: wanted, type: strange, types: source.types.join(", ") } });
	const depending = source.symbols;
	const both = synced === null ? depending : depending === null ? synced : synced.filter((symbol) => depending.includes(symbol));
	return { types: types ?? source.types, symbols: both };
}

/** SYNC_FAILED with what the reporter said. */
export function reportedFailure({ source, report }: SyncJobInput): CachewardenError {
	return new CachewardenError("SYNC_FAILED", { key: "error.sync.reported", facts: { source, reason: report?.error ?? "–" } });
}

/** As few selections as say the same: what several syncs have made stale together, and nothing that none of them has. */
export function selectionsOf(related: readonly Related[]): Selection[] {
	const bySymbols = merged(
		related.filter(({ symbols }) => symbols === null || symbols.length > 0),
		({ types }) => [...new Set(types)].sort().join("\0"),
		(a, b) => ({ types: a.types, symbols: a.symbols === null || b.symbols === null ? null : union(a.symbols, b.symbols) }),
	);
	const byTypes = merged(
		bySymbols,
		({ symbols }) => (symbols === null ? "*" : [...symbols].sort().join("\0")),
		(a, b) => ({ symbols: a.symbols, types: union(a.types, b.types) }),
	);
	return byTypes.map(({ types, symbols }) => ({ types, ...(symbols === null ? {} : { symbols }) }));
}

function merged(all: readonly Related[], alike: (one: Related) => string, join: (a: Related, b: Related) => Related): Related[] {
	const groups = new Map<string, Related>();
	for (const one of all) {
		const key = alike(one);
		const before = groups.get(key);
		groups.set(key, before === undefined ? one : join(before, one));
	}
	return [...groups.values()];
}

function union(a: readonly string[], b: readonly string[]): string[] {
	return [...new Set([...a, ...b])];
}
