import { eachBit } from "./keyword-bits.js";

/** Entries of the keyword index that are written together. */
export const SEGMENT = 4_096;
export const SLICE_BYTES = SEGMENT / 8;
/** Segments that wait to be written at most: about a megabyte each. */
const MAX_WHOLE = 2;

/** The segment that a sequence belongs to. */
export function segmentOf(sequence: number): number {
	return Math.floor((sequence - 1) / SEGMENT);
}

/** Which entries of a segment have a bit, for each bit that one of them has. */
export class SegmentBits {
	readonly slices = new Map<number, Uint8Array>();

	add(place: number, text: string): void {
		const byte = place >> 3;
		const mask = 1 << (place & 7);
		eachBit(text, (bit) => {
			let slice = this.slices.get(bit);
			if (slice === undefined) {
				slice = new Uint8Array(SLICE_BYTES);
				this.slices.set(bit, slice);
			}
			slice[byte] = (slice[byte] as number) | mask;
		});
	}
}

/** Segments of which this process sealed every entry, so that none need be read again. */
export class GatheredSegments {
	private growing: { readonly segment: number; readonly bits: SegmentBits; next: number } | null = null;
	private readonly whole = new Map<number, SegmentBits>();

	/** In the order in which they are sealed. */
	sealed(sequence: number, text: () => string): void {
		const segment = segmentOf(sequence);
		const place = sequence - 1 - segment * SEGMENT;
		if (place === 0) this.growing = { segment, bits: new SegmentBits(), next: 0 };
		const { growing } = this;
		if (growing === null) return;
		if (growing.segment !== segment || growing.next !== place) {
			this.growing = null;
			return;
		}
		growing.bits.add(place, text());
		if (++growing.next < SEGMENT) return;
		this.growing = null;
		this.whole.set(segment, growing.bits);
		for (const old of this.whole.keys()) if (this.whole.size > MAX_WHOLE) this.whole.delete(old);
	}

	take(segment: number): SegmentBits | null {
		const bits = this.whole.get(segment) ?? null;
		this.whole.delete(segment);
		return bits;
	}
}
