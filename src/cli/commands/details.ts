import type { Command } from "commander";
import { DetailsDocument, type DetailsQuery, ReconcileDocument } from "../../client/generated/graphql.js";
import { ENTRY_STATUSES } from "../../core/entry.js";
import { ENTRY_ORDER_FIELDS, type EntryOrderField } from "../../core/selection.js";
import type { CliContext } from "../context.js";
import { entryTable } from "../entry-table.js";
import { EXIT, type ExitCode, UsageError } from "../exit.js";
import { formatBytes, formatCount } from "../format.js";
import { noteMissingLayer, noteUnavailable } from "../layers.js";
import {
	addConnection,
	addExamples,
	addSelection,
	type CommonOptions,
	option,
	parseChoice,
	parseChoices,
	parseDays,
	parseSize,
	parseWhole,
	type SelectionOptions,
	selectionOf,
} from "../options.js";
import { withSession } from "../session.js";
import type { Terminal } from "../terminal.js";

const MAX_PAGE = 200;
const DEFAULT_PAGE = 20;

interface DetailsOptions extends CommonOptions, SelectionOptions {
	readonly status?: (typeof ENTRY_STATUSES)[number][];
	readonly contains?: string;
	readonly olderThan?: number;
	readonly minBytes?: number;
	readonly sort: string;
	readonly asc?: true;
	readonly first?: number;
	readonly after?: string;
	readonly last?: number;
	readonly before?: string;
}

const SORT_NAMES = ENTRY_ORDER_FIELDS.map((field) => field.toLowerCase().replaceAll("_", "-"));

export function detailsCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program.command("details").description(t("cli.details.about"));
	addSelection(command, terminal)
		.addOption(option("--status <status...>", t("cli.details.status"), parseChoices("--status", ENTRY_STATUSES)))
		.addOption(option("--contains <text>", t("cli.details.contains")))
		.addOption(option("--older-than <days>", t("cli.details.olderThan"), parseDays("--older-than")))
		.addOption(option("--min-bytes <size>", t("cli.details.minBytes"), parseSize("--min-bytes")))
		.addOption(option("--sort <field>", t("cli.details.sort"), parseChoice("--sort", SORT_NAMES)).default("created-at"))
		.addOption(option("--asc", t("cli.details.asc")))
		.addOption(option("--first <n>", t("cli.option.first"), parseWhole("--first", 1, MAX_PAGE)).conflicts(["last", "before"]))
		.addOption(option("--after <cursor>", t("cli.option.after")).conflicts(["last", "before"]))
		.addOption(option("--last <n>", t("cli.option.last"), parseWhole("--last", 1, MAX_PAGE)))
		.addOption(option("--before <cursor>", t("cli.option.before")));
	addConnection(command, terminal);
	addExamples(command, terminal, [
		["details --older-than 7 --sort size", "cli.details.example"],
		["details --symbol 600519 --first 200 --json | jq -r '.nodes[].key'", "cli.details.exampleJson"],
	]);
	command.action(async (options: DetailsOptions) => {
		if (options.before !== undefined && options.last === undefined) throw new UsageError("cli.details.beforeAlone");
		await withSession(context, options, async (session) => {
			await noteMissingLayer(context, session, options);
			await noteUnavailable(context, session, options);
			const selection = selectionOf(options);
			await session.execute(ReconcileDocument, { backends: selection.backends ?? null });
			const { cacheDetails } = await session.execute(DetailsDocument, variablesOf(options));
			if (!cacheDetails) throw new Error("the server answered without entries");
			if (options.json) terminal.printJson(cacheDetails);
			else printDetails(terminal, cacheDetails);
		});
		done(EXIT.done);
	});
}

function variablesOf(options: DetailsOptions) {
	return {
		...(options.last === undefined
			? { first: options.first ?? DEFAULT_PAGE, after: options.after ?? null }
			: { last: options.last, before: options.before ?? null }),
		filter: {
			...selectionOf(options),
			statuses: options.status ?? null,
			keyContains: options.contains ?? null,
			olderThanDays: options.olderThan ?? null,
			minBytes: options.minBytes ?? null,
		},
		orderBy: {
			field: ENTRY_ORDER_FIELDS[SORT_NAMES.indexOf(options.sort)] as EntryOrderField,
			direction: options.asc ? ("ASC" as const) : ("DESC" as const),
		},
	};
}

function printDetails(terminal: Terminal, details: NonNullable<DetailsQuery["cacheDetails"]>): void {
	const { t, print, colors } = terminal;
	const { nodes, pageInfo } = details;
	if (nodes.length > 0) print(`${entryTable(terminal, nodes)}\n`);
	print(
		t("cli.details.count", {
			shown: formatCount(nodes.length),
			total: formatCount(details.totalCount),
			bytes: formatBytes(details.totalBytes),
		}),
	);
	if (pageInfo.hasNextPage && pageInfo.endCursor) print(colors.dim(t("cli.details.next", { cursor: pageInfo.endCursor })));
}
