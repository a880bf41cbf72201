import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { RemovalOutcome } from "../../src/backends/backend.js";
import type { EntryRef } from "../../src/core/entry.js";
import { write } from "./disk-refs.js";
import { temporaryFolder } from "./temporary.js";

const CHILD = fileURLToPath(new URL("./removal-child.ts", import.meta.url));

export type RemovalLine = { readonly begun: number } | { readonly ended: number; readonly outcomes: readonly RemovalOutcome[] };

export interface RemovalRun {
	readonly child: ChildProcessByStdio<null, Readable, null>;
	readonly lines: AsyncIterable<RemovalLine>;
	/** Exit code, null after a signal. */
	readonly exited: Promise<number | null>;
}

/** Starts `removal-child.ts`. */
export function startRemoval(root: string, refs: readonly EntryRef[], batch: number, uid?: number): RemovalRun {
	const folder = temporaryFolder();
	write(folder, "refs.json", JSON.stringify(refs));
	const args = ["--import", "@swc-node/register/esm-register", CHILD, root, join(folder, "refs.json"), String(batch)];
	const child = spawn(process.execPath, uid === undefined ? args : [...args, String(uid)], { stdio: ["ignore", "pipe", "inherit"] });
	const exited = once(child, "exit").then(([code]) => code as number | null);
	async function* parsed(): AsyncGenerator<RemovalLine> {
		for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as RemovalLine;
	}
	return { child, lines: parsed(), exited };
}

/** Runs it to its end. */
export async function removeInChild(root: string, refs: readonly EntryRef[], uid?: number): Promise<RemovalOutcome[]> {
	const { lines, exited } = startRemoval(root, refs, refs.length, uid);
	const outcomes: RemovalOutcome[] = [];
	for await (const line of lines) if ("outcomes" in line) outcomes.push(...line.outcomes);
	const code = await exited;
	if (code !== 0) throw new Error(`the removing process ended with ${code}`);
	return outcomes;
}
