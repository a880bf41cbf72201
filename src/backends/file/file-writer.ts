import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { CacheLayout } from "../../config/config.js";
import { type Clock, systemClock } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import { bestProtection } from "../disk/descent.js";
import { Root } from "../disk/root.js";
import { WorkerPool } from "../disk/worker-pool.js";
import type { WorkerReply, WorkerRequest } from "../disk/worker-protocol.js";
import type { WriteTask } from "../disk/write-entry.js";
import { detectLayouts, RootSigns } from "../layouts/detect-layouts.js";
import { partsOf } from "../layouts/entry-parts.js";
import { metadataKeyFor } from "../layouts/field-keys.js";
import { parseWrittenTime, writeLocalTime } from "../layouts/local-time.js";
import { DATA_FOLDERS, dataLocatorOf, folderFor, METADATA_FOLDER, METADATA_MAX_BYTES, metadataNameOf } from "../layouts/metadata-layout.js";
import { metadataFacts, metadataText } from "../layouts/metadata-recipe.js";
import { describePickle, pickleKeyOf, pickleNameOf } from "../layouts/pickle-layout.js";
import {
	type CacheValue,
	type CacheWriter,
	type Recipe,
	type StoredAt,
	TEXT_FORMATS,
	type TextFormat,
	type WriteOrder,
} from "../writer.js";

export interface FileWriterOptions {
	readonly roots: readonly { readonly name: string; readonly path: string; readonly layout: CacheLayout }[];
	/** IANA name: zone of the times that are written without one. */
	readonly timeZone: string;
	readonly clock?: Clock;
}

const WRITABLE_TYPES = ["stock_data", "news", "fundamentals"] as const;
type WritableType = (typeof WRITABLE_TYPES)[number];
/** Values wait for a disk that is one: more threads would only wait beside each other. */
const THREADS = 2;
const PROBE_MS = 5_000;
const NO_TIMES = { us: {}, china: {} };

export interface FileCacheWriter extends CacheWriter {
	/** Removes files that were on their way into place longer ago than that; gives their number. */
	sweep(olderThanMs: number): Promise<number>;
}

/** Writes the file layout with metadata, and pickles as they are. */
export function openFileWriter(options: FileWriterOptions): FileCacheWriter {
	return new FileWriter(options);
}

class FileWriter implements FileCacheWriter {
	readonly kind = "FILE";
	private readonly roots: ReadonlyMap<string, { readonly root: Root; readonly path: string; readonly layout: CacheLayout }>;
	private readonly pool = new WorkerPool(THREADS);
	private readonly timeZone: string;

	constructor({ roots, timeZone, clock = systemClock }: FileWriterOptions) {
		this.timeZone = timeZone;
		this.roots = new Map(roots.map(({ name, path, layout }) => [name, { root: new Root("FILE", name, path, clock), path, layout }]));
	}

	async placeFor(type: string, form: CacheValue["form"]): Promise<string | null> {
		if (form === "text" && !isWritable(type)) return null;
		const suitable: { readonly name: string; readonly rank: number }[] = [];
		for (const [name, { path, layout }] of this.roots) {
			const layouts = layout === "auto" ? detectLayouts(await signsIn(path), "auto") : [layout];
			const wanted = form === "text" ? "metadata" : "pickle";
			// Both may share a root, and an empty one is still to become what is written there.
			if (layouts.includes(wanted)) suitable.push({ name, rank: 0 });
			else if (layout === "auto" && !layouts.includes("plain")) suitable.push({ name, rank: 1 });
		}
		return suitable.sort((a, b) => a.rank - b.rank)[0]?.name ?? null;
	}

	keyOf(recipe: Recipe, at: number): string {
		return metadataKeyFor({ ...recipe, source: recipe.source ?? "unknown", day: writeLocalTime(at, this.timeZone).slice(0, 10) });
	}

	async recipeOf(entry: StoredAt): Promise<Recipe | null> {
		return (await this.metadataOf(entry))?.recipe ?? null;
	}

	async createdAt(entry: StoredAt): Promise<number | null> {
		const metadata = await this.metadataOf(entry);
		if (metadata !== null) return metadata.createdAt;
		const path = entry.locator ?? (pickleKeyOf(pickleNameOf(entry.key)) === null ? null : pickleNameOf(entry.key));
		return path === null ? null : ((await this.readFile(entry.place, path, null))?.mtimeMs ?? null);
	}

	async read(entry: StoredAt, maxBytes: number) {
		const metadata = await this.metadataOf(entry);
		for (const path of pathsOf(entry, metadata?.recipe ?? null)) {
			const file = partsOf({ key: entry.key, locator: path }) === null ? null : await this.readFile(entry.place, path, maxBytes);
			if (file === null) continue;
			if (pickleKeyOf(path) !== null) return this.pickle(entry, file);
			const format = formatOf(path);
			if (metadata === null || format === null) return null;
			return { recipe: metadata.recipe, value: { form: "text" as const, bytes: file.bytes, format }, createdAt: metadata.createdAt };
		}
		return null;
	}

	async write({ place, key, recipe, value, createdAt, replaces }: WriteOrder) {
		const root = this.roots.get(place);
		if (root === undefined) throw new CachewardenError("BAD_PATH");
		const data = {
			path: value.form === "pickle" ? pickleNameOf(key) : this.dataPath(key, recipe, value.format, replaces),
			bytes: value.bytes,
		};
		if (partsOf({ key, locator: data.path }) === null) throw new CachewardenError("BAD_PATH");
		const metadata = value.form === "pickle" ? null : this.metadata(key, recipe, data, value.format, join(root.path, data.path), createdAt);
		const task: WriteTask = {
			data,
			metadata,
			former: replaces?.locator != null && replaces.locator !== data.path ? replaces.locator : null,
			...(replaces === null ? {} : { expected: replaces.fingerprint }),
		};
		const reply = await this.ask(place, { kind: "write", task });
		if (reply.kind !== "written") throw new CachewardenError("INTERNAL");
		return reply.written ? { outcome: "written" as const, bytes: value.bytes.length } : { outcome: "changed" as const };
	}

	async probe(): Promise<void> {
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(new CachewardenError("BACKEND_TIMEOUT")), PROBE_MS);
		});
		try {
			await Promise.race([Promise.all([...this.roots.keys()].map((place) => this.probePlace(place))), late]);
		} finally {
			clearTimeout(timer);
		}
	}

	async sweep(olderThanMs: number): Promise<number> {
		let files = 0;
		for (const [place, { root }] of this.roots) {
			if (!(await root.health()).available) continue;
			const reply = await this.ask(place, { kind: "sweep", olderThanMs });
			if (reply.kind === "swept") files += reply.files;
		}
		return files;
	}

	close(): Promise<void> {
		return this.pool.close();
	}

	/** A root that is away is not asked: it has said so already. */
	private async probePlace(place: string): Promise<void> {
		if ((await this.roots.get(place)?.root.health())?.available) await this.ask(place, { kind: "probe" });
	}

	/** An entry stays in its folder, whatever its metadata would say of a new one. */
	private dataPath(key: string, { type, symbol }: Recipe, format: TextFormat, replaces: WriteOrder["replaces"]): string {
		if (!isWritable(type)) throw new CachewardenError("BAD_USER_INPUT", { key: "error.typeNotWritable", facts: { type } });
		const folder = replaces?.locator?.split("/")[0] ?? folderFor(type, symbol, key);
		return dataLocatorOf({ folder: folder as ReturnType<typeof folderFor>, key, extension: format });
	}

	private metadata(key: string, recipe: Recipe, data: WriteTask["data"], format: TextFormat, filePath: string, createdAt: number) {
		const text = metadataText({
			...recipe,
			source: recipe.source ?? "unknown",
			filePath,
			format,
			contentLength: [...Buffer.from(data.bytes).toString("utf8")].length,
			cachedAt: writeLocalTime(createdAt, this.timeZone),
		});
		return { path: `${METADATA_FOLDER}/${metadataNameOf(key)}`, bytes: Buffer.from(text) };
	}

	private async metadataOf(entry: StoredAt): Promise<{ readonly recipe: Recipe; readonly createdAt: number } | null> {
		const path = partsOf(entry)?.metadata ?? null;
		const file = path === null ? null : await this.readFile(entry.place, path, METADATA_MAX_BYTES);
		const facts = file === null ? null : metadataFacts(file.bytes);
		const createdAt = facts === null ? null : parseWrittenTime(facts.cachedAt, this.timeZone);
		if (facts === null || createdAt === null) return null;
		const { cachedAt: _, ...recipe } = facts;
		return { recipe, createdAt };
	}

	private pickle({ key }: StoredAt, { bytes, mtimeMs }: { readonly bytes: Uint8Array; readonly mtimeMs: number }) {
		const facts = { kind: "file", size: bytes.length, mtimeMs, ctimeMs: 0, atimeMs: 0, ino: 0, links: 1 } as const;
		const { symbol, type, source } = describePickle(
			{ key, facts, content: bytes },
			{ timeZone: this.timeZone, timesToLiveHours: NO_TIMES },
		);
		const recipe: Recipe = { symbol: symbol ?? "", type, source, startDate: null, endDate: null };
		return { recipe, value: { form: "pickle" as const, bytes }, createdAt: Math.floor(mtimeMs) };
	}

	private async readFile(place: string, path: string, maxBytes: number | null) {
		const reply = await this.ask(place, { kind: "read", path, maxBytes });
		if (reply.kind !== "read") throw new CachewardenError("INTERNAL");
		return reply.file;
	}

	private async ask(place: string, request: Without<WorkerRequest, "root" | "protection">): Promise<WorkerReply> {
		const root = this.roots.get(place)?.root;
		if (root === undefined) throw new CachewardenError("BAD_PATH");
		const reply = await this.pool.ask({ ...request, root: await root.resolve(), protection: bestProtection() });
		if (reply.kind === "failed") throw new CachewardenError(reply.failure.code, reply.failure.said);
		return reply;
	}
}

type Without<Union, Names extends PropertyKey> = Union extends unknown ? Omit<Union, Names> : never;

function isWritable(type: string): type is WritableType {
	return (WRITABLE_TYPES as readonly string[]).includes(type);
}

/** Where the value lies, or may lie when only the key is known. */
function pathsOf({ key, locator }: StoredAt, recipe: Recipe | null): string[] {
	if (locator !== null) return [locator];
	if (pickleKeyOf(pickleNameOf(key)) !== null) return [pickleNameOf(key)];
	if (recipe === null || !isWritable(recipe.type)) return [];
	const folder = folderFor(recipe.type, recipe.symbol, key);
	return TEXT_FORMATS.map((extension) => dataLocatorOf({ folder, key, extension }));
}

function formatOf(path: string): TextFormat | null {
	const extension = path.slice(path.lastIndexOf(".") + 1);
	return TEXT_FORMATS.find((format) => format === extension) ?? null;
}

async function signsIn(path: string): Promise<RootSigns> {
	const signs = new RootSigns();
	try {
		// They may stand behind a million others.
		for (const name of [...DATA_FOLDERS, METADATA_FOLDER]) {
			await lstat(join(path, name)).then(
				() => signs.see(name),
				() => undefined,
			);
		}
		for await (const { name } of await opendir(path, { bufferSize: 2048 })) {
			signs.see(name);
			if (signs.saw("pickle")) break;
		}
	} catch {
		// What cannot be read is found out when it is written, and said there.
	}
	return signs;
}
