import type { Unfit } from "../backends/quarantine.js";
import type { Catalog } from "../catalog/port.js";
import type { BackendKind, EntryRef, EntryTally } from "../core/entry.js";
import type { Said } from "../core/errors.js";
import type { SelectedRefs, Selection, SelectPosition } from "../core/selection.js";
import type { QuarantineLimits } from "./quarantine-keeper.js";

/** Entries of a selection that a restore could not bring back. */
export interface Unrestorable {
	readonly backend: BackendKind;
	readonly entries: number;
	readonly bytes: number;
	/** They are not removed in the first place; else they are removed for good. */
	readonly kept: boolean;
	readonly why: Said;
}

interface Parts {
	readonly catalog: Pick<Catalog, "select">;
	readonly survey: () => Promise<Unfit[]>;
	readonly limits: QuarantineLimits;
}

const BATCH = 2000;

/** What of the selection could not be brought back, by layer and reason, should it be removed with or without quarantine. */
export async function unrestorable(
	parts: Parts,
	selection: Selection,
	tallies: readonly EntryTally[],
	quarantine: boolean,
): Promise<Unrestorable[]> {
	const sums = new Map<BackendKind, { entries: number; bytes: number }>();
	for (const { backend, entries, bytes } of tallies) {
		const sum = sums.get(backend) ?? { entries: 0, bytes: 0 };
		sums.set(backend, { entries: sum.entries + entries, bytes: sum.bytes + bytes });
	}
	const found: Unrestorable[] = [];
	for (const [backend, sum] of sums) {
		if (sum.entries === 0) continue;
		if (quarantine && backend === "FILE") found.push(...(await filesThatStay(parts, selection, sum.bytes)));
		else {
			const why: Said = { key: quarantine ? "quarantine.reason.otherLayer" : "quarantine.reason.notAsked", facts: {} };
			found.push({ backend, ...sum, kept: false, why });
		}
	}
	return found;
}

/** In the order in which the job will take them. */
async function filesThatStay({ catalog, survey, limits }: Parts, selection: Selection, bytes: number): Promise<Unrestorable[]> {
	const unfit = await survey();
	if (unfit.length === 0 && bytes <= limits.maxBytes) return [];
	const tooLarge: Said = { key: "quarantine.reason.tooLarge", facts: { max: limits.maxBytes } };
	const sums = new Map<Said, { entries: number; bytes: number }>();
	let taken = 0;
	for (let after: SelectPosition | null = null; ; ) {
		const { refs, next }: SelectedRefs = await catalog.select("FILE", selection, after, BATCH);
		for (const ref of refs) {
			const why = unfit.find((one) => isBelow(one, ref))?.failure.said ?? (taken + ref.size > limits.maxBytes ? tooLarge : null);
			if (why === null) taken += ref.size;
			else {
				const sum = sums.get(why) ?? { entries: 0, bytes: 0 };
				sums.set(why, { entries: sum.entries + 1, bytes: sum.bytes + ref.size });
			}
		}
		if (next === null) break;
		after = next;
	}
	return [...sums].map(([why, sum]) => ({ backend: "FILE", ...sum, kept: true, why }));
}

function isBelow({ place, folders }: Unfit, ref: EntryRef): boolean {
	if (ref.place !== place) return false;
	if (folders === null) return true;
	// Metadata lies beside the data of every folder.
	const folder = ref.locator?.split("/")[0] ?? "metadata";
	return folders.includes(folder) || (folders.includes("metadata") && ref.fingerprint.metadata !== null);
}
