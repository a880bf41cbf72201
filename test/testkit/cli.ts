/** The command line: built, as a process of its own, or in this process, which spares most of the time. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import {
	inspectAudit,
	inspectMongodb,
	inspectPlaces,
	inspectRedis,
	openLocalSession,
	signToken,
	startServer,
	startWorker,
} from "../../src/app.js";
import type { Host } from "../../src/cli/host.js";
import { runCli } from "../../src/cli/run.js";
import { openTerminal } from "../../src/cli/terminal.js";

export const CLI_MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export interface Ended {
	readonly code: number | null;
	readonly out: string;
	readonly err: string;
}

export interface RunningCommand {
	readonly process: ChildProcess;
	/** What it has written to standard output so far. */
	out(): string;
	err(): string;
	ended: Promise<Ended>;
}

export interface CommandOptions {
	/** Beside PATH and TMPDIR nothing is inherited. */
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
	/** Another user, when this one may become it: the superuser is refused nothing. */
	readonly uid?: number;
}

export function startCommand(args: readonly string[], { env = {}, cwd, uid }: CommandOptions = {}): RunningCommand {
	const child = spawn(process.execPath, [CLI_MAIN, ...args], {
		env: { PATH: process.env.PATH ?? "", TMPDIR: process.env.TMPDIR ?? "/tmp", HOME: process.env.HOME ?? "/", ...env },
		stdio: ["ignore", "pipe", "pipe"],
		...(cwd === undefined ? {} : { cwd }),
		...(uid === undefined ? {} : { uid, gid: uid }),
	});
	let out = "";
	let err = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		out += text;
	});
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		err += text;
	});
	const ended = once(child, "close").then(([code]) => ({ code: code as number | null, out, err }));
	return { process: child, out: () => out, err: () => err, ended };
}

/** The same in this process, with no signals: for what a command does rather than how it lives. */
export async function callCommand(
	args: readonly string[],
	{
		env = {},
		cwd = "/",
		host = { inspectAudit, inspectMongodb, inspectPlaces, inspectRedis, openLocalSession, signToken, startServer, startWorker },
	}: CommandOptions & { readonly host?: Host } = {},
): Promise<Ended> {
	const texts = { out: "", err: "" };
	const stream = (name: keyof typeof texts): PassThrough =>
		new PassThrough().on("data", (chunk: Buffer) => {
			texts[name] += String(chunk);
		});
	const terminal = openTerminal({ out: stream("out"), err: stream("err"), env });
	const interrupts = { onInterrupt: () => () => {} };
	const code = await runCli(args, { host, terminal, interrupts, env, cwd, version: "9.9.9" });
	return { code, ...texts };
}

/** Runs a command to its end. */
export function runCommand(args: readonly string[], options?: CommandOptions): Promise<Ended> {
	return startCommand(args, options).ended;
}
