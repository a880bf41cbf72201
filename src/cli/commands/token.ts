import type { Command } from "commander";
import { loadConfig } from "../../config/load.js";
import { CachewardenError } from "../../core/errors.js";
import { ROLES, type Role } from "../../core/roles.js";
import type { CliContext } from "../context.js";
import { EXIT, type ExitCode, UsageError } from "../exit.js";
import { addExamples, addJson, option, parseChoice, parseLifetime } from "../options.js";

const DEFAULT_SECONDS = 8 * 3_600;

export function tokenCommand(program: Command, context: CliContext, done: (exit: ExitCode) => void): void {
	const { terminal, host } = context;
	const { t } = terminal;
	const command = program
		.command("token")
		.description(t("cli.token.about"))
		.addOption(option("--user <name>", t("cli.token.user"), parseUser).makeOptionMandatory())
		.addOption(option("--role <role>", t("cli.token.role"), parseChoice("--role", ROLES)).default("VIEWER"))
		.addOption(option("--expires <span>", t("cli.token.expires"), parseLifetime("--expires")).default(DEFAULT_SECONDS, "8h"));
	addJson(command, terminal);
	addExamples(command, terminal, [["token --user alice --role ADMIN --expires 8h", "cli.token.example"]]);
	command.action(async (options: { user: string; role: Role; expires: number; json?: true }) => {
		const config = loadConfig(context);
		const claims = { userId: options.user, role: options.role, lifetimeSeconds: options.expires };
		const token = await host.signToken(config, claims);
		if (token === null) throw new CachewardenError("FORBIDDEN", { key: "cli.token.noSecret", facts: {} });
		if (options.json) {
			const expiresAt = new Date(Date.now() + options.expires * 1_000).toISOString();
			terminal.printJson({ token, user: options.user, role: options.role, expiresAt });
		} else {
			terminal.print(token);
		}
		done(EXIT.done);
	});
}

function parseUser(text: string): string {
	if (text.trim() === "") throw new UsageError("cli.token.emptyUser");
	return text;
}
