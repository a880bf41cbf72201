import { setTimeout } from "node:timers/promises";
import type { Command } from "commander";
import { loadConfig } from "../../config/load.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode } from "../exit.js";
import { addExamples, addJson } from "../options.js";

/** Under the 10 s that supervisors wait before they kill. */
const CLOSE_MS = 9_000;

export function workerCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const command = program.command("worker").description(terminal.t("cli.worker.about"));
	addJson(command, terminal);
	addExamples(command, terminal, [["worker", "cli.worker.example"]]);
	command.action(async (options: { readonly json?: true }) => done(await work(context, options.json === true)));
}

async function work({ terminal, host, interrupts, env, cwd, version }: CliContext, json: boolean): Promise<ExitCode> {
	const { t } = terminal;
	let stopListening = (): void => {};
	const asked = new Promise<"asked">((resolve) => {
		stopListening = interrupts.onInterrupt(() => resolve("asked"));
	});
	try {
		const worker = await host.startWorker(loadConfig({ env, cwd }));
		const { places } = worker;
		if (json) terminal.printJson({ pid: process.pid, version, places });
		else terminal.print(t("cli.worker.working", { places: places.join(", ") }));
		const end = await Promise.race([asked, worker.stuck.then(() => "stuck" as const)]);
		if (end === "stuck") terminal.note(t("queue.workerStuck"));
		else if (!json) terminal.note(t("cli.serve.stopping"));
		const closed = await Promise.race([worker.close().then(() => true), setTimeout(CLOSE_MS, false, { ref: false })]);
		return closed && end === "asked" ? EXIT.done : EXIT.failed;
	} finally {
		stopListening();
	}
}
