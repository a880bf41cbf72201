import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { SyncDataSourceDocument } from "../../client/generated/graphql.js";
import type { CliContext } from "../context.js";
import type { ExitCode } from "../exit.js";
import { addConnection, addExamples, type CommonOptions, option } from "../options.js";
import { runJob } from "../run-job.js";
import { withSession } from "../session.js";

interface SyncOptions extends CommonOptions {
	readonly symbol?: string[];
}

export function syncCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("sync")
		.description(t("cli.sync.about"))
		.argument("<source>", t("cli.sync.source"))
		.addOption(option("--symbol <symbol...>", t("cli.option.symbol")));
	addConnection(command, terminal);
	addExamples(command, terminal, [["sync exchange --symbol AAPL 600519", "cli.sync.example"]]);
	command.action(async (source: string, options: SyncOptions) => {
		const symbols = options.symbol === undefined ? {} : { symbols: options.symbol };
		done(
			await withSession(context, options, (session) =>
				runJob(context, session, options, async () => {
					const input = { source, ...symbols, idempotencyKey: randomUUID() };
					const { syncDataSource } = await session.execute(SyncDataSourceDocument, { input });
					return syncDataSource.job.id;
				}),
			),
		);
	});
}
