/** A part of a job that is shared out: entries of one group of places, removed by whichever worker has these places. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { RemovalOutcome } from "../../../backends/backend.js";
import { BACKEND_KINDS, type BackendKind, type EntryRef } from "../../../core/entry.js";
import { CachewardenError, type Failure } from "../../../core/errors.js";
import type { PlaceGroup } from "../../../core/place-groups.js";

/** Checked when a worker takes it: what lies in Redis may be of another version. */
export const partShape = z.object({
	jobId: z.string().regex(/^j[0-9a-z]+$/),
	/** The attempt of the job that sent it; parts of any other are left alone. */
	attempt: z.number().int(),
	requestId: z.string(),
	userId: z.string(),
	backend: z.enum(BACKEND_KINDS),
	resumed: z.boolean(),
	entries: z.array(
		z.object({
			id: z.string(),
			key: z.string(),
			backend: z.enum(BACKEND_KINDS),
			place: z.string(),
			type: z.string(),
			size: z.number(),
			locator: z.string().nullable(),
			fingerprint: z.object({ data: z.number().nullable(), metadata: z.number().nullable() }),
		}),
	),
});
export type Part = z.infer<typeof partShape>;

const GONE = -1;
const CHANGED = -2;

/** What became of each entry, in their order: bytes freed, why it was skipped or failed; null for one that was not reached. */
export type PartResult = readonly (number | Failure | null)[];

export function partQueueOf({ backend, identity }: Pick<PlaceGroup, "backend" | "identity">): string {
	return `cachewarden-parts-${createHash("sha256").update(`${backend}\0${identity}`).digest("hex").slice(0, 16)}`;
}

export function encodeOutcomes(entries: readonly EntryRef[], outcomes: readonly RemovalOutcome[]): PartResult {
	const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
	return entries.map(({ id }) => {
		const outcome = byId.get(id);
		if (outcome === undefined) return null;
		if (outcome.outcome === "deleted") return outcome.freedBytes;
		if (outcome.outcome === "failed") return outcome.failure;
		return outcome.reason === "gone" ? GONE : CHANGED;
	});
}

export function decodeOutcomes(
	entries: readonly EntryRef[],
	result: PartResult,
): { readonly outcomes: readonly RemovalOutcome[]; readonly left: readonly EntryRef[] } {
	if (result.length !== entries.length) throw new CachewardenError("INTERNAL");
	const outcomes: RemovalOutcome[] = [];
	const left: EntryRef[] = [];
	for (const [i, entry] of entries.entries()) {
		const said = result[i] ?? null;
		if (said === null) left.push(entry);
		else if (typeof said === "object") outcomes.push({ id: entry.id, outcome: "failed", failure: said });
		else if (said >= 0) outcomes.push({ id: entry.id, outcome: "deleted", freedBytes: said });
		else outcomes.push({ id: entry.id, outcome: "skipped", reason: said === GONE ? "gone" : "changed" });
	}
	return { outcomes, left };
}

/** Entries of one backend, cut into pieces of one group of places each; what belongs to no group comes last, by itself. */
export function cut(
	entries: readonly EntryRef[],
	groups: readonly PlaceGroup[],
	most: number,
): readonly { readonly group: PlaceGroup | null; readonly entries: readonly EntryRef[] }[] {
	const byGroup = new Map<PlaceGroup | null, EntryRef[]>();
	const groupOf = new Map<string, PlaceGroup>();
	const name = (backend: BackendKind, place: string): string => `${backend} ${place}`;
	for (const group of groups) for (const place of group.places) groupOf.set(name(group.backend, place), group);
	for (const entry of entries) {
		const group = groupOf.get(name(entry.backend, entry.place)) ?? null;
		const list = byGroup.get(group);
		if (list === undefined) byGroup.set(group, [entry]);
		else list.push(entry);
	}
	const pieces: { readonly group: PlaceGroup | null; readonly entries: readonly EntryRef[] }[] = [];
	for (const [group, list] of byGroup)
		for (let from = 0; from < list.length; from += most) pieces.push({ group, entries: list.slice(from, from + most) });
	return pieces;
}
