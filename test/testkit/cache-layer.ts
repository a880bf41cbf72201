/** A layer of the cache as a test of whole programs needs it: filled and counted by others than the program under test. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { countDataFiles, keysCachedBefore } from "./independent-count.js";
import { temporaryFolder } from "./temporary.js";
import { generateTree } from "./tree.js";

export interface CacheLayer {
	/** What makes the program look after this layer. */
	readonly environment: Readonly<Record<string, string>>;
	count(): Promise<{ readonly entries: number; readonly bytes: number }>;
	/** Keys of entries that were created before that moment; sorted. */
	keysBefore(moment: Date): Promise<readonly string[]>;
	/** Keys of all entries; sorted. */
	keys(): Promise<readonly string[]>;
	/** Everything that is none of the cache's business, in full. */
	foreign(): Promise<unknown>;
	close(): Promise<void>;
}

/** Starts a layer with so many entries, of ages over 14 days, beside things that must not be touched. */
export type StartLayer = (entries: number) => Promise<CacheLayer>;

const END_OF_TIME = new Date("9999-01-01");

export const fileLayer: StartLayer = async (entries) => {
	const root = temporaryFolder();
	generateTree(root, entries);
	const beside = temporaryFolder();
	writeFileSync(join(beside, "notes.txt"), "not a cache");
	return {
		environment: { CACHE_DIR: root },
		count: async () => countDataFiles(root),
		keysBefore: async (moment) => keysCachedBefore(root, moment),
		keys: async () => keysCachedBefore(root, END_OF_TIME),
		foreign: async () => countDataFiles(beside),
		close: async () => undefined,
	};
};
