import { readFileSync } from "node:fs";
import type { Host } from "./cli/host.js";
import { watchInterrupts } from "./cli/interrupts.js";
import { runCli } from "./cli/run.js";
import { openTerminal } from "./cli/terminal.js";

/** Loaded when a command needs it: help and usage errors come at once. */
const host: Host = {
	openLocalSession: async (config, caller) => (await import("./app.js")).openLocalSession(config, caller),
	startServer: async (config) => (await import("./app.js")).startServer(config),
	startWorker: async (config) => (await import("./app.js")).startWorker(config),
	signToken: async (config, claims) => (await import("./app.js")).signToken(config, claims),
	inspectAudit: async (config) => (await import("./app.js")).inspectAudit(config),
	inspectMongodb: async (config) => (await import("./app.js")).inspectMongodb(config),
	inspectRedis: async (config) => (await import("./app.js")).inspectRedis(config),
	inspectPlaces: async (config) => (await import("./app.js")).inspectPlaces(config),
};

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
const { stdout, stderr, env } = process;
const terminal = openTerminal({ out: stdout, err: stderr, env });

const args = process.argv.slice(2);

stdout.on("error", (error: NodeJS.ErrnoException) => {
	if (error.code !== "EPIPE") {
		terminal.note(`cachewarden: ${terminal.t("cli.outputFailed", { code: error.code ?? error.message })}`);
		process.exit(1);
	}
	// Whoever read the output has gone: `details | head` is no failure. What was begun is ended; only what shows for ever stops.
	if (args.includes("--follow")) process.exit(0);
});
// Nobody is left to be told.
stderr.on("error", () => {});

const exit = await runCli(args, {
	host,
	terminal,
	interrupts: watchInterrupts(process),
	env,
	cwd: process.cwd(),
	version,
});
// What could not be written is told in the turn after its callback.
stdout.write("", () => setImmediate(() => process.exit(exit)));
