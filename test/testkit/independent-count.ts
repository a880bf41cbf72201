/** What lies in a metadata-layout tree, counted by programs other than ours. */
import { execFileSync } from "node:child_process";

function run(command: string, ...args: string[]): string {
	return execFileSync("/bin/sh", ["-c", command, "sh", ...args], { encoding: "utf8", maxBuffer: 1 << 28 }).trim();
}

export interface TreeCount {
	readonly entries: number;
	readonly bytes: number;
}

/** Data files and their bytes, by `find`. */
export function countDataFiles(root: string): TreeCount {
	const [entries, bytes] = run(
		`find "$1" -path "$1/metadata" -prune -o -type f -printf '%s\\n' | awk '{ n++; s += $1 } END { print n + 0, s + 0 }'`,
		root,
	)
		.split(" ")
		.map(Number);
	return { entries: entries ?? 0, bytes: bytes ?? 0 };
}

/** Keys whose `cached_at` (UTC) lies strictly before a time, by `jq`; sorted. */
export function keysCachedBefore(root: string, before: Date): string[] {
	const text = run(
		`find "$1/metadata" -name '*_meta.json' -print0 | xargs -0 -r jq -r --arg before "$2" 'select(.cached_at < $before) | input_filename' | sed 's|.*/||; s|_meta.json$||' | LC_ALL=C sort`,
		root,
		before.toISOString().slice(0, -1),
	);
	return text === "" ? [] : text.split("\n");
}

/** Every file of the tree, relative to it, sorted; by `find`. */
export function filesOf(root: string): string[] {
	const text = run(`cd "$1" && find . -type f | cut -c3- | LC_ALL=C sort`, root);
	return text === "" ? [] : text.split("\n");
}
