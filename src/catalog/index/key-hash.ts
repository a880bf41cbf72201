/**
 * 52 bits of a text, never 0. Fast and not cryptographic; with a salt that changes at every start, equal hashes of
 * different keys cannot be prepared, and one that occurs by chance is found out by the row's id (`KnownEntries`).
 * Source: cyrb53 by bryc, two multiplicative hashes of 32 bits each.
 */
export function keyHash(salt: number, key: string): number {
	let h1 = 0xdeadbeef ^ salt;
	let h2 = 0x41c6ce57 ^ salt;
	for (let i = 0; i < key.length; i++) {
		const code = key.charCodeAt(i);
		h1 = Math.imul(h1 ^ code, 2654435761);
		h2 = Math.imul(h2 ^ code, 1597334677);
	}
	h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
	h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
	return (h2 & 0xfffff) * 0x1_0000_0000 + (h1 >>> 0) || 1;
}

/** One proof out of both parts' fingerprints, null being a part that is not there. Never 0, which stands for "unknown". */
export function combinedFingerprint(data: number | null, metadata: number | null): number {
	const d = data ?? 0x9_6a09_e667;
	const m = metadata ?? 0x3_bb67_ae85;
	const low = Math.imul(d | 0, 0x85ebca6b) ^ Math.imul((m | 0) + 0x27d4eb2f, 0xc2b2ae35);
	const high = Math.imul(d / 0x1_0000_0000, 0x9e3779b1) ^ Math.imul(m / 0x1_0000_0000 + 0x165667b1, 0x85ebca77) ^ (low >>> 15);
	return (high & 0xfffff) * 0x1_0000_0000 + (low >>> 0) || 1;
}
