import type { Collections } from "./collections.js";
import type { SealDocument } from "./documents.js";
import { forgetSegments } from "./keyword-index.js";
import type { Witness } from "./witness.js";

const SLICE = 500;

/**
 * Removes some of the oldest entries of ours, all from before a time; false when none are left. The cut is signed first, in
 * the files and in the database, so that what is left can be verified from there. Documents of other programs stay.
 */
export async function removeSome(collections: Collections, witness: Witness, before: number): Promise<boolean> {
	const { logs, seals, state } = collections;
	const oldest = await seals.find().sort({ _id: 1 }).limit(SLICE).toArray();
	const kept = oldest.findIndex(({ timestamp }) => timestamp.getTime() >= before);
	const old: readonly SealDocument[] = kept < 0 ? oldest : oldest.slice(0, kept);
	const last = old.at(-1);
	if (last === undefined) return false;
	if (last._id > witness.cut.sequence)
		await state.updateOne({ _id: "cut" }, { $set: { line: witness.cutAt({ sequence: last._id, hash: last.hash }) } }, { upsert: true });
	// Entries first: a seal that is left over is found again by its number.
	await logs.deleteMany({ _id: { $in: old.map(({ entry }) => entry) } });
	await seals.deleteMany({ _id: { $lte: last._id } });
	await forgetSegments(collections, last._id);
	return old.length === SLICE;
}
