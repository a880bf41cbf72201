import { constants, type Stats } from "node:fs";
import type { StatFacts } from "./layout.js";

const KINDS: Readonly<Record<number, StatFacts["kind"]>> = {
	[constants.S_IFREG]: "file",
	[constants.S_IFDIR]: "directory",
	[constants.S_IFLNK]: "link",
	[constants.S_IFIFO]: "fifo",
	[constants.S_IFSOCK]: "socket",
};

/** What `lstat` said. Whatever is none of the named kinds is a device. */
export function factsOf(stats: Stats): StatFacts {
	return {
		kind: KINDS[stats.mode & constants.S_IFMT] ?? "device",
		size: stats.size,
		mtimeMs: stats.mtimeMs,
		ctimeMs: stats.ctimeMs,
		atimeMs: stats.atimeMs,
		ino: stats.ino,
		links: stats.nlink,
	};
}

const doubles = new Float64Array(4);
const words = new Uint32Array(doubles.buffer);

function mixed(first: number, second: number, seed: number): number {
	let hash = seed;
	for (let i = 0; i < 8; i++) {
		let word = Math.imul(words[i] as number, first);
		word = Math.imul((word << 15) | (word >>> 17), second);
		hash ^= word;
		hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
	}
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
	return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * 52 bits that change when the file is rewritten, replaced, or has its links or rights changed: a hash of size, mtime,
 * ctime and inode. Not a secret: whoever may set a file's times to the nanosecond may also delete it.
 * Source: MurmurHash3 (x86, 32 bits), once for each half with constants of its own.
 */
export function fingerprintOf(facts: Pick<StatFacts, "size" | "mtimeMs" | "ctimeMs" | "ino">): number {
	doubles[0] = facts.size;
	doubles[1] = facts.mtimeMs;
	doubles[2] = facts.ctimeMs;
	doubles[3] = facts.ino;
	const low = mixed(0xcc9e2d51, 0x1b873593, 0x2545f491);
	const high = mixed(0x9e3779b1, 0x85ebca77, 0x165667b1);
	return (high & 0xfffff) * 0x1_0000_0000 + low;
}

/** Links, pipes, sockets and devices hold no value of their own: they are listed with nothing in them, and never followed. */
export function sizeOf(facts: StatFacts): number {
	return facts.kind === "file" ? facts.size : 0;
}
