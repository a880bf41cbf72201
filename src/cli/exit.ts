/** How a run ends: exit codes (docs: command line) and what is said about errors. */
import { CommanderError } from "commander";
import { SessionError } from "../client/session.js";
import { ConfigError } from "../config/faults.js";
import { CachewardenError, ERRORS, type ErrorCode, type Said } from "../core/errors.js";
import type { MessageKey } from "../core/messages/catalogue.js";
import type { Terminal } from "./terminal.js";

export const EXIT = { done: 0, failed: 1, usage: 2, partly: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A call that cannot be meant: exit code 2. */
export class UsageError extends Error {
	readonly said: Said;

	constructor(key: MessageKey, facts: Said["facts"] = {}) {
		super(key);
		this.name = "UsageError";
		this.said = { key, facts };
	}
}

interface Ending {
	readonly exit: ExitCode;
	readonly code: string;
	readonly text: string;
}

const PARSER_MESSAGES: Readonly<Record<string, MessageKey>> = {
	"commander.unknownOption": "cli.usage.unknownOption",
	"commander.unknownCommand": "cli.usage.unknownCommand",
	"commander.missingArgument": "cli.usage.missingArgument",
	"commander.optionMissingArgument": "cli.usage.missingValue",
	"commander.missingMandatoryOptionValue": "cli.usage.missingOption",
	"commander.conflictingOption": "cli.usage.conflict",
	"commander.excessArguments": "cli.usage.tooMany",
};

/** What an error means to whoever called the program. */
export function endingOf(error: unknown, terminal: Terminal): Ending {
	const { locale, say, t } = terminal;
	if (error instanceof CommanderError) return parserEnding(error, terminal);
	if (error instanceof UsageError) return { exit: EXIT.usage, code: "BAD_USER_INPUT", text: say(error.said) };
	if (error instanceof ConfigError) return { exit: EXIT.failed, code: "BAD_USER_INPUT", text: error.text(locale) };
	if (error instanceof CachewardenError) return { exit: exitOf(error.code), code: error.code, text: error.text(locale) };
	if (error instanceof SessionError) {
		if (error.code === "UNREACHABLE") return { exit: EXIT.failed, code: error.code, text: t("cli.unreachable", { reason: error.message }) };
		return { exit: exitOf(error.code), code: error.code, text: error.message };
	}
	return systemEnding(error, terminal);
}

function exitOf(code: string): ExitCode {
	return code in ERRORS ? ERRORS[code as ErrorCode].exit : EXIT.failed;
}

/** The parser knows English only; what it is about stands in quotes. */
function parserEnding(error: CommanderError, { t }: Terminal): Ending {
	const key = PARSER_MESSAGES[error.code];
	const what = [...error.message.matchAll(/'([^']+)'/g)].map((match) => match[1]);
	const nearest = /Did you mean (?:one of )?(.+?)\?\)/s.exec(error.message)?.[1];
	let text = key === undefined ? error.message : t(key, { what: what[0] ?? "", other: what[1] ?? "" });
	if (nearest !== undefined) text += t("cli.usage.didYouMean", { name: nearest });
	return { exit: EXIT.usage, code: "BAD_USER_INPUT", text };
}

/** What the system refused, by its own name. */
function systemEnding(error: unknown, { t }: Terminal): Ending {
	const { code, message, path, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
	const failed = (text: string): Ending => ({ exit: EXIT.failed, code: "INTERNAL", text });
	if (code === "EADDRINUSE") return failed(t("cli.serve.portInUse", { address: `${address ?? "?"}:${port ?? "?"}` }));
	if (code === "EADDRNOTAVAIL") return failed(t("cli.serve.noSuchAddress", { address: address ?? "?" }));
	if (code === "EACCES" && port !== undefined) return failed(t("cli.serve.portForbidden", { port }));
	if (code !== undefined && path !== undefined) return failed(t("cli.systemError", { path, code }));
	return failed(t("cli.unexpected", { reason: message ?? String(error) }));
}
