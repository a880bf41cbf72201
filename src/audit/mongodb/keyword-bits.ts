/**
 * The keyword index's arithmetic: each entry has a signature of bits, set by its pieces of three characters, and by single
 * ideographs and pairs of them, which are words of their own. An entry that lacks one of a keyword's bits does not hold it.
 */

/** Bits of a signature. At 300 different pieces about one in seven is set. */
const BITS = 2_048;
/** More of a keyword's pieces make the answer no better, only slower. */
const MAX_ASKED = 8;
const IDEOGRAPH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** The bits of a text, each once. */
export function bitsOf(text: string): ReadonlySet<number> {
	const characters = [...text.toLowerCase()];
	const bits = new Set<number>();
	for (const [i, first] of characters.entries()) {
		const second = characters[i + 1] ?? "";
		const third = characters[i + 2] ?? "";
		if (third !== "") bits.add(bitOf(first + second + third));
		if (!IDEOGRAPH.test(first)) continue;
		bits.add(bitOf(first));
		if (second !== "" && IDEOGRAPH.test(second)) bits.add(bitOf(first + second));
	}
	return bits;
}

/** The bits that every text with this keyword has; null for a keyword too short to have any. */
export function bitsAskedBy(keyword: string): readonly number[] | null {
	const characters = [...keyword.toLowerCase()];
	if (characters.length < 3)
		return characters.length > 0 && characters.every((one) => IDEOGRAPH.test(one)) ? [bitOf(characters.join(""))] : null;
	const pieces = characters.slice(2).map((third, i) => `${characters[i]}${characters[i + 1]}${third}`);
	// Spread over the keyword: neighbours say nearly the same.
	const step = Math.max(1, Math.ceil(pieces.length / MAX_ASKED));
	return [...new Set(pieces.filter((_, i) => i % step === 0).map(bitOf))];
}

/** FNV-1a over UTF-16 units, folded. */
function bitOf(piece: string): number {
	let hash = 0x811c9dc5;
	for (let i = 0; i < piece.length; i++) {
		hash ^= piece.charCodeAt(i);
		hash = Math.imul(hash, 0x01000193);
	}
	return ((hash >>> 16) ^ hash) & (BITS - 1);
}
