import { Command, CommanderError } from "commander";
import { auditCommand } from "./commands/audit.js";
import { cleanupCommand } from "./commands/cleanup.js";
import { clearCommand } from "./commands/clear.js";
import { completionCommand } from "./commands/completion.js";
import { deleteCommand } from "./commands/delete.js";
import { detailsCommand } from "./commands/details.js";
import { doctorCommand } from "./commands/doctor.js";
import { cancelCommand, jobCommand, jobsCommand } from "./commands/jobs.js";
import { modelsCommand } from "./commands/models.js";
import { refreshCommand } from "./commands/refresh.js";
import { restoreCommand } from "./commands/restore.js";
import { schedulesCommand } from "./commands/schedules.js";
import { serveCommand } from "./commands/serve.js";
import { statsCommand } from "./commands/stats.js";
import { syncCommand } from "./commands/sync.js";
import { tokenCommand } from "./commands/token.js";
import { warmUpCommand } from "./commands/warm-up.js";
import { workerCommand } from "./commands/worker.js";
import type { CliContext } from "./context.js";
import { EXIT, type ExitCode, endingOf } from "./exit.js";
import type { Terminal } from "./terminal.js";

const COMMANDS = [
	serveCommand,
	workerCommand,
	cleanupCommand,
	statsCommand,
	detailsCommand,
	clearCommand,
	deleteCommand,
	restoreCommand,
	refreshCommand,
	warmUpCommand,
	syncCommand,
	modelsCommand,
	jobsCommand,
	jobCommand,
	cancelCommand,
	schedulesCommand,
	auditCommand,
	tokenCommand,
	doctorCommand,
	completionCommand,
];

/** Reads the call, runs its command, and says how it ended; whatever went wrong has been said by then. */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
	let exit: ExitCode = EXIT.done;
	const program = buildProgram(context, (code) => {
		exit = code;
	});
	try {
		await program.parseAsync(args, { from: "user" });
		return exit;
	} catch (error) {
		// Help and version were asked for, and are written.
		if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
		if (error instanceof CommanderError && error.code === "commander.help") return EXIT.usage;
		return reportFailure(error, context.terminal, args.includes("--json"));
	}
}

function reportFailure(error: unknown, terminal: Terminal, json: boolean): ExitCode {
	const { exit, code, text } = endingOf(error, terminal);
	if (json) terminal.printJson({ error: { code, message: text } });
	terminal.note(`cachewarden: ${text}`);
	if (exit === EXIT.usage && !json) terminal.note(terminal.t("cli.usage.seeHelp"));
	return exit;
}

function buildProgram(context: CliContext, done: (exit: ExitCode) => void): Command {
	const { terminal, version } = context;
	const program = new Command("cachewarden")
		.description(terminal.t("cli.about"))
		.version(version, "-V, --version", terminal.t("cli.option.version"));
	for (const command of COMMANDS) command(program, context, done);
	program.helpCommand("help [command]", terminal.t("cli.help.command"));
	speak(program, terminal);
	return program;
}

/** Every command in the user's language, and none that ends the process by itself. */
function speak(command: Command, terminal: Terminal): void {
	const { t, out, err, colors } = terminal;
	command
		.exitOverride()
		.helpOption("-h, --help", t("cli.option.help"))
		.configureOutput({
			writeOut: (text) => void out.write(text),
			writeErr: (text) => void err.write(text),
			// Said once, by reportFailure.
			outputError: () => {},
			getOutHasColors: () => colors.isColorSupported,
		})
		.configureHelp({
			styleTitle: (title) => colors.bold(titleIn(terminal, title)),
			optionDescription: (option) => {
				const fallback = option.defaultValueDescription ?? (option.defaultValue as string | undefined);
				return fallback === undefined ? option.description : `${option.description} ${t("cli.help.default", { value: String(fallback) })}`;
			},
		});
	for (const inner of command.commands) speak(inner, terminal);
}

function titleIn({ t }: Terminal, title: string): string {
	if (title === "Usage:") return t("cli.help.usage");
	if (title === "Arguments:") return t("cli.help.arguments");
	if (title === "Options:") return t("cli.help.options");
	if (title === "Commands:") return t("cli.help.commands");
	return title;
}
