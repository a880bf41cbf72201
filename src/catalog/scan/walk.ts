/** One walker's part of a scan: reads the places from end to end and reports what differs from what is known. */
import { opendirSync, readdirSync } from "node:fs";
import type { LayoutName, StatFacts } from "../../backends/layouts/layout.js";
import {
	DATA_FOLDERS,
	type DataFolder,
	dataFileOf,
	METADATA_FOLDER,
	metadataKeyOf,
	metadataNameOf,
} from "../../backends/layouts/metadata-layout.js";
import { isOwnName } from "../../backends/layouts/own-files.js";
import { pickleKeyOf, pickleNameOf } from "../../backends/layouts/pickle-layout.js";
import { isByteCode, isSkippedFolder } from "../../backends/layouts/python-layout.js";
import { fingerprintOf } from "../../backends/layouts/stat-facts.js";
import { HashSet } from "../index/hash-set.js";
import { combinedFingerprint, keyHash } from "../index/key-hash.js";
import { KnownEntries } from "../index/known-entries.js";
import { RowBatchBuilder } from "../index/row-batch.js";
import type { FolderPlace } from "../places.js";
import { FolderChecks, type ReadEntry, readAlone, readGroup, readPair, readPickle } from "./groups.js";
import { BATCH_ROWS, SHARED, SHARES, type WalkerMessage, type WalkOrder, type WalkProblem } from "./protocol.js";
import { folderIdentity, isGone, lookAt } from "./read-file.js";
import type { Reading } from "./reading.js";

/** So close to a change another one may leave size and times as they are (ticks of the kernel's clock, twice and more). */
export const UNSETTLED_MS = 25;
const MAX_PROBLEMS = 100;
const PROGRESS_EVERY = 256;

export class Cancelled extends Error {}

export class Walk {
	readonly #allSeen: HashSet[] = [];
	readonly #allForeign: Float64Array[] = [];
	readonly #problems: WalkProblem[] = [];
	readonly #shared: Int32Array;
	#batch!: RowBatchBuilder;
	#place!: FolderPlace;
	#known!: KnownEntries;
	#seen!: HashSet;
	/** What was seen in an earlier walk. */
	#before: readonly HashSet[] = [];
	#foreign: number[] = [];
	#entries = 0;

	constructor(
		private readonly order: WalkOrder,
		private readonly send: (message: WalkerMessage) => void,
	) {
		this.#shared = new Int32Array(order.shared);
	}

	run(): void {
		const { seen, from, to } = this.order;
		for (const [index, { place, layouts, known, entries }] of this.order.places.entries()) {
			this.#place = place;
			this.#known = new KnownEntries(known);
			this.#before = seen.map((walker) => new HashSet(walker[index] as Float64Array));
			this.#seen = new HashSet(this.order.data ? (entries * (to - from)) / SHARES : 0);
			this.#foreign = [];
			this.#allSeen.push(this.#seen);
			this.#batch = new RowBatchBuilder({ id: place.id, backend: place.backend, name: place.place }, BATCH_ROWS);
			for (const layout of layouts) this.#guard("", () => this.#walk({ place, layout, settings: this.order.settings }));
			this.#flush();
			this.#allForeign.push(Float64Array.from(this.#foreign));
		}
		Atomics.add(this.#shared, SHARED.entries, this.#entries % PROGRESS_EVERY);
		this.send({ kind: "done", seen: this.#allSeen.map((set) => set.slots), foreign: this.#allForeign, problems: this.#problems });
	}

	#walk(reading: Reading): void {
		const root = reading.place.path;
		if (folderIdentity(root) === null) return;
		const { data, metadata } = this.order;
		if (reading.layout === "metadata") {
			if (data) for (const folder of DATA_FOLDERS) this.#guard(folder, () => this.#dataFolder(reading, folder));
			if (metadata) this.#guard(METADATA_FOLDER, () => this.#metadataFolder(reading));
		} else if (!data) return;
		else if (reading.layout === "pickle") this.#pickles(reading);
		else this.#tree(reading, reading.layout);
	}

	#dataFolder(reading: Reading, folder: DataFolder): void {
		const root = reading.place.path;
		if (folderIdentity(`${root}/${folder}`) === null) return;
		const hasMetadata = folderIdentity(`${root}/${METADATA_FOLDER}`) !== null;
		this.#names(folder, (name) => {
			const file = dataFileOf(name);
			if (!file) return;
			const hash = this.#mine(file.key);
			if (hash === 0) return;
			const known = this.#known.find(hash);
			const data = this.#seen.has(hash) ? null : lookAt(`${root}/${folder}/${name}`);
			// Gone meanwhile, or one of several files with this key: all of them decide together.
			if (!data || data.kind === "directory") return this.#group(reading, file.key);
			if (known < 0) return this.#report(reading.layout, hash, readPair(reading, { folder, ...file }, data, hasMetadata));
			const metadata = hasMetadata ? lookAt(`${root}/${METADATA_FOLDER}/${metadataNameOf(file.key)}`) : null;
			const metadataPrint = metadata && metadata.kind !== "directory" ? fingerprintOf(metadata) : null;
			const proof = combinedFingerprint(fingerprintOf(data), metadataPrint);
			if (!this.#isKnown(hash, known, proof, data)) this.#group(reading, file.key);
		});
	}

	/** By name alone: only keys of which no data file was seen are looked at. */
	#metadataFolder(reading: Reading): void {
		if (folderIdentity(`${reading.place.path}/${METADATA_FOLDER}`) === null) return;
		this.#names(METADATA_FOLDER, (name) => {
			const key = metadataKeyOf(name);
			if (key === null) return;
			const hash = keyHash(this.order.salt, key);
			if (!this.#isMine(hash)) this.#foreign.push(hash);
			else if (!this.#seen.has(hash) && !this.#before.some((seen) => seen.has(hash))) this.#group(reading, key);
		});
	}

	#pickles(reading: Reading): void {
		this.#names("", (name) => {
			const key = pickleKeyOf(name);
			const hash = key === null ? 0 : this.#mine(key);
			if (key === null || hash === 0) return;
			const facts = lookAt(`${reading.place.path}/${pickleNameOf(key)}`);
			if (!facts || facts.kind === "directory") return;
			const known = this.#known.find(hash);
			if (known >= 0 && this.#isKnown(hash, known, combinedFingerprint(fingerprintOf(facts), null), facts)) return;
			const read = readPickle(reading, key);
			if (read) this.#report(reading.layout, hash, read);
		});
	}

	#tree(reading: Reading, layout: "plain" | "python"): void {
		const root = reading.place.path;
		const waiting = [""];
		for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
			const at = folder;
			this.#guard(at, () => {
				if (layout === "python" && at !== "" && !reading.place.searchAll) {
					if (isSkippedFolder(at.slice(at.lastIndexOf("/") + 1), readdirSync(`${root}/${at}`))) return;
				}
				this.#names(at, (name, isFolder) => {
					const path = at === "" ? name : `${at}/${name}`;
					if (isFolder) waiting.push(path);
					else if (layout === "plain" || isByteCode(name)) this.#file(layout, path);
				});
			});
		}
	}

	#file(layout: "plain" | "python", path: string): void {
		const hash = this.#mine(path);
		if (hash === 0) return;
		const facts = lookAt(`${this.#place.path}/${path}`);
		if (!facts || facts.kind === "directory") return;
		const known = this.#known.find(hash);
		if (known >= 0 && this.#isKnown(hash, known, combinedFingerprint(fingerprintOf(facts), null), facts)) return;
		this.#report(layout, hash, readAlone(layout, path, facts));
	}

	#group(reading: Reading, name: string): void {
		for (const read of readGroup(reading, { layout: reading.layout, name }, new FolderChecks())) {
			const hash = keyHash(this.order.salt, read.entry.key);
			const known = this.#known.find(hash);
			const { data, metadata } = read.entry.fingerprint;
			if (known >= 0 && this.#known.fingerprint(known) === combinedFingerprint(data, metadata)) this.#see(hash);
			else this.#report(reading.layout, hash, read);
		}
	}

	/** True when nothing but perhaps the last access has changed. */
	#isKnown(hash: number, slot: number, proof: number, data: StatFacts): boolean {
		if (this.#known.fingerprint(slot) !== proof) return false;
		this.#see(hash);
		if (data.kind === "file" && Math.floor(data.atimeMs / 1000) !== this.#known.accessed(slot)) {
			this.#batch.touch(hash, Math.floor(data.atimeMs));
			this.#flushIfFull();
		}
		return true;
	}

	#report(layout: LayoutName, hash: number, { entry, changedAt }: ReadEntry): void {
		this.#see(hash);
		this.#batch.add(hash, layout, entry, Date.now() - changedAt > UNSETTLED_MS);
		this.#flushIfFull();
	}

	#see(hash: number): void {
		if (this.#seen.add(hash) && ++this.#entries % PROGRESS_EVERY === 0) Atomics.add(this.#shared, SHARED.entries, PROGRESS_EVERY);
	}

	/** The hash of a group that falls to this part, else 0. */
	#mine(name: string): number {
		const hash = keyHash(this.order.salt, name);
		return this.#isMine(hash) ? hash : 0;
	}

	#isMine(hash: number): boolean {
		const share = hash % SHARES;
		return share >= this.order.from && share < this.order.to;
	}

	/** Whatever can't be looked at concerns its own name only. */
	#names(folder: string, each: (name: string, isFolder: boolean) => void): void {
		const directory = opendirSync(`${this.#place.path}/${folder}`, { bufferSize: 2048 });
		try {
			for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
				if (Atomics.load(this.#shared, SHARED.cancelled) !== 0) throw new Cancelled();
				if (isOwnName(entry.name)) continue;
				try {
					each(entry.name, entry.isDirectory());
				} catch (error) {
					this.#note(folder === "" ? entry.name : `${folder}/${entry.name}`, error);
				}
			}
		} finally {
			directory.closeSync();
		}
	}

	#guard(path: string, work: () => void): void {
		try {
			work();
		} catch (error) {
			this.#note(path, error);
		}
	}

	/** What is gone is gone; what can't be looked at is remembered and makes the scan incomplete. */
	#note(path: string, error: unknown): void {
		const code = (error as NodeJS.ErrnoException).code;
		if (typeof code !== "string") throw error;
		if (!isGone(error) && this.#problems.length < MAX_PROBLEMS) this.#problems.push({ placeId: this.#place.id, path, code });
	}

	#flushIfFull(): void {
		if (this.#batch.full) this.#flush();
	}

	#flush(): void {
		if (this.#batch.empty) return;
		this.send({ kind: "batch", batch: this.#batch.build() });
		this.#batch = new RowBatchBuilder({ id: this.#place.id, backend: this.#place.backend, name: this.#place.place }, BATCH_ROWS);
	}
}
