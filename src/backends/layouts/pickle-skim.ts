/**
 * Follows a Python pickle (protocols 0 to 5) far enough to know what its outermost dict says, and no further: short
 * texts and dicts are kept, of everything else only that it is there. Nothing that a pickle names is looked up, made or
 * called. It takes one step an opcode and never goes back, so that no file, however made, can hold it up.
 * Source of opcodes and their stack effects: CPython, Lib/pickletools.py.
 */

/** Anything that is neither a short text nor a dict. */
const OTHER = Symbol("other");
const MARK = Symbol("mark");
/** A value from before the part that is read: it is there, and what it is stays unknown. */
const UNSEEN = Symbol("unseen");

/** Of a dict, the entries that are asked for: the data may be one with millions. */
export class SkimmedDict {
	metadata: unknown;
	symbol: unknown;
	data_type: unknown;
	data_source: unknown;
}

/** Longer texts are no symbol and no name of anything. */
const MAX_TEXT_BYTES = 256;
/** How the field's programs write `metadata`. A name that occurs in the data too is only referred to there. */
const METADATA_ORDER = ["symbol", "start_date", "end_date", "data_source", "data_type"];

/** `fixed` bytes, or a length of that many bytes and what it counts, or that many lines; then what it does to the stack. */
interface Step {
	readonly fixed?: number;
	readonly counted?: 1 | 4 | 8;
	readonly lines?: 1 | 2;
	/** Values taken; "mark" takes all down to the last mark. */
	readonly pops?: number | "mark";
	readonly pushes?: "other" | "text";
}

const STEPS: Readonly<Record<string, Step>> = {
	"\x80": { fixed: 1 },
	"\x95": { fixed: 8 },
	"\x98": {},
	"0": { pops: 1 },
	"1": { pops: "mark" },
	N: { pushes: "other" },
	"\x88": { pushes: "other" },
	"\x89": { pushes: "other" },
	"\x97": { pushes: "other" },
	")": { pushes: "other" },
	"]": { pushes: "other" },
	"\x8f": { pushes: "other" },
	K: { fixed: 1, pushes: "other" },
	M: { fixed: 2, pushes: "other" },
	J: { fixed: 4, pushes: "other" },
	G: { fixed: 8, pushes: "other" },
	"\x82": { fixed: 1, pushes: "other" },
	"\x83": { fixed: 2, pushes: "other" },
	"\x84": { fixed: 4, pushes: "other" },
	I: { lines: 1, pushes: "other" },
	L: { lines: 1, pushes: "other" },
	F: { lines: 1, pushes: "other" },
	P: { lines: 1, pushes: "other" },
	c: { lines: 2, pushes: "other" },
	"\x8a": { counted: 1, pushes: "other" },
	"\x8b": { counted: 4, pushes: "other" },
	C: { counted: 1, pushes: "other" },
	B: { counted: 4, pushes: "other" },
	"\x8e": { counted: 8, pushes: "other" },
	"\x96": { counted: 8, pushes: "other" },
	U: { counted: 1, pushes: "text" },
	T: { counted: 4, pushes: "text" },
	"\x8c": { counted: 1, pushes: "text" },
	X: { counted: 4, pushes: "text" },
	"\x8d": { counted: 8, pushes: "text" },
	V: { lines: 1, pushes: "text" },
	S: { lines: 1, pushes: "text" },
	t: { pops: "mark", pushes: "other" },
	l: { pops: "mark", pushes: "other" },
	o: { pops: "mark", pushes: "other" },
	i: { lines: 2, pops: "mark", pushes: "other" },
	"\x91": { pops: "mark", pushes: "other" },
	"\x85": { pops: 1, pushes: "other" },
	"\x86": { pops: 2, pushes: "other" },
	"\x87": { pops: 3, pushes: "other" },
	Q: { pops: 1, pushes: "other" },
	R: { pops: 2, pushes: "other" },
	"\x81": { pops: 2, pushes: "other" },
	"\x92": { pops: 3, pushes: "other" },
	"\x93": { pops: 2, pushes: "other" },
	a: { pops: 1 },
	b: { pops: 1 },
	e: { pops: "mark" },
	"\x90": { pops: "mark" },
};
const STEP_BY_OPCODE = Array.from({ length: 256 }, (_, code) => STEPS[String.fromCharCode(code)]);

/** Null when the bytes are not a pickle of a dict. */
export function skimPickle(bytes: Uint8Array): SkimmedDict | null {
	return new Skimmer(bytes, 0, []).run();
}

/**
 * The same from the end of a pickle alone. The outermost dict's keys stand in order, so `metadata` and what follows it
 * are the last few hundred bytes; nothing of what follows holds that word again.
 */
export function skimPickleTail(tail: Uint8Array): SkimmedDict | null {
	const bytes = asBuffer(tail);
	const start = Math.max(
		bytes.lastIndexOf("\x8c\x08metadata", undefined, "latin1"),
		bytes.lastIndexOf("X\x08\0\0\0metadata", undefined, "latin1"),
	);
	return start < 0 ? null : new Skimmer(tail, start, [new SkimmedDict(), MARK]).run();
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

class Skimmer {
	private readonly bytes: Buffer;
	private readonly memo = new Map<number, unknown>();
	/** In a tail nobody knows how many values were numbered before it. */
	private readonly whole: boolean;

	constructor(
		bytes: Uint8Array,
		private at: number,
		private readonly stack: unknown[],
	) {
		this.bytes = asBuffer(bytes);
		this.whole = stack.length === 0;
	}

	run(): SkimmedDict | null {
		while (this.at < this.bytes.length) {
			const code = this.bytes[this.at++] as number;
			const step = STEP_BY_OPCODE[code];
			if (step) {
				const pushed = this.argument(step);
				if (step.pops === "mark") this.popToMark();
				else for (let pops = step.pops ?? 0; pops > 0; pops--) this.stack.pop();
				if (step.pushes) this.stack.push(step.pushes === "text" ? pushed : OTHER);
			} else if (code === 0x2e) {
				const value = this.stack.pop();
				return value instanceof SkimmedDict ? value : null;
			} else if (!this.special(String.fromCharCode(code))) return null;
		}
		return null;
	}

	/** Steps over the opcode's argument; gives it when it is a short text. */
	private argument({ fixed, counted, lines, pushes }: Step): unknown {
		if (fixed) this.at += fixed;
		else if (counted) {
			const length = this.number(counted);
			this.at += length;
			if (pushes === "text" && length <= MAX_TEXT_BYTES) return this.bytes.toString("utf8", this.at - length, this.at);
		} else if (lines) {
			let line = "";
			for (let count = 0; count < lines; count++) line = this.line();
			// An escape has a meaning of its own in each protocol that writes lines; none is known to write symbols so.
			if (pushes === "text" && !line.includes("\\")) return line.replace(/^(['"])(.*)\1$/s, "$2");
		}
		return OTHER;
	}

	/** Past the end there is nothing more to read, which ends the loop. */
	private number(width: 1 | 4 | 8): number {
		const start = this.at;
		this.at += width;
		if (this.at > this.bytes.length) return 0;
		return width === 8 ? Number(this.bytes.readBigUInt64LE(start)) : this.bytes.readUIntLE(start, width);
	}

	private line(): string {
		const end = this.bytes.indexOf(0x0a, this.at);
		const start = this.at;
		this.at = end < 0 ? this.bytes.length : end + 1;
		return end < 0 || end - start > MAX_TEXT_BYTES ? "" : this.bytes.toString("latin1", start, end);
	}

	private popToMark(): unknown[] {
		const mark = this.stack.lastIndexOf(MARK);
		return this.stack.splice(Math.max(mark, 0)).slice(1);
	}

	private special(opcode: string): boolean {
		const { stack, memo } = this;
		switch (opcode) {
			case "(":
				stack.push(MARK);
				return true;
			case "2":
				stack.push(stack.at(-1));
				return true;
			case "}":
				stack.push(new SkimmedDict());
				return true;
			case "d":
				stack.push(fill(new SkimmedDict(), this.popToMark()));
				return true;
			case "s":
				fillTop(stack, stack.splice(-2));
				return true;
			case "u":
				fillTop(stack, this.popToMark());
				return true;
			case "p":
				return this.keep(Number(this.line()));
			case "q":
				return this.keep(this.number(1));
			case "r":
				return this.keep(this.number(4));
			case "\x94":
				return !this.whole || this.keep(memo.size);
			case "g":
				return this.recall(Number(this.line()));
			case "h":
				return this.recall(this.number(1));
			case "j":
				return this.recall(this.number(4));
			default:
				return false;
		}
	}

	private keep(index: number): boolean {
		this.memo.set(index, this.stack.at(-1));
		return true;
	}

	private recall(index: number): boolean {
		this.stack.push(this.memo.has(index) ? this.memo.get(index) : UNSEEN);
		return this.whole ? this.memo.has(index) : true;
	}
}

function fillTop(stack: unknown[], items: readonly unknown[]): void {
	const top = stack.at(-1);
	if (top instanceof SkimmedDict) fill(top, items);
}

function fill(dict: SkimmedDict, items: readonly unknown[]): SkimmedDict {
	const names = METADATA_ORDER.every((name, i) => items[2 * i] === name || items[2 * i] === UNSEEN) && METADATA_ORDER;
	for (let i = 0; i + 1 < items.length; i += 2) {
		const name = names ? names[i / 2] : items[i];
		if (name === "metadata" || name === "symbol" || name === "data_type" || name === "data_source") dict[name] = items[i + 1];
	}
	return dict;
}
