import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The file of a program on PATH; null when there is none. */
export function onPath(program: string): string | null {
	const folders = (process.env.PATH ?? "").split(delimiter);
	return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

/** Runs a program to its end. Rejects with the last lines of what it said. */
export function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
	return new Promise((resolve, reject) => {
		const options = { env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
		execFile(program, args, options, (error, stdout, stderr) => {
			if (error === null) resolve(stdout);
			else reject(new Error(`${program} ${args[0] ?? ""}: ${lastLine(stderr) || lastLine(stdout) || error.message}`));
		});
	});
}

function lastLine(text: string): string {
	return text.trim().split("\n").at(-1) ?? "";
}
