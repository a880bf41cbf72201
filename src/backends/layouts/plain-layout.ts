import type { DescribedEntry, StatFacts } from "./layout.js";
import { fingerprintOf, sizeOf } from "./stat-facts.js";

/** The type of a file that lies in no folder. */
export const ROOT_TYPE = "file";

/** Any other tree of files. `path` is relative to the root, with `/`. Nothing in it ever expires. */
export function describePlain(file: { readonly path: string; readonly facts: StatFacts }): DescribedEntry {
	const slash = file.path.indexOf("/");
	return describeByPath(file, slash < 0 ? ROOT_TYPE : file.path.slice(0, slash));
}

/** An entry of which no more is known than its file: its key is its path, its age its mtime. */
export function describeByPath({ path, facts }: { readonly path: string; readonly facts: StatFacts }, type: string): DescribedEntry {
	return {
		key: path,
		type,
		symbol: null,
		source: null,
		size: sizeOf(facts),
		createdAt: Math.floor(facts.mtimeMs),
		createdAtSource: "MODIFIED",
		lastAccessedAt: facts.kind === "file" ? Math.floor(facts.atimeMs) : null,
		expiresAt: null,
		orphaned: false,
		brokenMetadata: false,
		locator: path,
		fingerprint: { data: fingerprintOf(facts), metadata: null },
	};
}
