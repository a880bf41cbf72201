import { open, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode } from "../exit.js";
import { type CommonOptions, option, parseChoice } from "../options.js";
import { withSession } from "../session.js";

export interface AuditFilterOptions extends CommonOptions {
	readonly user?: string;
	readonly actionType?: string[];
	readonly succeeded?: true;
	readonly failed?: true;
	readonly since?: string;
	readonly until?: string;
	readonly keyword?: string;
	readonly job?: string;
}

interface ExportOptions extends AuditFilterOptions {
	readonly format: string;
	readonly output?: string;
}

/** The whole log, or what the filters of `audit` leave of it, to a file or to standard output. */
export function exportCommand(audit: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { t } = context.terminal;
	audit
		.command("export")
		.description(t("cli.export.about"))
		.addOption(option("--format <format>", t("cli.export.format"), parseChoice("--format", ["csv", "jsonl"])).default("csv"))
		.addOption(option("--output <file>", t("cli.export.output")))
		.action(async (_options: unknown, self: Command) => {
			// Filters and the connection are options of the parent.
			const options = self.optsWithGlobals() as ExportOptions;
			await withSession(context, options, async (session) => {
				const text = Readable.from(session.exportAudit(parametersOf(options)));
				if (options.output === undefined) await pipeline(text, context.terminal.out, { end: false });
				else await toFile(text, options.output);
			});
			done(EXIT.done);
		});
}

/** A file that is there already is not written over; one that broke off does not stay. */
async function toFile(text: Readable, path: string): Promise<void> {
	const file = await open(path, "wx", 0o600);
	try {
		await pipeline(text, file.createWriteStream());
	} catch (error) {
		await rm(path, { force: true });
		throw error;
	}
}

function parametersOf(options: ExportOptions): URLSearchParams {
	const given = {
		format: options.format,
		userId: options.user,
		actionTypes: options.actionType?.join(","),
		success: options.succeeded ? "true" : options.failed ? "false" : undefined,
		since: options.since,
		until: options.until,
		keyword: options.keyword,
		jobId: options.job,
	};
	return new URLSearchParams(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
