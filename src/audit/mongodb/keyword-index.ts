/**
 * Which entries may hold a keyword, without reading them: for each segment of 4,096 entries and each bit of their
 * signatures one small document says which of them have it. A segment is written when all its entries are sealed; the
 * newest, unfinished one is read itself. 128 bytes an entry; a million entries are narrowed down by about 1,500 documents
 * of half a kilobyte.
 */
import mongoose from "mongoose";
import type { Collections } from "./collections.js";
import { TEXT_MEMBERS, textOf } from "./documents.js";
import { bitsAskedBy } from "./keyword-bits.js";
import { type GatheredSegments, SEGMENT, SegmentBits, SLICE_BYTES, segmentOf } from "./segment-bits.js";

const READ_AT_ONCE = 512;
/** Segments that are asked for in one round trip. */
const ASKED_AT_ONCE = 32;

/** Sequences from `low` to `high`; `only` null means each of them. */
export interface Candidates {
	readonly low: number;
	readonly high: number;
	readonly only: readonly number[] | null;
}

export async function builtSegments({ state }: Collections): Promise<number> {
	return (await state.findOne({ _id: "search" }))?.segments ?? 0;
}

/** Writes the next whole segment; false when there is none. May be repeated, also by two processes at once. */
export async function buildSegment(collections: Collections, newest: number, gathered: GatheredSegments): Promise<boolean> {
	const { search, state } = collections;
	const segment = await builtSegments(collections);
	if (newest < (segment + 1) * SEGMENT) return false;
	const { slices } = gathered.take(segment) ?? (await readSegment(collections, segment));
	const writes = [...slices].map(([bit, bytes]) => ({
		replaceOne: {
			filter: { _id: `${segment}.${bit}` },
			replacement: { bits: new mongoose.mongo.Binary(Buffer.from(bytes)) },
			upsert: true,
		},
	}));
	if (writes.length > 0) await search.bulkWrite(writes, { ordered: false });
	await state.updateOne({ _id: "search" }, { $max: { segments: segment + 1 } }, { upsert: true });
	return true;
}

async function readSegment({ seals, logs }: Collections, segment: number): Promise<SegmentBits> {
	const bits = new SegmentBits();
	const first = segment * SEGMENT + 1;
	for (let low = first; low < first + SEGMENT; low += READ_AT_ONCE) {
		const some = await seals.find({ _id: { $gte: low, $lt: low + READ_AT_ONCE } }, { projection: { entry: 1 } }).toArray();
		const placeOf = new Map(some.map((seal) => [seal.entry, seal._id - first]));
		for (const document of await logs.find({ _id: { $in: [...placeOf.keys()] } }, { projection: TEXT_MEMBERS }).toArray())
			bits.add(placeOf.get(document._id) as number, textOf(document));
	}
	return bits;
}

/** Forgets segments that lie wholly before what retention left. */
export async function forgetSegments({ search }: Collections, cut: number): Promise<void> {
	const segment = segmentOf(cut + 1) - 1;
	if (segment >= 0) await search.deleteMany({ _id: { $regex: `^${segment}\\.` } });
}

/** Everything between two sequences that may hold the keyword, in the direction asked for, in handy pieces. */
export async function* candidates(
	collections: Collections,
	keyword: string,
	range: { readonly low: number; readonly high: number },
	direction: "older" | "newer",
): AsyncGenerator<Candidates> {
	const bits = bitsAskedBy(keyword);
	const whole = bits === null ? 0 : await builtSegments(collections);
	const indexed = { low: range.low, high: Math.min(range.high, whole * SEGMENT) };
	const unread = { low: Math.max(range.low, whole * SEGMENT + 1), high: range.high };
	if (direction === "older") {
		yield* pieces(unread, direction);
		if (bits !== null) yield* narrowed(collections, bits, indexed, direction);
	} else {
		if (bits !== null) yield* narrowed(collections, bits, indexed, direction);
		yield* pieces(unread, direction);
	}
}

function* pieces({ low, high }: { readonly low: number; readonly high: number }, direction: "older" | "newer"): Generator<Candidates> {
	if (direction === "older")
		for (let end = high; end >= low; end -= READ_AT_ONCE) yield { low: Math.max(low, end - READ_AT_ONCE + 1), high: end, only: null };
	else
		for (let start = low; start <= high; start += READ_AT_ONCE)
			yield { low: start, high: Math.min(high, start + READ_AT_ONCE - 1), only: null };
}

async function* narrowed(
	{ search }: Collections,
	bits: readonly number[],
	{ low, high }: { readonly low: number; readonly high: number },
	direction: "older" | "newer",
): AsyncGenerator<Candidates> {
	if (low > high) return;
	const segments = Array.from({ length: segmentOf(high) - segmentOf(low) + 1 }, (_, i) => segmentOf(low) + i);
	if (direction === "older") segments.reverse();
	for (let at = 0; at < segments.length; at += ASKED_AT_ONCE) {
		const asked = segments.slice(at, at + ASKED_AT_ONCE);
		const slices = await search.find({ _id: { $in: asked.flatMap((segment) => bits.map((bit) => `${segment}.${bit}`)) } }).toArray();
		const found = new Map(slices.map(({ _id, bits: binary }) => [_id, binary.value()]));
		for (const segment of asked) {
			const only = common(bits.map((bit) => found.get(`${segment}.${bit}`)))
				.map((place) => segment * SEGMENT + 1 + place)
				.filter((sequence) => sequence >= low && sequence <= high);
			for (let i = 0; i < only.length; i += READ_AT_ONCE) {
				const piece =
					direction === "older"
						? only.slice(Math.max(0, only.length - i - READ_AT_ONCE), only.length - i)
						: only.slice(i, i + READ_AT_ONCE);
				yield { low: piece[0] as number, high: piece.at(-1) as number, only: piece };
			}
		}
	}
}

/** Places whose bit is set in every slice; a slice that is not there has none. */
function common(slices: readonly (Uint8Array | undefined)[]): number[] {
	const places: number[] = [];
	for (let byte = 0; byte < SLICE_BYTES; byte++) {
		const both = slices.reduce((bits, slice) => bits & (slice?.[byte] ?? 0), 0xff);
		if (both === 0) continue;
		for (let bit = 0; bit < 8; bit++) if (both & (1 << bit)) places.push(byte * 8 + bit);
	}
	return places;
}
