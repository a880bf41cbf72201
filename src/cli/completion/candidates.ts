import type { Command, Option } from "commander";

export interface Candidate {
	readonly value: string;
	readonly description: string;
}

/** Names that only a server knows: ids of jobs. */
export interface LiveNames {
	jobs(options: { readonly url?: string; readonly token?: string }, which: "all" | "unfinished"): Promise<readonly Candidate[]>;
}

/** Where a line has come to, before its last word. */
interface Line {
	readonly command: Command;
	/** Options that were given, by their long names, with their values. */
	readonly given: ReadonlyMap<string, readonly string[]>;
	/** The option whose value comes next. */
	readonly open: Option | null;
	/** Further values may follow the last option's. */
	readonly more: Option | null;
	readonly positions: number;
}

/** What the last of the words may become; the words are those after the program's name. */
export async function candidatesFor(program: Command, words: readonly string[], live: LiveNames): Promise<readonly Candidate[]> {
	const last = words.at(-1) ?? "";
	const line = readLine(program, words.slice(0, -1));
	const [name, value] = last.startsWith("--") && last.includes("=") ? split(last) : [null, last];
	const option = name === null ? line.open : optionOf(line.command, name);
	const found = option === null && name === null ? await next(line, last, live) : await values(option, line, live);
	const prefix = name === null ? "" : `${name}=`;
	return found.filter((one) => one.value.startsWith(value)).map((one) => ({ ...one, value: prefix + one.value }));
}

function readLine(program: Command, words: readonly string[]): Line {
	let command = program;
	let open: Option | null = null;
	let more: Option | null = null;
	let positions = 0;
	const given = new Map<string, string[]>();
	for (const word of words) {
		if (open !== null) {
			given.get(open.long ?? "")?.push(word);
			more = open.variadic ? open : null;
			open = null;
		} else if (word.startsWith("-")) {
			const [name, value] = word.includes("=") ? split(word) : [word, null];
			const option = optionOf(command, name);
			more = null;
			if (option === null) continue;
			given.set(option.long ?? "", [...(given.get(option.long ?? "") ?? []), ...(value === null ? [] : [value])]);
			if (option.required && value === null) open = option;
		} else if (more === null && !(command === program && word === "help")) {
			// What stands after `help` is a command as well.
			const inner = positions === 0 ? command.commands.find((one) => one.name() === word) : undefined;
			if (inner === undefined) positions++;
			else command = inner;
		}
	}
	return { command, given, open, more, positions };
}

/** What may stand where no option's value has to. */
async function next(line: Line, last: string, live: LiveNames): Promise<readonly Candidate[]> {
	const { command, given, more, positions } = line;
	if (last.startsWith("-")) {
		const help = command.createHelp();
		return help
			.visibleOptions(command)
			.filter((option) => option.variadic || !given.has(option.long ?? ""))
			.map((option) => ({ value: option.long ?? "", description: option.description }));
	}
	if (more !== null) return values(more, line, live);
	if (positions === 0 && command.commands.length > 0) {
		const help = command.createHelp();
		return help.visibleCommands(command).map((inner) => ({ value: inner.name(), description: inner.description() }));
	}
	return positional(line, live);
}

async function positional({ command, given, positions }: Line, live: LiveNames): Promise<readonly Candidate[]> {
	const wanted = command.registeredArguments[positions];
	if (wanted?.argChoices !== undefined) return wanted.argChoices.map((value) => ({ value, description: "" }));
	if (positions > 0) return [];
	if (command.name() === "job" || command.name() === "restore") return live.jobs(connectionOf(given), "all");
	if (command.name() === "cancel") return live.jobs(connectionOf(given), "unfinished");
	return [];
}

async function values(option: Option | null, { given }: Line, live: LiveNames): Promise<readonly Candidate[]> {
	if (option?.long === "--job") return live.jobs(connectionOf(given), "all");
	return (option?.argChoices ?? []).map((value) => ({ value, description: "" }));
}

function connectionOf(given: Line["given"]): { readonly url?: string; readonly token?: string } {
	const url = given.get("--url")?.[0];
	const token = given.get("--token")?.[0];
	return { ...(url === undefined ? {} : { url }), ...(token === undefined ? {} : { token }) };
}

function optionOf(command: Command, name: string): Option | null {
	return command.options.find((option) => option.long === name || option.short === name) ?? null;
}

function split(word: string): [name: string, value: string] {
	const at = word.indexOf("=");
	return [word.slice(0, at), word.slice(at + 1)];
}
