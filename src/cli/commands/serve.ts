import { mkdir } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Command } from "commander";
import type { Config } from "../../config/config.js";
import { loadConfig } from "../../config/load.js";
import { readSources } from "../../config/sources.js";
import type { CliContext } from "../context.js";
import { type Demo, makeDemo } from "../demo/demo.js";
import { EXIT, type ExitCode } from "../exit.js";
import type { StartedServer } from "../host.js";
import { addExamples, addJson, option, parseWhole } from "../options.js";
import { localUser } from "../session.js";

/** Under the 10 s that supervisors wait before they kill. */
const CLOSE_MS = 9_000;
const FIRST_TOKEN_SECONDS = 12 * 3_600;

interface ServeOptions {
	readonly demo?: true;
	readonly host?: string;
	readonly port?: number;
	readonly worker: boolean;
	readonly json?: true;
}

export function serveCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("serve")
		.description(t("cli.serve.about"))
		.addOption(option("--demo", t("cli.serve.demo")))
		.addOption(option("--host <host>", t("cli.serve.host")))
		.addOption(option("--no-worker", t("cli.serve.noWorker")))
		.addOption(option("--port <port>", t("cli.serve.port"), parseWhole("--port", 0, 65_535)));
	addJson(command, terminal);
	addExamples(command, terminal, [
		["serve --demo", "cli.serve.exampleDemo"],
		["serve --port 8080", "cli.serve.example"],
	]);
	command.action(async (options: ServeOptions) => done(await serve(context, options)));
}

async function serve(context: CliContext, options: ServeOptions): Promise<ExitCode> {
	const { terminal, host, interrupts } = context;
	const { t } = terminal;
	const env = {
		...context.env,
		...(options.host === undefined ? {} : { HOST: options.host }),
		...(options.worker ? {} : { QUEUE_WORKER: "false" }),
		...(options.port === undefined ? {} : { PORT: String(options.port) }),
	};
	let stopListening = (): void => {};
	const asked = new Promise<void>((resolve) => {
		stopListening = interrupts.onInterrupt(resolve);
	});
	let demo: Demo | null = null;
	try {
		// What is wrong with the configuration is said before thousands of files are written for the demo.
		let config = loadConfig({ env, cwd: context.cwd });
		if (options.demo) {
			if (!options.json) terminal.print(t("cli.serve.makingDemo"));
			demo = await makeDemo();
			config = loadConfig({ env: { ...env, ...demo.env }, cwd: context.cwd });
		} else {
			await makeDefaultRoot(config, env, context.cwd);
		}
		const server = await host.startServer(config);
		await announce(context, config, server, options);
		await asked;
		if (!options.json) terminal.note(t("cli.serve.stopping"));
		const closed = await Promise.race([server.close().then(() => true), setTimeout(CLOSE_MS, false, { ref: false })]);
		if (!closed) terminal.note(t("cli.serve.closedByForce"));
		return closed ? EXIT.done : EXIT.failed;
	} finally {
		await demo?.remove();
		stopListening();
	}
}

/** On a fresh checkout nobody has written a cache yet. A root that was named is another matter: it may be a disk that is not mounted. */
async function makeDefaultRoot(config: Config, env: CliContext["env"], cwd: string): Promise<void> {
	if (readSources(env, cwd).origins.has("cache.roots")) return;
	for (const { path } of config.cache.roots) await mkdir(path, { recursive: true });
}

async function announce(
	{ terminal, host, version }: CliContext,
	config: Config,
	server: StartedServer,
	options: ServeOptions,
): Promise<void> {
	const { t, print, printJson, colors } = terminal;
	const { url } = server;
	if (options.json) {
		printJson({ url, pid: process.pid, version });
		return;
	}
	const roots = config.cache.roots.map((root) => root.path).join(", ");
	print(colors.bold(`cachewarden ${version}`));
	print(t("cli.serve.addresses", { url, socket: url.replace(/^http/, "ws"), roots, dataDir: config.dataDir }));
	if (!server.secretCreated) {
		print(t("cli.serve.getToken"));
		return;
	}
	const token = await host.signToken(config, { userId: localUser(), role: "ADMIN", lifetimeSeconds: FIRST_TOKEN_SECONDS });
	if (token !== null)
		print(`${t("cli.serve.firstLink", { hours: FIRST_TOKEN_SECONDS / 3_600 })}\n  ${colors.cyan(`${url}/playground#token=${token}`)}`);
}
