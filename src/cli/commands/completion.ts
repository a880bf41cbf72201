import { Argument, type Command } from "commander";
import { JobsDocument } from "../../client/generated/graphql.js";
import { loadConfig } from "../../config/load.js";
import { findServer } from "../../store/server-file.js";
import { type Candidate, candidatesFor, type LiveNames } from "../completion/candidates.js";
import { SCRIPTS, SHELLS, type Shell } from "../completion/scripts.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode, UsageError } from "../exit.js";
import { formatAge } from "../format.js";
import { addExamples } from "../options.js";
import { serverAnswers, withSession } from "../session.js";

/** Nobody waits longer for a key to answer. */
const LIVE_MS = 2_000;
const MAX_JOBS = 20;

export function completionCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("completion")
		.description(t("cli.completion.about"))
		.addArgument(new Argument("<shell>", t("cli.completion.shell")).choices(SHELLS).argParser(parseShell));
	addExamples(command, terminal, [
		["completion bash >> ~/.local/share/bash-completion/completions/cachewarden", "cli.completion.example"],
		["completion zsh > ~/.zfunc/_cachewarden", "cli.completion.exampleZsh"],
		["completion fish > ~/.config/fish/completions/cachewarden.fish", "cli.completion.exampleFish"],
	]);
	command.action((shell: Shell) => {
		terminal.out.write(SCRIPTS[shell]);
		done(EXIT.done);
	});

	// What the scripts ask.
	program
		.command("complete", { hidden: true })
		.addArgument(new Argument("<shell>").argParser(parseShell))
		.argument("[words...]")
		.action(async (shell: Shell, words: string[]) => {
			const [line, given] = shell === "bash" ? joined(words) : [words, words.at(-1) ?? ""];
			const found = await candidatesFor(program, line, liveNames(context));
			for (const candidate of found) terminal.print(shown(shell, candidate, given));
			done(EXIT.done);
		});
}

function parseShell(text: string): Shell {
	const shell = SHELLS.find((one) => one === text);
	if (shell === undefined) throw new UsageError("cli.usage.choice", { name: "<shell>", choices: SHELLS.join(", "), value: text });
	return shell;
}

/** Bash takes `--type=file` for three words, and wants what follows the last `=` completed. */
function joined(words: readonly string[]): [line: string[], given: string] {
	const line: string[] = [];
	let glue = false;
	for (const word of words) {
		if ((word === "=" || glue) && line.length > 0) line.push(`${line.pop()}${word}`);
		else line.push(word);
		glue = word === "=";
	}
	const last = words.at(-1) ?? "";
	return [line, last === "=" ? "" : last];
}

/** As each shell wants it: bash only what replaces the last word, zsh and fish with a description. */
function shown(shell: Shell, { value, description }: Candidate, given: string): string {
	if (shell === "bash") return given.includes("=") || !value.includes("=") ? value : value.slice(value.indexOf("=") + 1);
	if (description === "") return shell === "zsh" ? value.replaceAll(":", "\\:") : value;
	return shell === "zsh" ? `${value.replaceAll(":", "\\:")}:${description}` : `${value}\t${description}`;
}

/** Through a server only: a key must not take the store or start anything. What cannot be had is not offered. */
function liveNames(context: CliContext): LiveNames {
	return {
		async jobs(options, which) {
			let timer: NodeJS.Timeout | undefined;
			const late = new Promise<readonly Candidate[]>((resolve) => {
				timer = setTimeout(() => resolve([]), LIVE_MS);
			});
			try {
				return await Promise.race([readJobs(context, options, which), late]);
			} catch {
				return [];
			} finally {
				clearTimeout(timer);
			}
		},
	};
}

async function readJobs(
	context: CliContext,
	options: { readonly url?: string; readonly token?: string },
	which: "all" | "unfinished",
): Promise<readonly Candidate[]> {
	if (options.url === undefined) {
		const server = await findServer(loadConfig(context).dataDir);
		if (server === null || !(await serverAnswers(server.url))) return [];
	}
	const { t, locale } = context.terminal;
	const { jobs } = await withSession(context, options, (session) =>
		session.execute(JobsDocument, { first: MAX_JOBS, filter: which === "all" ? null : { statuses: ["QUEUED", "RUNNING"] } }),
	);
	const now = Date.now();
	return (jobs?.nodes ?? []).map(({ id, kind, status, createdAt }) => ({
		value: id,
		description: `${t(`cli.kind.${kind}`)} ${t(`cli.status.${status}`)} ${formatAge(Date.parse(createdAt), now, locale)}`,
	}));
}
