import type { Command } from "commander";
import {
	type AuditFieldsFragment,
	AuditLogAddedDocument,
	type AuditLogAddedSubscription,
	AuditLogDocument,
	type AuditLogFilter,
	AuditVerifyDocument,
} from "../../client/generated/graphql.js";
import { resumed } from "../../client/resume.js";
import type { Session } from "../../client/session.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode } from "../exit.js";
import { formatCount, formatDuration, formatTime, printable } from "../format.js";
import { addConnection, addExamples, option, parseTime, parseWhole } from "../options.js";
import { withSession } from "../session.js";
import { formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";
import { type AuditFilterOptions, exportCommand } from "./audit-export.js";

interface AuditOptions extends AuditFilterOptions {
	readonly follow?: true;
	readonly first: number;
	readonly after?: string;
}

type AuditItem = AuditLogAddedSubscription["auditLogAdded"];

export function auditCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program
		.command("audit")
		.description(t("cli.audit.about"))
		.addOption(option("--follow", t("cli.audit.follow")).conflicts(["after", "until"]))
		.addOption(option("--user <id>", t("cli.audit.user")))
		.addOption(option("--action-type <type...>", t("cli.audit.actionType")))
		.addOption(option("--succeeded", t("cli.audit.succeeded")).conflicts("failed"))
		.addOption(option("--failed", t("cli.audit.failed")))
		.addOption(option("--since <time>", t("cli.audit.since"), parseTime("--since")))
		.addOption(option("--until <time>", t("cli.audit.until"), parseTime("--until")))
		.addOption(option("--keyword <text>", t("cli.audit.keyword")))
		.addOption(option("--job <id>", t("cli.audit.job")))
		.addOption(option("--first <n>", t("cli.option.first"), parseWhole("--first", 1, 200)).default(20))
		.addOption(option("--after <cursor>", t("cli.option.after")));
	addConnection(command, terminal);
	addExamples(command, terminal, [
		["audit --failed --since 2026-11-01", "cli.audit.example"],
		["audit --follow --json", "cli.audit.exampleFollow"],
		["audit verify", "cli.audit.exampleVerify"],
		["audit --since 2026-11-01 export --output november.csv", "cli.audit.exampleExport"],
	]);
	command.action(async (options: AuditOptions) => {
		done(
			await withSession(context, options, (session) =>
				options.follow ? follow(context, session, options) : list(terminal, session, options),
			),
		);
	});
	verifyCommand(command, context, done);
	exportCommand(command, context, done);
}

function verifyCommand(audit: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t, print, colors } = terminal;
	const command = audit
		.command("verify")
		.description(t("cli.verify.about"))
		.addOption(option("--since <time>", t("cli.audit.since"), parseTime("--since")))
		.addOption(option("--until <time>", t("cli.audit.until"), parseTime("--until")));
	addConnection(command, terminal);
	addExamples(command, terminal, [
		["audit verify", "cli.verify.example"],
		["audit verify --since 2026-11-01", "cli.verify.exampleSince"],
	]);
	command.action(async (_options: unknown, self: Command) => {
		// The parent knows options of the same names, and takes them when they stand before `verify`.
		const options = self.optsWithGlobals() as Pick<AuditOptions, "since" | "until" | "json" | "url" | "token">;
		const { auditVerify } = await withSession(context, options, (session) =>
			session.execute(AuditVerifyDocument, { since: options.since ?? null, until: options.until ?? null }),
		);
		if (!auditVerify) throw new Error("the server answered without a verification");
		const { valid, checked, problems } = auditVerify;
		if (options.json) {
			terminal.printJson(auditVerify);
		} else {
			print(
				valid
					? colors.green(t("cli.verify.valid", { count: formatCount(checked) }))
					: colors.red(t("cli.verify.broken", { count: formatCount(checked) })),
			);
			for (const problem of problems) print(`  ${problem.kind}  ${problem.sequence ?? "–"}  ${printable(problem.message)}`);
		}
		done(valid ? EXIT.done : EXIT.failed);
	});
}

function filterOf(options: AuditOptions): AuditLogFilter {
	return {
		userId: options.user ?? null,
		actionTypes: options.actionType ?? null,
		success: options.succeeded ? true : options.failed ? false : null,
		since: options.since ?? null,
		until: options.until ?? null,
		keyword: options.keyword ?? null,
		jobId: options.job ?? null,
	};
}

async function page(session: Session, options: AuditOptions) {
	const { auditLog } = await session.execute(AuditLogDocument, {
		first: options.first,
		after: options.after ?? null,
		filter: filterOf(options),
	});
	if (!auditLog) throw new Error("the server answered without a log");
	return auditLog;
}

async function list(terminal: Terminal, session: Session, options: AuditOptions): Promise<ExitCode> {
	const { t, print, colors } = terminal;
	const log = await page(session, options);
	if (options.json) {
		terminal.printJson(log);
		return EXIT.done;
	}
	const entries = log.edges.map((edge) => edge.node);
	if (entries.length > 0) print(`${auditTable(terminal, entries)}\n`);
	print(t("cli.audit.count", { shown: formatCount(entries.length), total: formatCount(log.totalCount) }));
	if (log.pageInfo.hasNextPage && log.pageInfo.endCursor) print(colors.dim(t("cli.details.next", { cursor: log.pageInfo.endCursor })));
	return EXIT.done;
}

/** The newest entries, oldest first, then whatever comes, until Ctrl-C; across restarts of the server without gap or repeat. */
async function follow({ terminal, interrupts }: CliContext, session: Session, options: AuditOptions): Promise<ExitCode> {
	const watching = new AbortController();
	const stopListening = interrupts.onInterrupt(() => watching.abort());
	const show = (item: AuditItem): void => (options.json ? terminal.printJson(item) : terminal.print(auditLine(terminal, item.node)));
	try {
		const log = await page(session, options);
		for (const edge of [...log.edges].reverse()) show(edge);
		let after = log.liveCursor;
		await resumed(
			() => session.subscribe(AuditLogAddedDocument, { after, filter: filterOf(options) }),
			({ auditLogAdded }) => {
				after = auditLogAdded.cursor;
				show(auditLogAdded);
			},
			{ signal: watching.signal },
		);
		return watching.signal.aborted ? EXIT.interrupted : EXIT.done;
	} finally {
		stopListening();
	}
}

function auditTable(terminal: Terminal, entries: readonly AuditFieldsFragment[]): string {
	const { t } = terminal;
	return formatTable(
		terminal,
		[
			{ title: t("cli.column.sequence"), align: "right" },
			{ title: t("cli.column.time") },
			{ title: t("cli.column.user") },
			{ title: t("cli.column.origin") },
			{ title: t("cli.column.action") },
			{ title: t("cli.column.result") },
			{ title: t("cli.column.duration"), align: "right" },
			{ title: t("cli.column.job") },
		],
		entries.map((entry) => cells(terminal, entry)),
	);
}

function auditLine(terminal: Terminal, entry: AuditFieldsFragment): string {
	return cells(terminal, entry)
		.filter((cell) => cell !== "")
		.join("  ");
}

function cells({ colors, locale, t }: Terminal, entry: AuditFieldsFragment): string[] {
	const failure = entry.errorMessage
		? `${entry.errorCode ?? ""} ${printable(entry.errorMessage)}`.trim()
		: (entry.errorCode ?? t("cli.audit.no"));
	return [
		String(entry.sequence ?? "–"),
		formatTime(entry.timestamp),
		printable(entry.username),
		entry.origin ?? "–",
		printable(entry.action),
		entry.success ? colors.green(t("cli.audit.ok")) : colors.red(failure),
		entry.durationMs === null || entry.durationMs === undefined ? "" : formatDuration(entry.durationMs, locale),
		entry.jobId ?? "",
	];
}
