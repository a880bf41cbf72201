/** Servers tell whole seconds, and their clock and ours are not the same. */
const TOLERANCE_MS = 2_000;
const MAX_KEPT = 1_000;

/**
 * When we have read values from a server that takes that for a use. A last use that falls into such a time may be ours, and
 * says nothing of anybody else.
 */
export class OwnUses {
	private readonly times: { readonly from: number; to: number }[] = [];

	/** From now on, until the answer is called. */
	begin(): () => void {
		const time = { from: Date.now() - TOLERANCE_MS, to: Number.POSITIVE_INFINITY };
		this.times.push(time);
		if (this.times.length > MAX_KEPT) this.times.shift();
		return () => {
			time.to = Date.now() + TOLERANCE_MS;
		};
	}

	mayBeOwn(usedAt: number): boolean {
		return this.times.some(({ from, to }) => usedAt >= from && usedAt <= to);
	}
}
