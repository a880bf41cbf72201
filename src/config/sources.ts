/** Where settings are written: environment and file, brought into one tree, each value with the place that it came from. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import type { ConfigFault } from "./faults.js";
import { listSettings } from "./schema.js";

export type Environment = Readonly<Record<string, string | undefined>>;
type Tree = Record<string, unknown>;

const DEFAULT_FILE = "cachewarden.yaml";

export interface Origin {
	/** The variable, or the file and the path in it. */
	readonly culprit: string;
	/** What relative paths start from. */
	readonly baseDir: string;
	readonly text: string | null;
}

export interface Sources {
	readonly tree: Tree;
	/** By setting path. A setting that is nowhere has its default. */
	readonly origins: ReadonlyMap<string, Origin>;
	readonly file: string | null;
	readonly faults: readonly ConfigFault[];
}

/** Empty variables count as left out. */
export function variable(env: Environment, name: string): string | null {
	const text = env[name]?.trim();
	return text === undefined || text === "" ? null : text;
}

/** The file that is read: CONFIG_FILE, or cachewarden.yaml when it is there. */
export function configFile(env: Environment, cwd: string): string | null {
	const named = variable(env, "CONFIG_FILE");
	if (named !== null) return resolve(cwd, named);
	const usual = resolve(cwd, DEFAULT_FILE);
	return existsSync(usual) ? usual : null;
}

export function readSources(env: Environment, cwd: string): Sources {
	const faults: ConfigFault[] = [];
	const file = configFile(env, cwd);
	const tree = file === null ? {} : readYaml(file, faults);
	const origins = new Map<string, Origin>();
	for (const { path, facts } of listSettings()) {
		const text = facts.env === undefined ? null : variable(env, facts.env);
		if (text !== null) {
			put(tree, path, facts.fromEnv ? facts.fromEnv(text) : text);
			origins.set(path, { culprit: facts.env ?? path, baseDir: cwd, text });
		} else if (file !== null && get(tree, path) !== undefined) {
			origins.set(path, { culprit: `${basename(file)}: ${path}`, baseDir: dirname(file), text: null });
		}
	}
	return { tree, origins, file, faults };
}

function readYaml(file: string, faults: ConfigFault[]): Tree {
	const fault = (what: ConfigFault["what"], remedy: ConfigFault["remedy"]["key"], culprit = basename(file)): Tree => {
		faults.push({ culprit, value: null, what, remedy: { key: remedy, facts: {} } });
		return {};
	};
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code ?? "?";
		if (code === "ENOENT") return fault({ key: "config.fileMissing", facts: { path: file } }, "config.fileMissingRemedy", "CONFIG_FILE");
		return fault({ key: "config.fileUnreadable", facts: { code } }, "config.fileUnreadableRemedy");
	}
	const document = parseDocument(text, { prettyErrors: true });
	// What follows the first error is mostly said about the same mistake.
	const error = document.errors[0];
	if (error) {
		const at = error.linePos?.[0] ?? { line: 1, col: 1 };
		const reason = (error.message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, "");
		return fault({ key: "config.yamlBroken", facts: { line: at.line, column: at.col, reason } }, "config.yamlBrokenRemedy");
	}
	const value: unknown = document.toJS();
	if (value === null || value === undefined) return {};
	if (typeof value !== "object" || Array.isArray(value)) return fault({ key: "config.yamlNotMap", facts: {} }, "config.yamlNotMapRemedy");
	return withoutNulls(value as Tree);
}

/** A key without a value in YAML is one that somebody left out. */
function withoutNulls(tree: Tree): Tree {
	const kept: Tree = Object.create(null);
	for (const [name, value] of Object.entries(tree))
		if (value !== null) kept[name] = typeof value === "object" && !Array.isArray(value) ? withoutNulls(value as Tree) : value;
	return kept;
}

export function get(tree: Tree, path: string): unknown {
	return path.split(".").reduce<unknown>((at, name) => (typeof at === "object" && at !== null ? (at as Tree)[name] : undefined), tree);
}

function put(tree: Tree, path: string, value: unknown): void {
	const names = path.split(".");
	const last = names.pop() ?? path;
	let at = tree;
	for (const name of names) {
		at[name] ??= Object.create(null);
		const inner = at[name];
		// A section that is not one: left for the check to name.
		if (typeof inner !== "object" || Array.isArray(inner)) return;
		at = inner as Tree;
	}
	at[last] = value;
}

/** Takes a value out, so that its default stands in. */
export function remove(tree: Tree, path: string): void {
	const cut = path.lastIndexOf(".");
	const parent = cut < 0 ? tree : get(tree, path.slice(0, cut));
	if (typeof parent === "object" && parent !== null) delete (parent as Tree)[path.slice(cut + 1)];
}
