import type { Command } from "commander";
import { CancelJobDocument, JobsDocument, type JobsQuery } from "../../client/generated/graphql.js";
import { JOB_KINDS, JOB_STATUSES, type JobKind, type JobStatus } from "../../core/job.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode } from "../exit.js";
import { exitOfJob, followJob, readJob } from "../follow-job.js";
import { formatAge, formatBytes, formatCount, printable } from "../format.js";
import { printJob } from "../job-report.js";
import { addConnection, addExamples, type CommonOptions, option, parseChoices, parseWhole } from "../options.js";
import { drawProgress } from "../progress-bars.js";
import { withSession } from "../session.js";
import { formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";

interface JobsOptions extends CommonOptions {
	readonly kind?: JobKind[];
	readonly status?: JobStatus[];
	readonly user?: string;
	readonly first: number;
	readonly after?: string;
}

export function jobsCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("jobs")
		.description(t("cli.jobs.about"))
		.addOption(option("--kind <kind...>", t("cli.jobs.kind"), parseChoices("--kind", JOB_KINDS)))
		.addOption(option("--status <status...>", t("cli.jobs.status"), parseChoices("--status", JOB_STATUSES)))
		.addOption(option("--user <id>", t("cli.jobs.user")))
		.addOption(option("--first <n>", t("cli.option.first"), parseWhole("--first", 1, 200)).default(20))
		.addOption(option("--after <cursor>", t("cli.option.after")));
	addConnection(command, terminal);
	addExamples(command, terminal, [["jobs --status running queued", "cli.jobs.example"]]);
	command.action(async (options: JobsOptions) => {
		const { jobs } = await withSession(context, options, (session) =>
			session.execute(JobsDocument, {
				first: options.first,
				after: options.after ?? null,
				filter: { kinds: options.kind ?? null, statuses: options.status ?? null, requestedBy: options.user ?? null },
			}),
		);
		if (!jobs) throw new Error("the server answered without jobs");
		if (options.json) terminal.printJson(jobs);
		else printJobs(terminal, jobs);
		done(EXIT.done);
	});
}

export function jobCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal, interrupts } = context;
	const { t } = terminal;
	const command = program
		.command("job")
		.description(t("cli.job.about"))
		.argument("<id>", t("cli.job.id"))
		.addOption(option("--follow", t("cli.job.follow")));
	addConnection(command, terminal);
	addExamples(command, terminal, [["job jabc123 --follow", "cli.job.example"]]);
	command.action(async (id: string, options: CommonOptions & { readonly follow?: true }) => {
		const watching = new AbortController();
		const stopListening = interrupts.onInterrupt(() => watching.abort());
		const bars = drawProgress(terminal);
		try {
			const job = await withSession(context, options, (session) =>
				options.follow
					? followJob(session, id, (state) => (options.json ? terminal.printJson(state) : bars.show(state)), watching.signal)
					: readJob(session, id),
			);
			bars.stop();
			if (!options.follow && options.json) terminal.printJson(job);
			if (!options.json) printJob(terminal, job);
			if (!options.follow) done(EXIT.done);
			else done(exitOfJob(job.status, watching.signal.aborted));
		} finally {
			bars.stop();
			stopListening();
		}
	});
}

export function cancelCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program.command("cancel").description(t("cli.cancel.about")).argument("<id>", t("cli.job.id"));
	addConnection(command, terminal);
	addExamples(command, terminal, [["cancel jabc123", "cli.cancel.example"]]);
	command.action(async (id: string, options: CommonOptions) => {
		const job = await withSession(context, options, async (session) => {
			await session.execute(CancelJobDocument, { id });
			return followJob(session, id, () => {});
		});
		if (options.json) terminal.printJson(job);
		else printJob(terminal, job);
		done(job.status === "CANCELLED" ? EXIT.done : EXIT.failed);
	});
}

function printJobs(terminal: Terminal, { nodes, totalCount, pageInfo }: NonNullable<JobsQuery["jobs"]>): void {
	const { t, print, locale, colors } = terminal;
	const now = Date.now();
	const table = formatTable(
		terminal,
		[
			{ title: t("cli.column.id") },
			{ title: t("cli.column.kind") },
			{ title: t("cli.column.status") },
			{ title: t("cli.column.user") },
			{ title: t("cli.column.age"), align: "right" },
			{ title: t("cli.column.percent"), align: "right" },
			{ title: t("cli.column.deleted"), align: "right" },
			{ title: t("cli.column.freed"), align: "right" },
			{ title: "" },
		],
		nodes.map((job) => [
			job.id,
			t(`cli.kind.${job.kind}`),
			t(`cli.status.${job.status}`),
			printable(job.requestedBy),
			formatAge(Date.parse(job.createdAt), now, locale),
			job.progress.percent === null || job.progress.percent === undefined ? "–" : `${Math.floor(job.progress.percent)} %`,
			formatCount(job.progress.deletedEntries),
			formatBytes(job.progress.freedBytes),
			printable(job.error?.message ?? ""),
		]),
	);
	if (nodes.length > 0) print(`${table}\n`);
	print(t("cli.jobs.count", { shown: formatCount(nodes.length), total: formatCount(totalCount) }));
	if (pageInfo.hasNextPage && pageInfo.endCursor) print(colors.dim(t("cli.details.next", { cursor: pageInfo.endCursor })));
}
