/** A sample cache in a temporary folder: what `serve --demo` shows. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DemoFile, demoFiles } from "./files.js";

const WRITERS = 16;

export interface Demo {
	readonly folder: string;
	/** Variables that point the program at the sample, its own state included. */
	readonly env: Readonly<Record<string, string>>;
	remove(): Promise<void>;
}

/** Some 3,400 entries of all types and ages, some of them broken in the ways that happen; takes about a second. */
export async function makeDemo(now: number = Date.now()): Promise<Demo> {
	const folder = await mkdtemp(join(tmpdir(), "cachewarden-demo-"));
	const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
	try {
		const files = demoFiles(now);
		const made = new Set<string>();
		await Promise.all(Array.from({ length: WRITERS }, () => writeAll(folder, files, made)));
	} catch (error) {
		await remove();
		throw error;
	}
	return {
		folder,
		env: {
			CACHE_DIR: join(folder, "cache"),
			CACHE_LAYOUT: "auto",
			CACHE_TIMEZONE: "UTC",
			PYTHON_ROOTS: join(folder, "python"),
			DATA_DIR: join(folder, "state"),
		},
		remove,
	};
}

/** Several of these take from the same list. */
async function writeAll(folder: string, files: Generator<DemoFile>, made: Set<string>): Promise<void> {
	for (let next = files.next(); !next.done; next = files.next()) {
		const { path, data, modifiedAt } = next.value;
		const target = join(folder, path);
		if (!made.has(dirname(target))) {
			await mkdir(dirname(target), { recursive: true });
			made.add(dirname(target));
		}
		await writeFile(target, data);
		await utimes(target, modifiedAt / 1_000, modifiedAt / 1_000);
	}
}
