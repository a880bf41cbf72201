/**
 * What could not be recorded in the database just now: lines in a local file, on the disk before they are answered, signed,
 * replayed in order, and removed when all of them are where they belong.
 */
import { type FileHandle, open } from "node:fs/promises";
import { canonicalJson } from "../core/canonical-json.js";
import { sameDigest, writerSignature } from "./chain.js";

export interface SpoolSlice<Record> {
	readonly records: readonly Record[];
	/** Where the next slice begins. */
	readonly next: number;
	/** Lines that nobody who knows the secret wrote; they are left out. */
	readonly forged: number;
}

const SIGNATURE_LENGTH = 64;

interface Waiting {
	readonly line: string;
	readonly resolve: () => void;
	readonly reject: (error: unknown) => void;
}

export class Spool<Record> {
	private readonly waiting: Waiting[] = [];
	private working: Promise<void> = Promise.resolve();
	private scheduled = false;

	private constructor(
		private readonly file: FileHandle,
		private readonly secret: string,
		/** Bytes that are whole lines on the disk. */
		private length: number,
	) {}

	/** One process holds a spool: it lies in a folder that one process holds. Mode 0600. */
	static async open<Record>(path: string, secret: string): Promise<Spool<Record>> {
		const file = await open(path, "a+", 0o600).then((handle) => handle.close().then(() => open(path, "r+")));
		const { size } = await file.stat();
		const length = await wholeLines(file, size);
		// A line that a crash cut short was never answered.
		if (length < size) await file.truncate(length);
		return new Spool(file, secret, length);
	}

	/** Nothing waits to be replayed or written. */
	get empty(): boolean {
		return this.length === 0 && this.waiting.length === 0 && !this.scheduled;
	}

	get bytes(): number {
		return this.length;
	}

	/** On the disk when it resolves. Callers that come together share one wait for it. */
	append(record: Record): Promise<void> {
		const text = canonicalJson(record);
		const line = `${writerSignature(this.secret, "spooled", text)} ${text}\n`;
		return new Promise((resolve, reject) => {
			this.waiting.push({ line, resolve, reject });
			if (this.scheduled) return;
			this.scheduled = true;
			this.working = this.working.then(() => this.write());
		});
	}

	private async write(): Promise<void> {
		this.scheduled = false;
		const batch = this.waiting.splice(0);
		const bytes = Buffer.from(batch.map(({ line }) => line).join(""));
		try {
			await writeWhole(this.file, bytes, this.length);
			await this.file.datasync();
			this.length += bytes.length;
			for (const { resolve } of batch) resolve();
		} catch (error) {
			// What a full disk took of it must not stand before the next line.
			await this.file.truncate(this.length).catch(() => undefined);
			for (const { reject } of batch) reject(error);
		}
	}

	/** Whole lines from a place on, about `maxBytes` of them. */
	async read(from: number, maxBytes = 1 << 20): Promise<SpoolSlice<Record>> {
		await this.working;
		const bytes = await this.wholeLinesFrom(from, maxBytes);
		const records: Record[] = [];
		let forged = 0;
		for (const line of bytes.toString("utf8").split("\n").slice(0, -1)) {
			const text = line.slice(SIGNATURE_LENGTH + 1);
			if (sameDigest(writerSignature(this.secret, "spooled", text), line.slice(0, SIGNATURE_LENGTH)))
				records.push(JSON.parse(text) as Record);
			else forged++;
		}
		return { records, next: from + bytes.length, forged };
	}

	private async wholeLinesFrom(from: number, maxBytes: number): Promise<Buffer> {
		const bytes = Buffer.alloc(Math.min(maxBytes, this.length - from));
		const { bytesRead } = await this.file.read(bytes, 0, bytes.length, from);
		const end = bytes.subarray(0, bytesRead).lastIndexOf("\n") + 1;
		// A line longer than that is read whole.
		if (end === 0 && from + bytesRead < this.length) return this.wholeLinesFrom(from, 2 * maxBytes);
		return bytes.subarray(0, end);
	}

	/** Empties it when everything up to `upTo` is all there is; false when more has come. */
	async clear(upTo: number): Promise<boolean> {
		let cleared = false;
		this.working = this.working.then(async () => {
			if (upTo !== this.length || this.waiting.length > 0) return;
			await this.file.truncate(0);
			await this.file.datasync();
			this.length = 0;
			cleared = true;
		});
		await this.working;
		return cleared;
	}

	async close(): Promise<void> {
		await this.working;
		await this.file.close();
	}
}

async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
	for (let written = 0; written < bytes.length; ) {
		const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
		written += bytesWritten;
	}
}

async function wholeLines(file: FileHandle, size: number): Promise<number> {
	const chunk = Buffer.alloc(64 * 1024);
	for (let end = size; end > 0; ) {
		const start = Math.max(0, end - chunk.length);
		const { bytesRead } = await file.read(chunk, 0, end - start, start);
		const at = chunk.subarray(0, bytesRead).lastIndexOf("\n");
		if (at >= 0) return start + at + 1;
		end = start;
	}
	return 0;
}
