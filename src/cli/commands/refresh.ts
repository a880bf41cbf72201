import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { RefreshDocument } from "../../client/generated/graphql.js";
import type { CliContext } from "../context.js";
import type { ExitCode } from "../exit.js";
import { addConnection, addExamples, type CommonOptions, option } from "../options.js";
import { runJob } from "../run-job.js";
import { withSession } from "../session.js";

interface RefreshOptions extends CommonOptions {
	readonly entryType?: string[];
	readonly symbol?: string[];
	readonly expired?: true;
}

export function refreshCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("refresh")
		.description(t("cli.refresh.about"))
		.argument("[id...]", t("cli.delete.ids"))
		.addOption(option("--entry-type <type...>", t("cli.option.entryType")))
		.addOption(option("--symbol <symbol...>", t("cli.option.symbol")))
		.addOption(option("--expired", t("cli.refresh.expired")));
	addConnection(command, terminal);
	addExamples(command, terminal, [
		["refresh --expired --entry-type stock_data", "cli.refresh.example"],
		["refresh e0123456789abcdef0123", "cli.refresh.exampleId"],
	]);
	command.action(async (ids: string[], options: RefreshOptions) => {
		const input = {
			...(ids.length === 0 ? {} : { ids }),
			...(options.entryType === undefined ? {} : { types: options.entryType }),
			...(options.symbol === undefined ? {} : { symbols: options.symbol }),
			expiredOnly: options.expired === true,
		};
		done(
			await withSession(context, options, (session) =>
				runJob(context, session, options, async () => {
					const { refresh } = await session.execute(RefreshDocument, { input: { ...input, idempotencyKey: randomUUID() } });
					return refresh.job.id;
				}),
			),
		);
	});
}
