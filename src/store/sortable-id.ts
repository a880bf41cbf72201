import { randomFillSync } from "node:crypto";

/** Crockford's: no i, l, o, u. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 9;
const RANDOM_CHARACTERS = 13;

/** `prefix`, then 45 bits of milliseconds and 65 of chance in lower-case base 32: ids sort as their times do, until the year 3084. */
export function sortableId(prefix: string, now: number): string {
	return `${prefix}${base32(now, TIME_CHARACTERS)}${chanceOf(RANDOM_CHARACTERS)}`;
}

/** Ids of the same form, each once, of which those of one maker have six characters in common. */
export class IdMaker {
	/** Where `mark` stands in each of its ids. */
	static readonly MARK_AT = 1 + TIME_CHARACTERS;
	static readonly MARK_CHARACTERS = 6;
	readonly mark = chanceOf(IdMaker.MARK_CHARACTERS);
	private made = Math.floor(Math.random() * 2 ** 30);

	/** `prefix` is one character. */
	next(prefix: string, now: number): string {
		return `${prefix}${base32(now, TIME_CHARACTERS)}${this.mark}${base32(this.made++, RANDOM_CHARACTERS - IdMaker.MARK_CHARACTERS)}`;
	}
}

/** The lowest digits of a number. */
function base32(value: number, characters: number): string {
	let text = "";
	for (let rest = value, i = 0; i < characters; i++, rest = Math.floor(rest / 32)) text = `${ALPHABET[rest % 32]}${text}`;
	return text;
}

function chanceOf(characters: number): string {
	let text = "";
	for (const byte of randomFillSync(new Uint8Array(characters))) text += ALPHABET[byte % 32];
	return text;
}
