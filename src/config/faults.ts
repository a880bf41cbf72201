import type { Said } from "../core/errors.js";
import { type Locale, say } from "../core/messages/catalogue.js";

/** One thing that is wrong with the configuration. */
export interface ConfigFault {
	/** The environment variable, or the file and the path in it. */
	readonly culprit: string;
	/** As given; null when there is none to show. Secrets are hidden before they get here. */
	readonly value: string | null;
	readonly what: Said;
	readonly remedy: Said;
}

export interface CheckContext {
	/** The place that a setting came from, as a culprit. */
	readonly culprit: (path: string) => string;
	/** Wrong already: it says nothing about the others. */
	readonly isFaulty: (path: string) => boolean;
	/** Set by somebody, and right by itself. */
	readonly given: (path: string) => boolean;
}

/** Stops the start. It names every fault, not only the first. */
export class ConfigError extends Error {
	readonly faults: readonly ConfigFault[];

	constructor(faults: readonly ConfigFault[]) {
		super(textOf(faults, "en"));
		this.name = "ConfigError";
		this.faults = faults;
	}

	/** One line a fault, below a title. */
	text(locale: Locale): string {
		return textOf(this.faults, locale);
	}
}

export function faultText(locale: Locale, fault: ConfigFault): string {
	const facts = { culprit: fault.culprit, what: say(locale, fault.what), remedy: say(locale, fault.remedy) };
	if (fault.value === null) return say(locale, { key: "config.fault", facts });
	return say(locale, { key: "config.faultOfValue", facts: { ...facts, value: fault.value } });
}

function textOf(faults: readonly ConfigFault[], locale: Locale): string {
	const lines = faults.map((fault) => `  ${faultText(locale, fault)}`);
	return [say(locale, { key: "config.title", facts: { count: faults.length } }), ...lines].join("\n");
}
