/** What the schema finds wrong, as faults that a person can mend. */
import type { z } from "zod";
import type { ConfigFault } from "./faults.js";
import { nearestName } from "./nearest.js";
import { SETTINGS } from "./schema.js";
import type { SettingFacts } from "./setting.js";
import { get, type Sources } from "./sources.js";

export interface FoundFaults {
	readonly faults: readonly ConfigFault[];
	/** Settings, sections and unknown keys that are wrong, by path. */
	readonly paths: ReadonlySet<string>;
}

export function faultsOf(issues: readonly z.core.$ZodIssue[], sources: Sources): FoundFaults {
	const found = new Map<string, ConfigFault>();
	const paths = new Set<string>();
	for (const issue of issues) {
		const place = locate(issue.path);
		if (place.facts) {
			paths.add(place.path);
			for (const part of partsOf(issue, place.path, place.facts)) found.set(part, faultOfSetting(part, place, place.facts, sources));
		} else if (issue.code === "unrecognized_keys")
			for (const key of issue.keys) {
				const path = [...issue.path, key].join(".");
				paths.add(path);
				found.set(path, unknownKey(path, nearestName(key, place.siblings), sources));
			}
		else {
			paths.add(place.path);
			found.set(place.path, {
				culprit: culpritOf(place.path, sources),
				value: shown(get(sources.tree, place.path)),
				what: { key: "config.expected.section", facts: {} },
				remedy: { key: "config.remedy.optional", facts: {} },
			});
		}
	}
	return { faults: [...found.values()], paths };
}

/** What exactly is wrong in a setting that holds things by name, such as `loaders.quotes.url`; the setting itself for any other. */
function partsOf(issue: z.core.$ZodIssue, path: string, { byName }: SettingFacts): string[] {
	if (!byName) return [path];
	const part = issue.path.join(".");
	return issue.code === "unrecognized_keys" ? issue.keys.map((key) => `${part}.${key}`) : [part];
}

export function culpritOf(path: string, sources: Sources): string {
	return sources.origins.get(path)?.culprit ?? (sources.file === null ? path : `${sources.file.split(/[/\\]/).at(-1)}: ${path}`);
}

/** A value as it was given, short enough for a line. */
export function shown(value: unknown): string {
	const text = (typeof value === "string" ? value : (JSON.stringify(value) ?? String(value))).replace(/\/\/[^/@\s]*@/g, "//***@");
	return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text).replace(/^"|"$/g, typeof value === "string" ? '"' : "");
}

function faultOfSetting(part: string, { path }: { readonly path: string }, facts: SettingFacts, sources: Sources): ConfigFault {
	const value = sources.origins.get(path)?.text ?? get(sources.tree, path);
	const fallback = facts.default === null || typeof facts.default === "object" ? null : String(facts.default);
	return {
		culprit: `${culpritOf(path, sources)}${part.slice(path.length)}`,
		value: facts.secret ? null : shown(value),
		what: facts.expected,
		remedy: fallback === null ? { key: "config.remedy.optional", facts: {} } : { key: "config.remedy.default", facts: { value: fallback } },
	};
}

function unknownKey(path: string, nearest: string | null, sources: Sources): ConfigFault {
	return {
		culprit: culpritOf(path, sources),
		value: null,
		what: { key: "config.unknownKey", facts: {} },
		remedy: nearest === null ? { key: "config.remedy.remove", facts: {} } : { key: "config.remedy.nearest", facts: { name: nearest } },
	};
}

/** The setting that a path leads into, or the section that it leads to. */
function locate(issuePath: readonly PropertyKey[]): { path: string; facts: SettingFacts | null; siblings: readonly string[] } {
	let part = SETTINGS;
	const walked: string[] = [];
	for (const name of issuePath) {
		if (part.kind === "setting") break;
		const inner = part.parts.get(String(name));
		if (inner === undefined) break;
		walked.push(String(name));
		part = inner;
	}
	const path = walked.join(".");
	return part.kind === "setting" ? { path, facts: part.facts, siblings: [] } : { path, facts: null, siblings: [...part.parts.keys()] };
}
