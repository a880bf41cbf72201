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

/**
 * The texts (as bytes, without copying them) and whole numbers of an array that a script packed. The driver hands such an array over as one
 * value, where it would take longer than the server to make out each of thousands.
 */
export function unpacked(bytes: Buffer): readonly (number | Buffer)[] {
	let at = 0;
	const count = lengthAt();
	const values = new Array<number | Buffer>(count);
	for (let i = 0; i < count; i++) values[i] = value();
	return values;

	function lengthAt(): number {
		const head = bytes.readUInt8(at++);
		if (head >> 4 === 0x9) return head & 0xf;
		if (head === 0xdc) return unsigned(2);
		if (head === ARRAY_32) return unsigned(4);
		throw new Error(`no array: ${head}`);
	}

	function value(): number | Buffer {
		const head = bytes.readUInt8(at++);
		if (head < 0x80) return head;
		if (head >= 0xe0) return head - 0x100;
		if (head >> 5 === 0x5) return text(head & 0x1f);
		switch (head) {
			case 0xd9:
				return text(unsigned(1));
			case 0xda:
				return text(unsigned(2));
			case TEXT_32:
				return text(unsigned(4));
			case 0xcc:
				return unsigned(1);
			case 0xcd:
				return unsigned(2);
			case 0xce:
				return unsigned(4);
			case 0xcf:
				return unsigned(4) * 2 ** 32 + unsigned(4);
			case 0xd0:
				return signed(1);
			case 0xd1:
				return signed(2);
			case 0xd2:
				return signed(4);
			case 0xd3:
				return signed(4) * 2 ** 32 + unsigned(4);
			default:
				throw new Error(`neither text nor whole number: ${head}`);
		}
	}

	function text(length: number): Buffer {
		at += length;
		if (at > bytes.length) throw new RangeError("a text goes beyond the end");
		return bytes.subarray(at - length, at);
	}

	function unsigned(length: number): number {
		at += length;
		return bytes.readUIntBE(at - length, length);
	}

	function signed(length: number): number {
		at += length;
		return bytes.readIntBE(at - length, length);
	}
}
