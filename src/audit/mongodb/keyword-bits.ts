/**
 * The keyword index's arithmetic: each entry has a signature of bits, set by its pieces of three characters, and by single
 * ideographs and pairs of them, which are words of their own. An entry that lacks one of a keyword's bits does not hold it.
 */

/** Bits of a signature. At 300 different pieces about one in seven is set. */
const BITS = 2_048;
/** More of a keyword's pieces make the answer no better, only slower. */
const MAX_ASKED = 8;
const ASCII = /^[\0-\x7f]*$/;
const IDEOGRAPH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** Gives the bits of a text, some more than once. */
export function eachBit(text: string, give: (bit: number) => void): void {
	const lower = text.toLowerCase();
	// Where each character is one unit, and none an ideograph, pieces need not be cut out.
	if (ASCII.test(lower)) {
		for (let i = 0; i + 3 <= lower.length; i++) give(bitOf(lower, i, i + 3));
		return;
	}
	const characters = [...lower];
	for (const [i, first] of characters.entries()) {
		const second = characters[i + 1] ?? "";
		const third = characters[i + 2] ?? "";
		if (third !== "") give(bitOf(first + second + third));
		if (!IDEOGRAPH.test(first)) continue;
		give(bitOf(first));
		if (second !== "" && IDEOGRAPH.test(second)) give(bitOf(first + second));
	}
}

/** The bits that every text with this keyword has; null for a keyword too short to have any. */
export function bitsAskedBy(keyword: string): readonly number[] | null {
	const characters = [...keyword.toLowerCase()];
	if (characters.length < 3)
		return characters.length > 0 && characters.every((one) => IDEOGRAPH.test(one)) ? [bitOf(characters.join(""))] : null;
	const pieces = characters.slice(2).map((third, i) => `${characters[i]}${characters[i + 1]}${third}`);
	// Spread over the keyword: neighbours say nearly the same.
	const step = Math.max(1, Math.ceil(pieces.length / MAX_ASKED));
	return [...new Set(pieces.filter((_, i) => i % step === 0).map((piece) => bitOf(piece)))];
}

/** FNV-1a over UTF-16 units, folded. */
function bitOf(text: string, from = 0, to = text.length): number {
	let hash = 0x811c9dc5;
	for (let i = from; i < to; i++) {
		hash ^= text.charCodeAt(i);
		hash = Math.imul(hash, 0x01000193);
	}
	return ((hash >>> 16) ^ hash) & (BITS - 1);
}
