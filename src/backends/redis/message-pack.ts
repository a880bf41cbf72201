/** Texts and numbers as one MessagePack array, which the server's scripts unpack in C. */

const ARRAY_32 = 0xdd;
const TEXT_32 = 0xdb;
const SHORT_TEXT = 0xa0;
const DOUBLE = 0xcb;
/** A head of at most five bytes, or a number with its head. */
const HEAD_BYTES = 9;
/** UTF-8 needs no more for a unit of a text. */
const UNIT_BYTES = 3;
/** A text of so many units has fewer than 32 bytes. */
const SHORT_UNITS = 10;

export function packed(values: readonly (string | number)[]): Buffer {
	let most = HEAD_BYTES;
	for (const value of values) most += HEAD_BYTES + (typeof value === "string" ? value.length * UNIT_BYTES : 0);
	const bytes = Buffer.allocUnsafe(most);
	bytes[0] = ARRAY_32;
	let at = bytes.writeUInt32BE(values.length, 1);
	for (const value of values) {
		if (typeof value === "number") {
			bytes[at] = DOUBLE;
			at = bytes.writeDoubleBE(value, at + 1);
		} else if (value.length <= SHORT_UNITS) {
			const length = bytes.write(value, at + 1);
			bytes[at] = SHORT_TEXT | length;
			at += 1 + length;
		} else {
			const length = bytes.write(value, at + 5);
			bytes[at] = TEXT_32;
			bytes.writeUInt32BE(length, at + 1);
			at += 5 + length;
		}
	}
	return bytes.subarray(0, at);
}
