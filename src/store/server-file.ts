/** Where the process that holds a DATA_DIR can be asked: written by a server, read by the command line. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "./atomic-file.js";

const shape = z.object({ url: z.url(), pid: z.number().int() });
export type RunningServer = z.infer<typeof shape>;

export function serverFile(dataDir: string): string {
	return join(dataDir, "server.json");
}

/** To be called by the holder of the store only; the next holder removes it. */
export async function publishServer(dataDir: string, server: Pick<RunningServer, "url">): Promise<void> {
	await writeFileAtomically(serverFile(dataDir), `${JSON.stringify({ ...server, pid: process.pid })}\n`);
}

/** Meaningful after STORE_LOCKED: null when the holder is no server. */
export async function findServer(dataDir: string): Promise<RunningServer | null> {
	let text: string;
	try {
		text = await readFile(serverFile(dataDir), "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
	return shape.parse(JSON.parse(text));
}
