import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const GENERATOR = fileURLToPath(new URL("../../bench/generate-tree.ts", import.meta.url));

/** Fills a root in the metadata layout by a program other than the server; another seed adds other entries. */
export function generateTree(root: string, entries: number, seed = 1): void {
	const made = spawnSync(
		process.execPath,
		["--import", "@swc-node/register/esm-register", GENERATOR, root, String(entries), String(seed)],
		{ encoding: "utf8" },
	);
	if (made.status !== 0) throw new Error(`the generator failed: ${made.stderr}`);
}

/** `us_stocks/K.csv` and `metadata/K_meta.json` belong to K. */
export function keyOf(path: string): string {
	return path.replace(/^.*\//, "").replace(/(_meta\.json|\.csv|\.txt)$/, "");
}
