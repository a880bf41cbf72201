import type { Command } from "commander";
import {
	CreateScheduleDocument,
	DeleteScheduleDocument,
	RunScheduleNowDocument,
	type ScheduleFieldsFragment,
	SchedulesDocument,
	UpdateScheduleDocument,
	type UpdateScheduleInput,
} from "../../client/generated/graphql.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode } from "../exit.js";
import { exitOfJob, followJob } from "../follow-job.js";
import { printable } from "../format.js";
import { printJob } from "../job-report.js";
import {
	addConnection,
	addExamples,
	addSelection,
	type CommonOptions,
	option,
	parseWhole,
	type SelectionOptions,
	selectionOf,
} from "../options.js";
import { withSession } from "../session.js";
import { formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";

const DEFAULT_DAYS = 7;
const MAX_DAYS = 3650;

type Done = (exit: ExitCode) => void;

interface CreateOptions extends CommonOptions, SelectionOptions {
	readonly name: string;
	readonly cron: string;
	readonly timeZone?: string;
	readonly days: number;
}

interface UpdateOptions extends CommonOptions {
	readonly name?: string;
	readonly cron?: string;
	readonly timeZone?: string;
}

/** `schedules` lists; its parts create, change and run. */
export function schedulesCommand(program: Command, context: CliContext, done: Done): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program.command("schedules").description(t("cli.schedules.about"));
	listCommand(command, context, done);
	createCommand(command, context, done);
	updateCommand(command, context, done);
	for (const [name, paused] of [
		["pause", true],
		["resume", false],
	] as const) {
		const inner = withId(command, terminal, name, t(`cli.schedules.${name}`));
		inner.action(async (id: string, options: CommonOptions) => done(await update(context, options, id, { paused })));
	}
	deleteCommand(command, context, done);
	runCommand(command, context, done);
	addExamples(command, terminal, [
		['schedules create --name nightly --cron "0 3 * * *" --time-zone Asia/Shanghai --type file', "cli.schedules.example"],
	]);
}

function withId(command: Command, terminal: Terminal, name: string, about: string): Command {
	return addConnection(command.command(name).description(about).argument("<id>", terminal.t("cli.schedules.id")), terminal);
}

function listCommand(command: Command, context: CliContext, done: Done): void {
	const { terminal } = context;
	const inner = addConnection(command.command("list", { isDefault: true }).description(terminal.t("cli.schedules.list")), terminal);
	inner.action(async (options: CommonOptions) => {
		const { schedules } = await withSession(context, options, (session) => session.execute(SchedulesDocument, {}));
		if (!schedules) throw new Error("the server answered without schedules");
		if (options.json) terminal.printJson(schedules);
		else printSchedules(terminal, schedules);
		done(EXIT.done);
	});
}

function createCommand(command: Command, context: CliContext, done: Done): void {
	const { terminal } = context;
	const { t } = terminal;
	const inner = command
		.command("create")
		.description(t("cli.schedules.create"))
		.addOption(option("--name <name>", t("cli.schedules.name")).makeOptionMandatory())
		.addOption(option("--cron <expression>", t("cli.schedules.cron")).makeOptionMandatory())
		.addOption(option("--time-zone <zone>", t("cli.schedules.timeZone")))
		.addOption(option("--days <n>", t("cli.cleanup.days"), parseWhole("--days", 1, MAX_DAYS)).default(DEFAULT_DAYS));
	addConnection(addSelection(inner, terminal), terminal);
	inner.action(async (options: CreateOptions) => {
		const { name, cron, timeZone, days } = options;
		const cleanup = { olderThanDays: days, ...selectionOf(options) };
		const input = { name, cron, cleanup, ...(timeZone === undefined ? {} : { timeZone }) };
		const { createSchedule } = await withSession(context, options, (session) => session.execute(CreateScheduleDocument, { input }));
		show(terminal, options, createSchedule.schedule);
		done(EXIT.done);
	});
}

function updateCommand(command: Command, context: CliContext, done: Done): void {
	const { terminal } = context;
	const { t } = terminal;
	const inner = withId(command, terminal, "update", t("cli.schedules.update"))
		.addOption(option("--name <name>", t("cli.schedules.name")))
		.addOption(option("--cron <expression>", t("cli.schedules.cron")))
		.addOption(option("--time-zone <zone>", t("cli.schedules.timeZone")));
	inner.action(async (id: string, options: UpdateOptions) => {
		const { name = null, cron = null, timeZone = null } = options;
		done(await update(context, options, id, { name, cron, timeZone }));
	});
}

async function update(context: CliContext, options: CommonOptions, id: string, input: UpdateScheduleInput): Promise<ExitCode> {
	const { updateSchedule } = await withSession(context, options, (session) => session.execute(UpdateScheduleDocument, { id, input }));
	show(context.terminal, options, updateSchedule.schedule);
	return EXIT.done;
}

function deleteCommand(command: Command, context: CliContext, done: Done): void {
	const { terminal } = context;
	withId(command, terminal, "delete", terminal.t("cli.schedules.delete")).action(async (id: string, options: CommonOptions) => {
		const { deleteSchedule } = await withSession(context, options, (session) => session.execute(DeleteScheduleDocument, { id }));
		if (options.json) terminal.printJson(deleteSchedule);
		else terminal.print(terminal.t("cli.schedules.deleted", { id: deleteSchedule.deletedId }));
		done(EXIT.done);
	});
}

function runCommand(command: Command, context: CliContext, done: Done): void {
	const { terminal } = context;
	withId(command, terminal, "run", terminal.t("cli.schedules.run")).action(async (id: string, options: CommonOptions) => {
		const job = await withSession(context, options, async (session) => {
			const { runScheduleNow } = await session.execute(RunScheduleNowDocument, { id });
			// A local session ends with this call, and the job with it.
			return followJob(session, runScheduleNow.job.id, () => {});
		});
		if (options.json) terminal.printJson(job);
		else printJob(terminal, job);
		done(exitOfJob(job.status, false));
	});
}

function show(terminal: Terminal, { json }: CommonOptions, schedule: ScheduleFieldsFragment): void {
	if (json) terminal.printJson(schedule);
	else printSchedules(terminal, [schedule]);
}

function printSchedules(terminal: Terminal, schedules: readonly ScheduleFieldsFragment[]): void {
	const { t, print } = terminal;
	const table = formatTable(
		terminal,
		[
			{ title: t("cli.column.id") },
			{ title: t("cli.column.name") },
			{ title: t("cli.column.cron") },
			{ title: t("cli.column.user") },
			{ title: t("cli.column.next") },
			{ title: t("cli.column.last") },
			{ title: "" },
		],
		schedules.map(({ id, name, cron, timeZone, owner, nextRunAt, lastRun }) => [
			id,
			printable(name),
			printable(`${cron} ${timeZone}`),
			printable(owner),
			nextRunAt ?? t("cli.schedules.paused"),
			lastRun ? `${lastRun.at} ${t(`cli.status.${lastRun.status}`)}` : "–",
			printable(lastRun?.error?.message ?? ""),
		]),
	);
	if (schedules.length > 0) print(`${table}\n`);
	print(t("cli.schedules.count", { count: schedules.length }));
}
