/** What the database will never take is not lost: it waits beside the spool for somebody to look at it. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson } from "../core/canonical-json.js";

export interface RefusedRecord<Record = unknown> {
	readonly record: Record;
	/** In the words of the database. */
	readonly reason: string;
}

/** Appends JSON lines to a file in the folder, on the disk when it resolves. A crash in between repeats some. Gives its path. */
export async function keepRefused(folder: string, refused: readonly RefusedRecord[]): Promise<string> {
	const path = join(folder, "audit.spool.refused");
	const file = await open(path, "a", 0o600);
	try {
		await file.appendFile(refused.map((one) => `${canonicalJson(one)}\n`).join(""));
		await file.datasync();
	} finally {
		await file.close();
	}
	return path;
}
