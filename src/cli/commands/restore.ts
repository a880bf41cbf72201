import type { Command } from "commander";
import { QuarantineDocument, type QuarantineQuery, RestoreDocument } from "../../client/generated/graphql.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode } from "../exit.js";
import { formatBytes, formatCount, formatTime, printable } from "../format.js";
import { addConnection, addExamples, type CommonOptions } from "../options.js";
import { runJob } from "../run-job.js";
import { withSession } from "../session.js";
import { formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";

type Held = NonNullable<QuarantineQuery["quarantine"]>;

export function restoreCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal } = context;
	const { t } = terminal;
	const command = program.command("restore").description(t("cli.restore.about")).argument("[id]", t("cli.restore.id"));
	addConnection(command, terminal);
	addExamples(command, terminal, [
		["restore", "cli.restore.exampleList"],
		["restore jabc123", "cli.restore.example"],
	]);
	command.action(async (id: string | undefined, options: CommonOptions) => {
		done(
			await withSession(context, options, async (session) => {
				if (id !== undefined)
					return runJob(context, session, options, async () => (await session.execute(RestoreDocument, { id })).restoreJob.job.id);
				const { quarantine } = await session.execute(QuarantineDocument, {});
				if (!quarantine) throw new Error("the server answered without its quarantine");
				if (options.json) terminal.printJson(quarantine);
				else printHeld(terminal, quarantine);
				return EXIT.done;
			}),
		);
	});
}

function printHeld(terminal: Terminal, held: Held): void {
	const { t, print } = terminal;
	if (held.length === 0) {
		print(t("cli.restore.nothing"));
		return;
	}
	const columns = [
		{ title: t("cli.column.id") },
		{ title: t("cli.column.entries"), align: "right" } as const,
		{ title: t("cli.column.bytes"), align: "right" } as const,
		{ title: t("cli.column.until") },
	];
	const rows = held.map((job) => [printable(job.jobId), formatCount(job.entries), formatBytes(job.bytes), formatTime(job.until)]);
	print(formatTable(terminal, columns, rows));
}
