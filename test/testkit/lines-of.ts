/** A program of the testkit in a process of its own, and the JSON lines that it writes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Lines<Line> {
	readonly process: ChildProcess;
	/** Every line so far. */
	readonly lines: readonly Line[];
	/** The first line, from now or before, that passes; each is asked once, in order. Fails when the process ends without one. */
	line(passes: (line: Line) => boolean): Promise<Line>;
	/** Resolves with the exit code or signal, after the last line. */
	readonly ended: Promise<number | string>;
}

const running = new Set<ChildProcess>();

/** `name` is a file beside this one; `shell` runs before it in the same process. */
export function linesOf<Line>(name: string, args: readonly string[], { shell = "" }: { readonly shell?: string } = {}): Lines<Line> {
	const path = fileURLToPath(new URL(`./${name}`, import.meta.url));
	const command = [process.execPath, "--import", "@swc-node/register/esm-register", path, ...args];
	const child = spawn("/bin/sh", ["-c", `${shell} exec "$@"`, "sh", ...command], { stdio: ["ignore", "pipe", "inherit"] });
	running.add(child);
	const lines: Line[] = [];
	const waiting = new Set<() => void>();
	let over = false;

	const reader = createInterface({ input: child.stdout });
	reader.on("line", (text) => {
		lines.push(JSON.parse(text) as Line);
		for (const check of [...waiting]) check();
	});
	const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
	const ended = Promise.all([exited, once(reader, "close")]).then(([[code, signal]]) => {
		over = true;
		running.delete(child);
		for (const check of [...waiting]) check();
		return code ?? signal ?? "unknown";
	});

	return {
		process: child,
		lines,
		ended,
		line: (passes) =>
			new Promise((resolve, reject) => {
				let looked = 0;
				function check(): void {
					let found: Line | undefined;
					while (found === undefined && looked < lines.length) {
						const next = lines[looked++] as Line;
						if (passes(next)) found = next;
					}
					if (found === undefined && !over) return;
					waiting.delete(check);
					if (found === undefined) reject(new Error(`${name} ended without the line; its last: ${JSON.stringify(lines.at(-1))}`));
					else resolve(found);
				}
				waiting.add(check);
				check();
			}),
	};
}

/** For `afterEach`: nothing that was started stays. */
export async function killAll(): Promise<void> {
	for (const child of running) child.kill("SIGKILL");
}
