/** Numbers, times and names as people read them in a table. */
import type { Locale } from "../core/messages/catalogue.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const AGE_STEPS = [
	{ seconds: 86_400, en: "d", zh: "天" },
	{ seconds: 3_600, en: "h", zh: "小时" },
	{ seconds: 60, en: "min", zh: "分钟" },
	{ seconds: 1, en: "s", zh: "秒" },
] as const;

/** Powers of 1024, three digits. */
export function formatBytes(bytes: number): string {
	let value = bytes;
	let unit = 0;
	while (value >= 1024 && unit < UNITS.length - 1) {
		value /= 1024;
		unit++;
	}
	const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
	return `${value.toFixed(digits)} ${UNITS[unit] ?? "B"}`;
}

export function formatCount(count: number): string {
	return count.toLocaleString("en-US");
}

/** `fraction` 0 to 1. */
export function formatPercent(fraction: number): string {
	return `${(fraction * 100).toFixed(1)} %`;
}

/** The largest unit only: `3 d`, `5 h`. A time in the future counts as now. */
export function formatAge(since: number, now: number, locale: Locale): string {
	return formatSeconds(Math.max(0, (now - since) / 1000), locale);
}

export function formatSeconds(seconds: number, locale: Locale): string {
	const step = AGE_STEPS.find((candidate) => seconds >= candidate.seconds) ?? { seconds: 1, en: "s", zh: "秒" };
	return `${Math.floor(seconds / step.seconds)} ${step[locale]}`;
}

export function formatDuration(ms: number, locale: Locale): string {
	if (ms < 1_000) return locale === "zh" ? `${Math.round(ms)} 毫秒` : `${Math.round(ms)} ms`;
	if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} ${locale === "zh" ? "秒" : "s"}`;
	return formatSeconds(ms / 1_000, locale);
}

/** In this machine's zone: `2026-11-22 10:15:30`. */
export function formatTime(time: string | number): string {
	return new Date(time).toLocaleString("sv-SE");
}

/** Names come from other programs: whatever would move the cursor or turn the text around is shown as an escape. */
export function printable(text: string): string {
	return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]/gu, (character) => {
		const code = character.codePointAt(0) ?? 0;
		return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
	});
}
