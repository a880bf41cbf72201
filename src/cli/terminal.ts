import type { Writable } from "node:stream";
import pc from "picocolors";
import type { Said } from "../core/errors.js";
import { type Facts, type Locale, localeFrom, type MessageKey, say } from "../core/messages/catalogue.js";

type Output = Writable & { readonly isTTY?: boolean };

/** Where the command line writes, and how: results to `out`, everything else to `err`. */
export interface Terminal {
	readonly out: Output;
	readonly err: Output;
	readonly locale: Locale;
	/** Of results; plain when they do not go to a terminal, or NO_COLOR says so. */
	readonly colors: ReturnType<typeof pc.createColors>;
	/** Bars may be drawn on `err`. */
	readonly animated: boolean;
	t(key: MessageKey, facts?: Facts): string;
	say(said: Said): string;
	print(text: string): void;
	note(text: string): void;
	printJson(value: unknown): void;
}

export interface TerminalOptions {
	readonly out: Output;
	readonly err: Output;
	readonly env: Readonly<Record<string, string | undefined>>;
}

export function openTerminal({ out, err, env }: TerminalOptions): Terminal {
	const locale = localeFrom(env.LC_ALL || env.LC_MESSAGES || env.LANG, "en");
	const plain = Boolean(env.NO_COLOR) || env.TERM === "dumb";
	return {
		out,
		err,
		locale,
		colors: pc.createColors(out.isTTY === true && !plain),
		animated: err.isTTY === true && env.TERM !== "dumb",
		t: (key, facts = {}) => say(locale, { key, facts }),
		say: (said) => say(locale, said),
		print: (text) => void out.write(`${text}\n`),
		note: (text) => void err.write(`${text}\n`),
		printJson: (value) => void out.write(`${JSON.stringify(value)}\n`),
	};
}
