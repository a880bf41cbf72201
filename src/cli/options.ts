/** Options that several commands share, and what their values must be. A value that cannot be meant is a usage error. */
import { type Command, Option } from "commander";
import type { BackendKind } from "../client/generated/graphql.js";
import type { MessageKey } from "../core/messages/catalogue.js";
import { UsageError } from "./exit.js";
import type { Terminal } from "./terminal.js";

export interface CommonOptions {
	readonly json?: true;
	readonly url?: string;
	readonly token?: string;
}

/** The layers by the names of the original tool. */
const LAYERS = {
	file: ["FILE"],
	database: ["REDIS", "MONGODB"],
	python: ["PYTHON"],
	all: null,
} as const satisfies Record<string, readonly BackendKind[] | null>;

/** Types of the field's caches; a tree of files may have others. */
const ENTRY_TYPES = ["stock_data", "news", "fundamentals", "model_capabilities", "python"];

export interface QuarantineOptions {
	readonly quarantine?: boolean;
}

/** What the settings say without either. */
export function addQuarantine(command: Command, { t }: Terminal): Command {
	return command
		.addOption(option("--quarantine", t("cli.option.quarantine")))
		.addOption(option("--no-quarantine", t("cli.option.noQuarantine")));
}

export function quarantineOf({ quarantine }: QuarantineOptions): { readonly quarantine?: boolean } {
	return quarantine === undefined ? {} : { quarantine };
}

export interface SelectionOptions {
	readonly type: keyof typeof LAYERS;
	readonly entryType?: string[];
	readonly symbol?: string[];
	readonly source?: string[];
}

/** Reads a value; knows what it may be where that is a short list, for the shell to offer. */
interface Parser<T> {
	(text: string, before?: T): T;
	readonly choices?: readonly string[];
}

export function option(
	flags: string,
	description: string,
	parse?: Parser<unknown> | Parser<string> | Parser<string[]> | ((text: string) => unknown),
): Option {
	const made = new Option(flags, description);
	if (parse === undefined) return made;
	if ("choices" in parse && parse.choices !== undefined) made.argChoices = [...parse.choices];
	return made.argParser(parse as (text: string) => unknown);
}

/** Values that are worth offering although others are good too. */
function offering(made: Option, names: readonly string[]): Option {
	made.argChoices = [...names];
	return made;
}

export function addJson(command: Command, { t }: Terminal): Command {
	return command.addOption(option("--json", t("cli.option.json")));
}

/** Where the API is: a server by address, else whatever holds the store here. */
export function addConnection(command: Command, terminal: Terminal): Command {
	const { t } = terminal;
	return addJson(command, terminal)
		.addOption(option("--url <url>", t("cli.option.url"), parseUrl))
		.addOption(option("--token <token>", t("cli.option.token")));
}

export function addLayer(command: Command, { t }: Terminal): Command {
	return command.addOption(
		option("--type <layer>", t("cli.option.layer"), parseChoice("--type", Object.keys(LAYERS))).default("all", "all"),
	);
}

export function addSelection(command: Command, terminal: Terminal): Command {
	const { t } = terminal;
	return addLayer(command, terminal)
		.addOption(offering(option("--entry-type <type...>", t("cli.option.entryType")), ENTRY_TYPES))
		.addOption(option("--symbol <symbol...>", t("cli.option.symbol")))
		.addOption(option("--source <source...>", t("cli.option.source")));
}

/** Null: all of them. */
export function backendsOf(options: Pick<SelectionOptions, "type">): BackendKind[] | null {
	const kinds = LAYERS[options.type];
	return kinds === null ? null : [...kinds];
}

/** What was given, in the API's names; what was not is left out. */
export function selectionOf(options: SelectionOptions) {
	const backends = backendsOf(options);
	return {
		...(backends === null ? {} : { backends }),
		...(options.entryType === undefined ? {} : { types: options.entryType }),
		...(options.symbol === undefined ? {} : { symbols: options.symbol }),
		...(options.source === undefined ? {} : { sources: options.source }),
	};
}

/** Decimal digits only: `1.5`, `1e3`, `0x1` and `-1` are not numbers here. */
export function parseWhole(name: string, min: number, max: number): (text: string) => number {
	return (text) => {
		const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
		if (value >= min && value <= max) return value;
		throw new UsageError("cli.usage.whole", { name, min, max, value: text });
	};
}

/** Days that may have a fraction, for filters. */
export function parseDays(name: string): (text: string) => number {
	return (text) => {
		if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number(text);
		throw new UsageError("cli.usage.days", { name, value: text });
	};
}

export function parseChoice(name: string, choices: readonly string[]): Parser<string> {
	function parse(text: string): string {
		if (choices.includes(text)) return text;
		throw new UsageError("cli.usage.choice", { name, choices: choices.join(", "), value: text });
	}
	return Object.assign(parse, { choices });
}

/** The same, repeatable; the API's upper-case names are written in lower case. */
export function parseChoices(name: string, choices: readonly string[]): Parser<string[]> {
	const names = choices.map((choice) => choice.toLowerCase().replaceAll("_", "-"));
	function parse(text: string, before: string[] = []): string[] {
		const found = choices[names.indexOf(text.toLowerCase().replaceAll("_", "-"))];
		if (found === undefined) throw new UsageError("cli.usage.choice", { name, choices: names.join(", "), value: text });
		return [...before, found];
	}
	return Object.assign(parse, { choices: names });
}

const SIZE_UNITS = ["", "K", "M", "G", "T"];

/** Bytes, or with a unit of 1024: `500`, `10K`, `1.5M`. */
export function parseSize(name: string): (text: string) => number {
	return (text) => {
		const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
		if (digits === undefined) throw new UsageError("cli.usage.size", { name, value: text });
		return Math.round(Number(digits) * 1024 ** SIZE_UNITS.indexOf((unit ?? "").toUpperCase()));
	};
}

const LIFETIME_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const LONGEST_SECONDS = 3650 * 86_400;

/** `30m`, `8h`, `7d`; in seconds. */
export function parseLifetime(name: string): (text: string) => number {
	return (text) => {
		const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
		const seconds = Number(digits) * (LIFETIME_SECONDS[unit ?? ""] ?? Number.NaN);
		if (seconds >= 1 && seconds <= LONGEST_SECONDS) return seconds;
		throw new UsageError("cli.usage.lifetime", { name, value: text });
	};
}

/** A date or a time; without a zone it is this machine's. As ISO 8601. */
export function parseTime(name: string): (text: string) => string {
	return (text) => {
		const time = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text)
			? Date.parse(text.length === 10 ? `${text}T00:00:00` : text.replace(" ", "T"))
			: Number.NaN;
		if (Number.isNaN(time)) throw new UsageError("cli.usage.time", { name, value: text });
		return new Date(time).toISOString();
	};
}

function parseUrl(text: string): string {
	if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
	throw new UsageError("cli.usage.url", { value: text });
}

/** Examples below a command's help, one a line. */
export function addExamples(command: Command, { t }: Terminal, lines: readonly (readonly [call: string, meaning: MessageKey])[]): Command {
	const width = Math.max(...lines.map(([call]) => call.length));
	const text = lines.map(([call, meaning]) => `  cachewarden ${call.padEnd(width)}  # ${t(meaning)}`).join("\n");
	return command.addHelpText("after", `\n${t("cli.help.examples")}\n${text}`);
}
