/** A service that a test starts for itself: killed with the test process, whatever becomes of that. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";

/** Linux: the kernel kills the service when we are killed. Elsewhere a clean exit takes it along. */
const SETPRIV = "/usr/bin/setpriv";
const running = new Set<ChildProcess>();

process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

export interface ServiceProcess {
	readonly pid: number;
	/** Settles when the process has ended, however that came. */
	readonly ended: Promise<void>;
	/** Resolves with the first match in a line that it prints; rejects with its last lines when it ends before. */
	printed(pattern: RegExp): Promise<RegExpExecArray>;
	signal(signal: NodeJS.Signals): void;
	/** SIGKILL unless told otherwise; resolves when it is gone. */
	stop(signal?: NodeJS.Signals): Promise<void>;
}

export function startProcess(program: string, args: readonly string[]): ServiceProcess {
	const guarded = process.platform === "linux" && existsSync(SETPRIV);
	const child = guarded
		? spawn(SETPRIV, ["--pdeathsig", "KILL", program, ...args], { stdio: ["ignore", "pipe", "pipe"] })
		: spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
	running.add(child);
	const ended = Promise.race([once(child, "exit"), once(child, "error")]).then(() => void running.delete(child));
	let tail = "";
	const listeners = new Set<(line: string) => void>();
	for (const stream of [child.stdout, child.stderr]) {
		let rest = "";
		stream.setEncoding("utf8").on("data", (text: string) => {
			tail = (tail + text).slice(-4_000);
			const lines = (rest + text).split("\n");
			rest = lines.pop() ?? "";
			for (const line of lines) for (const listen of listeners) listen(line);
		});
	}
	return {
		get pid() {
			return child.pid ?? 0;
		},
		ended,
		printed: (pattern) =>
			new Promise((resolve, reject) => {
				const listen = (line: string): void => {
					const match = pattern.exec(line);
					if (!match) return;
					listeners.delete(listen);
					resolve(match);
				};
				listeners.add(listen);
				void ended.then(() => reject(new Error(`${program} ended: ${tail.trim().split("\n").slice(-3).join(" | ")}`)));
			}),
		signal: (signal) => void child.kill(signal),
		async stop(signal = "SIGKILL") {
			child.kill(signal);
			// A frozen process only sees SIGTERM when it goes on.
			if (signal !== "SIGKILL") child.kill("SIGCONT");
			await ended;
		},
	};
}
