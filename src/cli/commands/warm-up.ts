import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { WarmUpDocument } from "../../client/generated/graphql.js";
import type { CliContext } from "../context.js";
import type { ExitCode } from "../exit.js";
import { addConnection, addExamples, type CommonOptions, option, parseChoice } from "../options.js";
import { runJob } from "../run-job.js";
import { withSession } from "../session.js";

const TARGETS = { file: "FILE", redis: "REDIS", mongodb: "MONGODB" } as const;

interface WarmUpOptions extends CommonOptions {
	readonly loader: string;
	readonly target?: keyof typeof TARGETS;
}

export function warmUpCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("warm-up")
		.description(t("cli.warmUp.about"))
		.argument("<symbol...>", t("cli.warmUp.symbols"))
		.addOption(option("--loader <name>", t("cli.warmUp.loader")).makeOptionMandatory())
		.addOption(option("--target <layer>", t("cli.warmUp.target"), parseChoice("--target", Object.keys(TARGETS))));
	addConnection(command, terminal);
	addExamples(command, terminal, [["warm-up AAPL 600519 --loader quotes", "cli.warmUp.example"]]);
	command.action(async (symbols: string[], options: WarmUpOptions) => {
		const target = options.target === undefined ? {} : { target: TARGETS[options.target] };
		done(
			await withSession(context, options, (session) =>
				runJob(context, session, options, async () => {
					const input = { loader: options.loader, symbols, ...target, idempotencyKey: randomUUID() };
					const { warmUp } = await session.execute(WarmUpDocument, { input });
					return warmUp.job.id;
				}),
			),
		);
	});
}
