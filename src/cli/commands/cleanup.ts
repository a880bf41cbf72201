import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { CleanupDocument } from "../../client/generated/graphql.js";
import type { CliContext } from "../context.js";
import type { ExitCode } from "../exit.js";
import { EXIT } from "../exit.js";
import { noteMissingLayer } from "../layers.js";
import {
	addConnection,
	addExamples,
	addQuarantine,
	addSelection,
	type CommonOptions,
	option,
	parseWhole,
	type QuarantineOptions,
	quarantineOf,
	type SelectionOptions,
	selectionOf,
} from "../options.js";
import { showPreview } from "../removal.js";
import { runJob } from "../run-job.js";
import { withSession } from "../session.js";
import { showStats } from "./stats.js";

const DEFAULT_DAYS = 7;
const MAX_DAYS = 3650;

interface CleanupOptions extends CommonOptions, SelectionOptions, QuarantineOptions {
	readonly days: number;
	readonly dryRun?: true;
	readonly stats?: true;
	readonly wait?: true;
}

export function cleanupCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("cleanup")
		.description(t("cli.cleanup.about"))
		.addOption(option("--days <n>", t("cli.cleanup.days"), parseWhole("--days", 1, MAX_DAYS)).default(DEFAULT_DAYS))
		.addOption(option("--dry-run", t("cli.option.dryRun")).conflicts("stats"))
		.addOption(option("--stats", t("cli.cleanup.stats")))
		.addOption(option("--wait", t("cli.option.wait")));
	addConnection(addQuarantine(addSelection(command, terminal), terminal), terminal);
	addExamples(command, terminal, [
		["cleanup --days 7 --type all", "cli.cleanup.example"],
		["cleanup --days 30 --type file --dry-run", "cli.cleanup.exampleDryRun"],
		["cleanup --days 30 --quarantine", "cli.cleanup.exampleQuarantine"],
		["cleanup --symbol AAPL 600519 --json", "cli.cleanup.exampleSymbol"],
	]);
	command.action(async (options: CleanupOptions) => {
		done(
			await withSession(context, options, async (session) => {
				await noteMissingLayer(context, session, options);
				if (options.stats) {
					await showStats(context, session, options);
					return EXIT.done;
				}
				const input = { olderThanDays: options.days, ...selectionOf(options), ...quarantineOf(options) };
				if (options.dryRun) {
					await showPreview(context, session, input, { all: false, options });
					return EXIT.done;
				}
				return runJob(context, session, options, async () => {
					const { cleanup } = await session.execute(CleanupDocument, { input: { ...input, idempotencyKey: randomUUID() } });
					return cleanup.job.id;
				});
			}),
		);
	});
}
