import { randomFillSync } from "node:crypto";

/** Crockford's: no i, l, o, u. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 9;
const RANDOM_CHARACTERS = 13;

/** `prefix`, then 45 bits of milliseconds and 65 of chance in lower-case base 32: ids sort as their times do, until the year 3084. */
export function sortableId(prefix: string, now: number): string {
	let time = "";
	for (let rest = now, i = 0; i < TIME_CHARACTERS; i++, rest = Math.floor(rest / 32)) time = `${ALPHABET[rest % 32]}${time}`;
	let chance = "";
	for (const byte of randomFillSync(new Uint8Array(RANDOM_CHARACTERS))) chance += ALPHABET[byte % 32];
	return `${prefix}${time}${chance}`;
}
