/**
 * What this process has seen of the log, signed outside the database: in its data folder, and where the administrator
 * wants it besides. Every process keeps such checkpoints, so that a cut tail shows on each of them.
 */
import { spawn } from "node:child_process";
import type { Logger } from "pino";
import { canonicalJson } from "../../core/canonical-json.js";
import { GENESIS, sameDigest, signatureOf } from "../chain.js";
import { type Checkpoint, firstCheckpoint, openCheckpointWriter, readCheckpoint, setAside } from "../checkpoint-file.js";
import type { Sealed } from "./announcer.js";
import type { Collections } from "./collections.js";
import { isGenuine, type Place, placeOf } from "./head.js";

export interface WitnessOptions {
	/** In the data folder. */
	readonly file: string;
	/** The administrator's own file, best on another machine's disk; null for none. */
	readonly secondFile: string | null;
	/** Run by the shell with the newest checkpoint on its standard input, once a minute at most; null for none. */
	readonly command: string | null;
	readonly logId: string;
	readonly secret: string;
	readonly log: Pick<Logger, "warn">;
}

/** The file is behind the log by so much at most. */
const WRITE_EVERY_MS = 500;
const COMMAND_EVERY_MS = 60_000;

export class Witness {
	private checkpoint: Checkpoint;
	private readonly writers: readonly ReturnType<typeof openCheckpointWriter>[];
	private unwritten: NodeJS.Timeout | null = null;
	private commandDue = 0;
	/** The newest seal that was seen; signed only when it proves itself. */
	private seen: Sealed | null = null;
	/** No file of this log was there to go on from. */
	readonly isNew: boolean;

	constructor(private readonly options: WitnessOptions) {
		const { logId, secret, log } = options;
		const kept = this.files.map((file) => {
			const { newest, forged } = readCheckpoint(file, logId, secret);
			if (forged)
				log.warn(
					{ file: setAside(file) },
					"the audit log's signed checkpoints were changed, or are another log's, or AUDIT_SECRET is another one; the file was kept aside",
				);
			return newest;
		});
		const newest = kept.reduce<Checkpoint | null>(newer, null);
		this.isNew = newest === null;
		this.checkpoint = newest ?? firstCheckpoint(logId);
		this.writers = this.files.map((file) => openCheckpointWriter(file, secret, (error) => this.warn(error)));
	}

	private get files(): readonly string[] {
		const { file, secondFile } = this.options;
		return secondFile === null ? [file] : [file, secondFile];
	}

	/** The newest place that was signed, or that will be with the next writing. */
	get head(): Place {
		this.judgeSeen();
		return { ...this.checkpoint.head, sealedAt: 0 };
	}

	/** Where retention cut, as far as this process knows. */
	get cut(): Checkpoint["cut"] {
		return this.checkpoint.cut;
	}

	/** Begins the files; `lost`: they had been begun before, when the log already had this many entries. */
	begin(lost: number | null): void {
		if (lost !== null) this.checkpoint = { ...this.checkpoint, restartedAt: lost };
		for (const writer of this.writers) writer.writeThrough(this.checkpoint);
	}

	/** The newest seal that was seen; on the disk within a second. */
	saw(sealed: Sealed): void {
		if (sealed.seal._id < this.checkpoint.head.sequence) return;
		this.seen = sealed;
		this.unwritten ??= setTimeout(() => this.write(), WRITE_EVERY_MS).unref();
	}

	/** Somebody else's seal, put behind the newest, is not made genuine by being signed here. */
	private judgeSeen(): void {
		const { seen } = this;
		this.seen = null;
		if (seen === null || seen.document === null || !isGenuine(this.options.secret, seen.seal, seen.document)) return;
		const { sequence, hash, id } = placeOf(seen.seal);
		if (sequence >= this.checkpoint.head.sequence) this.checkpoint = { ...this.checkpoint, head: { sequence, hash, id } };
	}

	/** Signed before anything up to there is removed. The line that is kept in the database too. */
	cutAt(cut: Checkpoint["cut"]): string {
		this.judgeSeen();
		this.checkpoint = { ...this.checkpoint, cut };
		for (const writer of this.writers) writer.writeThrough(this.checkpoint);
		const text = canonicalJson(this.checkpoint);
		return `${text} ${signatureOf(this.options.secret, text)}`;
	}

	/** Another process cut the log, and signed that. */
	sawCut(cut: Checkpoint["cut"]): void {
		if (cut.sequence <= this.checkpoint.cut.sequence) return;
		this.judgeSeen();
		const head = this.checkpoint.head.sequence < cut.sequence ? { ...cut, id: null } : this.checkpoint.head;
		this.checkpoint = { ...this.checkpoint, cut, head };
		this.unwritten ??= setTimeout(() => this.write(), WRITE_EVERY_MS).unref();
	}

	/** As it stands in the files now: what somebody did to them shows. */
	read(): { readonly newest: Checkpoint | null; readonly forged: boolean } {
		this.write();
		const { logId, secret } = this.options;
		const read = this.files.map((file) => readCheckpoint(file, logId, secret));
		return { newest: read.map(({ newest }) => newest).reduce<Checkpoint | null>(newer, null), forged: read.some(({ forged }) => forged) };
	}

	close(): void {
		this.write();
		for (const writer of this.writers) writer.close();
	}

	private write(): void {
		if (this.unwritten === null) return;
		clearTimeout(this.unwritten);
		this.unwritten = null;
		this.judgeSeen();
		try {
			for (const writer of this.writers) writer.write(this.checkpoint);
		} catch (error) {
			this.warn(error);
		}
		this.tellCommand();
	}

	private tellCommand(): void {
		const { command, secret, log } = this.options;
		if (command === null || performance.now() < this.commandDue) return;
		this.commandDue = performance.now() + COMMAND_EVERY_MS;
		const text = canonicalJson(this.checkpoint);
		const child = spawn(command, { shell: true, stdio: ["pipe", "ignore", "ignore"], timeout: COMMAND_EVERY_MS });
		child.on("error", (error) => log.warn({ err: error }, "the command that takes the audit log's checkpoints could not be run"));
		child.on("exit", (code) => {
			if (code !== 0) log.warn({ code }, "the command that takes the audit log's checkpoints failed");
		});
		child.stdin.on("error", () => undefined);
		child.stdin.end(`${text} ${signatureOf(secret, text)}\n`);
	}

	private warn(error: unknown): void {
		this.options.log.warn({ err: error }, "the audit log's signed checkpoint could not be written; it is tried again with the next entry");
	}
}

/** Where retention cut, as it is signed in the database; null when it never did, or when somebody changed it. */
export async function signedCut({ state }: Pick<Collections, "state">, secret: string): Promise<Checkpoint["cut"] | null> {
	const line = (await state.findOne({ _id: "cut" }))?.line;
	if (line === undefined) return null;
	const at = line.lastIndexOf(" ");
	if (!sameDigest(signatureOf(secret, line.slice(0, at)), line.slice(at + 1))) return null;
	return (JSON.parse(line.slice(0, at)) as Checkpoint).cut;
}

/** Before the first entry. */
export const START: Place = { sequence: 0, hash: GENESIS, id: null, sealedAt: 0 };

function newer(one: Checkpoint | null, other: Checkpoint | null): Checkpoint | null {
	if (one === null || other === null) return one ?? other;
	return other.head.sequence >= one.head.sequence ? other : one;
}
