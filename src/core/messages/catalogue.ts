import { AUDIT_MESSAGES } from "./audit.js";
import { CLI_MESSAGES } from "./cli.js";
import { CONFIG_MESSAGES } from "./config.js";
import { ERROR_MESSAGES } from "./errors.js";
import { HTTP_MESSAGES } from "./http.js";
import { MONGODB_MESSAGES } from "./mongodb.js";
import { QUARANTINE_MESSAGES } from "./quarantine.js";
import { QUEUE_MESSAGES } from "./queue.js";
import { REDIS_MESSAGES } from "./redis.js";
import { REST_MESSAGES } from "./rest.js";
import { SCHEDULE_MESSAGES } from "./schedules.js";
import { WORKFLOW_MESSAGES } from "./workflows.js";

/** What people read, in both languages. `{name}` is replaced by the fact of that name. */
const MESSAGES = {
	...ERROR_MESSAGES,
	...CONFIG_MESSAGES,
	...CLI_MESSAGES,
	...HTTP_MESSAGES,
	...WORKFLOW_MESSAGES,
	...REDIS_MESSAGES,
	...QUEUE_MESSAGES,
	...MONGODB_MESSAGES,
	...QUARANTINE_MESSAGES,
	...REST_MESSAGES,
	...AUDIT_MESSAGES,
	...SCHEDULE_MESSAGES,
} as const satisfies Record<string, { en: string; zh: string }>;

export type MessageKey = keyof typeof MESSAGES;
export type Facts = Readonly<Record<string, string | number>>;
export type Locale = "en" | "zh";

export function say(locale: Locale, said: { readonly key: MessageKey; readonly facts: Facts }): string {
	return MESSAGES[said.key][locale].replace(/\{(\w+)\}/g, (whole, name: string) => String(said.facts[name] ?? whole));
}

/**
 * The language of an `Accept-Language` header that weighs most, the first of equals; `fallback` when it names neither. Source of the
 * weights: RFC 9110, 12.5.4.
 */
export function preferredLocale(header: string | undefined, fallback: Locale): Locale {
	let best: { readonly locale: Locale; readonly weight: number } | null = null;
	for (const range of (header ?? "").split(",")) {
		const [, language = "", quality = "1"] = /^\s*([*\w-]+)\s*(?:;\s*q=([\d.]+)\s*)?$/i.exec(range) ?? [];
		const locale = language === "*" ? fallback : localeOf(language);
		const weight = Number(quality);
		if (locale !== null && weight > (best?.weight ?? 0)) best = { locale, weight };
	}
	return best?.locale ?? fallback;
}

function localeOf(language: string): Locale | null {
	const [name] = language.toLowerCase().split("-");
	return name === "zh" || name === "en" ? name : null;
}

/** The language of a POSIX locale (`zh_CN.UTF-8`); `fallback` when it is neither. */
export function localeFrom(text: string | undefined, fallback: Locale): Locale {
	const found = /(?:^|[,;\s])(zh|en)\b/i.exec((text ?? "").replaceAll("_", "-"));
	return (found?.[1]?.toLowerCase() as Locale | undefined) ?? fallback;
}
