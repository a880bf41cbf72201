/**
 * Signed checkpoints outside the store, so that a cut tail shows although the store alone is consistent: one line for each
 * durable group of entries, written right after it (never before, so a crash leaves the file behind the store, not ahead).
 * Lines reach the disk within a second; the file is rewritten with its newest line when it grows.
 */
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { z } from "zod";
import { canonicalJson } from "../core/canonical-json.js";
import { GENESIS, sameDigest, signatureOf } from "./chain.js";

const place = z.object({ sequence: z.number(), hash: z.string() });
const shape = z.object({
	log: z.string(),
	/** The newest entry that retention removed: the chain is anchored here. */
	cut: place,
	/** The newest entry of the log. */
	head: place.extend({ id: z.string().nullable() }),
	/** The file was missing when the log already held this many entries. */
	restartedAt: z.number().nullable(),
});
export type Checkpoint = z.infer<typeof shape>;

const COMPACT_BYTES = 256 * 1024;
const SYNC_WITHIN_MS = 1000;

export function firstCheckpoint(log: string): Checkpoint {
	const start = { sequence: 0, hash: GENESIS };
	return { log, cut: start, head: { ...start, id: null }, restartedAt: null };
}

/** The newest line that this log's secret signed; `forged` when a whole line is not so signed. */
export function readCheckpoint(
	path: string,
	log: string,
	secret: string,
): { readonly newest: Checkpoint | null; readonly forged: boolean } {
	if (!existsSync(path)) return { newest: null, forged: false };
	let newest: Checkpoint | null = null;
	let forged = false;
	// What follows the last line feed is a line that a crash cut short.
	for (const line of readFileSync(path, "utf8").split("\n").slice(0, -1)) {
		const checkpoint = signedBy(secret, line);
		if (checkpoint === null || checkpoint.log !== log) forged = true;
		else if (newest === null || checkpoint.head.sequence >= newest.head.sequence) newest = checkpoint;
	}
	return { newest, forged };
}

function signedBy(secret: string, line: string): Checkpoint | null {
	const separator = line.lastIndexOf(" ");
	const text = line.slice(0, separator);
	return sameDigest(signatureOf(secret, text), line.slice(separator + 1)) ? shape.parse(JSON.parse(text)) : null;
}

/** Keeps a file that cannot be trusted as evidence, and makes room for a new one. Gives its new name. */
export function setAside(path: string): string {
	const kept = `${path}.rejected-${Date.now()}`;
	renameSync(path, kept);
	return kept;
}

export interface CheckpointWriter {
	write(checkpoint: Checkpoint): void;
	/** The same, and on the disk when it returns. */
	writeThrough(checkpoint: Checkpoint): void;
	close(): void;
}

export function openCheckpointWriter(path: string, secret: string, warn: (error: unknown) => void): CheckpointWriter {
	let size = COMPACT_BYTES;
	let unsynced: NodeJS.Timeout | null = null;

	function lineOf(checkpoint: Checkpoint): string {
		const text = canonicalJson(checkpoint);
		return `${text} ${signatureOf(secret, text)}\n`;
	}

	function rewrite(line: string): void {
		const temporary = `${path}.tmp`;
		const file = openSync(temporary, "w", 0o600);
		try {
			writeSync(file, line);
			fsyncSync(file);
		} finally {
			closeSync(file);
		}
		renameSync(temporary, path);
		size = line.length;
	}

	/** Beside whatever the thread does meanwhile. */
	async function syncSoon(): Promise<void> {
		unsynced = null;
		const file = await open(path, "r+");
		try {
			await file.sync();
		} finally {
			await file.close();
		}
	}

	function sync(): void {
		if (unsynced !== null) clearTimeout(unsynced);
		unsynced = null;
		const file = openSync(path, "r+");
		try {
			fsyncSync(file);
		} finally {
			closeSync(file);
		}
	}

	function write(checkpoint: Checkpoint): void {
		const line = lineOf(checkpoint);
		if (size + line.length > COMPACT_BYTES) {
			rewrite(line);
			return;
		}
		appendFileSync(path, line, { mode: 0o600 });
		size += line.length;
		unsynced ??= setTimeout(() => void syncSoon().catch(warn), SYNC_WITHIN_MS).unref();
	}

	return {
		write,
		writeThrough(checkpoint) {
			write(checkpoint);
			sync();
		},
		close() {
			if (unsynced !== null) sync();
		},
	};
}
