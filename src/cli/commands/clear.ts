import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { ClearDocument } from "../../client/generated/graphql.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode, UsageError } from "../exit.js";
import { noteMissingLayer } from "../layers.js";
import {
	addConnection,
	addExamples,
	addQuarantine,
	addSelection,
	type CommonOptions,
	option,
	type QuarantineOptions,
	quarantineOf,
	type SelectionOptions,
	selectionOf,
} from "../options.js";
import { showPreview } from "../removal.js";
import { runJob } from "../run-job.js";
import { withSession } from "../session.js";

interface ClearOptions extends CommonOptions, SelectionOptions, QuarantineOptions {
	readonly yes?: true;
	readonly dryRun?: true;
}

export function clearCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("clear")
		.description(t("cli.clear.about"))
		.addOption(option("--yes", t("cli.clear.yes")))
		.addOption(option("--dry-run", t("cli.option.dryRun")));
	addConnection(addQuarantine(addSelection(command, terminal), terminal), terminal);
	addExamples(command, terminal, [
		["clear --dry-run", "cli.clear.exampleDryRun"],
		["clear --yes --type python", "cli.clear.example"],
	]);
	command.action(async (options: ClearOptions) => {
		if (!options.yes && !options.dryRun) throw new UsageError("cli.clear.unconfirmed");
		done(
			await withSession(context, options, async (session) => {
				await noteMissingLayer(context, session, options);
				const selection = { ...selectionOf(options), ...quarantineOf(options) };
				if (options.dryRun) {
					await showPreview(context, session, selection, { all: true, options });
					return EXIT.done;
				}
				return runJob(context, session, options, async () => {
					const input = { confirm: true, ...selection, idempotencyKey: randomUUID() };
					const { clear } = await session.execute(ClearDocument, { input });
					return clear.job.id;
				});
			}),
		);
	});
}
