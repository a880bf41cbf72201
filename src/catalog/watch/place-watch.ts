/** The watches of one root: which folders, and what an event there means. */
import { type FSWatcher, opendirSync, statfsSync, watch } from "node:fs";
import { basename } from "node:path";
import type { LayoutName } from "../../backends/layouts/layout.js";
import { DATA_FOLDERS, METADATA_FOLDER } from "../../backends/layouts/metadata-layout.js";
import { isOwnPath } from "../../backends/layouts/own-files.js";
import { isSkippedFolder } from "../../backends/layouts/python-layout.js";
import type { FolderPlace } from "../places.js";
import { findRoot } from "../scan/detect.js";
import { folderIdentity, isGone } from "../scan/read-file.js";

/** Linux reports only what this machine does on them. Source: statfs(2) and the kernel's magic.h. */
const REMOTE_FILE_SYSTEMS: Readonly<Record<number, string>> = {
	26985: "NFS",
	20859: "SMB",
	4283649346: "CIFS",
	4266872130: "SMB2",
	1702057286: "FUSE",
	16914839: "9P",
	12805120: "Ceph",
	2020557398: "vboxsf",
	1397113167: "AFS",
};
const FOLDERS_AT_ONCE = 50;
/** What could not be watched may be possible again. */
const RETRY_MS = 30_000;

const PARTS: readonly string[] = [...DATA_FOLDERS, METADATA_FOLDER];

interface Watched {
	readonly watcher: FSWatcher;
	readonly identity: string;
	/** The folder has told its own end: nothing more comes from this watch. */
	dead: boolean;
}

export interface PlaceWatchHandlers {
	/** A path relative to the root; `renamed` when it came, went or was replaced. */
	event(path: string, renamed: boolean): void;
	established(problem: string | null): void;
}

export class PlaceWatch {
	readonly #folders = new Map<string, Watched>();
	#layouts: readonly LayoutName[] = [];
	#rootIdentity: string | null = null;
	#generation = 0;
	#problem: string | null = null;
	#triedAt = 0;

	constructor(
		readonly place: FolderPlace,
		private readonly handlers: PlaceWatchHandlers,
	) {}

	/** All watches anew: watch first, then let somebody look. */
	async establish(): Promise<void> {
		const generation = ++this.#generation;
		this.#triedAt = Date.now();
		this.close();
		try {
			this.#rootIdentity = identityOf(this.place.path);
			this.#layouts = [];
			// Nothing is there, and whether that is still so is looked at before each answer.
			if (this.#rootIdentity === null) return this.#told(null);
			this.#watch("");
			this.#layouts = findRoot(this.place).layouts;
			if (this.#layouts.includes("metadata")) for (const name of PARTS) this.#watch(name);
			if (this.#isTree()) await this.#watchTree("", generation, () => undefined);
			if (generation !== this.#generation) return;
			this.#told(hintsOnly(this.place.path));
		} catch (error) {
			if (generation === this.#generation) this.#unwatched(reasonOf(error));
		}
	}

	/** Sets the watches up again when the root is another folder than it was. */
	async checkRoot(): Promise<void> {
		let identity: string | null;
		try {
			identity = identityOf(this.place.path);
		} catch (error) {
			return this.#problem === null ? this.#unwatched(reasonOf(error)) : undefined;
		}
		if (identity !== this.#rootIdentity || this.#folders.get("")?.dead) await this.establish();
		else if (this.#problem !== null && this.#folders.size === 0 && Date.now() - this.#triedAt > RETRY_MS) await this.establish();
	}

	/**
	 * Looks after what a path that came or went means for the watches. Answers the files of new folders, and folders that
	 * went (with `/` behind): when one was moved away, nobody reported its files.
	 */
	async follow(path: string): Promise<string[]> {
		if (this.#marksEnvironment(path)) {
			await this.establish();
			return [];
		}
		const known = this.#folders.get(path);
		const isPart = path === "" || PARTS.includes(path);
		if (!known && !isPart && !this.#isTree()) return [];
		try {
			const identity = identityOf(path === "" ? this.place.path : `${this.place.path}/${path}`);
			// A new folder may have the number of the one that was removed, so a dead watch counts more than a number.
			if (identity === (known?.identity ?? null) && !known?.dead) return [];
			if (path === "" || !this.#isTree()) {
				await this.establish();
				return [];
			}
			const found: string[] = [];
			if (known) {
				this.#unwatch(path);
				found.push(`${path}/`);
			}
			if (identity !== null && !this.#isSkipped(path)) await this.#watchTree(path, this.#generation, (file) => found.push(file));
			return found;
		} catch (error) {
			this.#unwatched(reasonOf(error));
			return [];
		}
	}

	/** Python: a file that makes the folder it lies in one that is not searched. */
	#marksEnvironment(path: string): boolean {
		return this.place.layout === "python" && !this.place.searchAll && isSkippedFolder("", [basename(path)]);
	}

	close(): void {
		for (const { watcher } of this.#folders.values()) watcher.close();
		this.#folders.clear();
	}

	#isTree(): boolean {
		return this.#layouts.includes("plain") || this.#layouts.includes("python");
	}

	#unwatched(problem: string): void {
		this.close();
		// Tried again and again: said once.
		if (problem !== this.#problem) this.#told(problem);
	}

	#told(problem: string | null): void {
		this.#problem = problem;
		this.handlers.established(problem);
	}

	/** A folder and all below it. */
	#unwatch(folder: string): void {
		for (const [path, { watcher }] of this.#folders) {
			if (path !== folder && !path.startsWith(`${folder}/`)) continue;
			watcher.close();
			this.#folders.delete(path);
		}
	}

	/** Nothing when there is no such folder. */
	#watch(folder: string): void {
		const path = folder === "" ? this.place.path : `${this.place.path}/${folder}`;
		if (this.#folders.has(folder) || identityOf(path) === null) return;
		const own = basename(path);
		let watcher: FSWatcher;
		try {
			watcher = watch(path, { persistent: true }, (event, name) => {
				if (name === null) return void this.establish();
				this.handlers.event(folder === "" ? name : `${folder}/${name}`, event === "rename");
				// A folder reports its own end under its own name; so does a file in it that is called like it.
				if (event !== "rename" || name !== own) return;
				const watched = this.#folders.get(folder);
				if (watched?.watcher === watcher) watched.dead = true;
				this.handlers.event(folder, true);
			});
		} catch (error) {
			if (isGone(error)) return;
			throw error;
		}
		watcher.on("error", (error) => this.#unwatched(reasonOf(error)));
		// Looked at again behind the watch, so that it is the folder that is watched.
		const identity = identityOf(path);
		if (identity === null) watcher.close();
		else this.#folders.set(folder, { watcher, identity, dead: false });
	}

	/** Watches a folder and all below it, then tells the files that are in them. */
	async #watchTree(top: string, generation: number, file: (path: string) => void): Promise<void> {
		const waiting = [top];
		let done = 0;
		for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
			if (generation !== this.#generation) return;
			if (++done % FOLDERS_AT_ONCE === 0) await new Promise(setImmediate);
			this.#watch(folder);
			if (!this.#folders.has(folder)) continue;
			const folders: string[] = [];
			eachEntry(`${this.place.path}/${folder}`, (name, isFolder) => {
				const path = folder === "" ? name : `${folder}/${name}`;
				if (isFolder) folders.push(path);
				else file(path);
			});
			for (const path of folders) if (!this.#isSkipped(path)) waiting.push(path);
		}
	}

	#isSkipped(path: string): boolean {
		if (isOwnPath(path)) return true;
		if (this.place.layout !== "python" || this.place.searchAll) return false;
		const inside: string[] = [];
		eachEntry(`${this.place.path}/${path}`, (name) => inside.push(name));
		return isSkippedFolder(basename(path), inside);
	}
}

/** In slices, since a folder may hold a million names. Nothing when there is no such folder. */
function eachEntry(path: string, each: (name: string, isFolder: boolean) => void): void {
	try {
		const directory = opendirSync(path, { bufferSize: 2048 });
		try {
			for (let entry = directory.readSync(); entry; entry = directory.readSync()) each(entry.name, entry.isDirectory());
		} finally {
			directory.closeSync();
		}
	} catch (error) {
		if (!isGone(error)) throw error;
	}
}

/** Why what is reported there may come late or be incomplete; null when it can be relied on. */
function hintsOnly(path: string): string | null {
	if (process.platform !== "linux") return "only Linux reports all changes in their order";
	const remote = REMOTE_FILE_SYSTEMS[statfsSync(path).type];
	return remote === undefined ? null : `${remote} does not report what other machines do`;
}

function identityOf(path: string): string | null {
	const identity = folderIdentity(path);
	return identity && `${identity.dev}:${identity.ino}`;
}

function reasonOf(error: unknown): string {
	const { code, message } = error as NodeJS.ErrnoException;
	if (code === "ENOSPC") return "the limit of watched folders is reached (fs.inotify.max_user_watches)";
	if (code === "EMFILE") return "the limit of watchers is reached (fs.inotify.max_user_instances)";
	return message;
}
