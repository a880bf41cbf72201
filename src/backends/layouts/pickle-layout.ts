/**
 * Flat files `<32 hex>.pkl`: a Python pickle of a dict `data`, `metadata`, `timestamp`, `backend`. They are read as data;
 * nothing that they name is looked up, made or called.
 */
import { HOUR_MS } from "../../core/clock.js";
import type { DescribedEntry, LayoutSettings, StatFacts } from "./layout.js";
import { marketOfSymbol } from "./metadata-layout.js";
import { SkimmedDict, skimPickle, skimPickleTail } from "./pickle-skim.js";
import { fingerprintOf, sizeOf } from "./stat-facts.js";

const PICKLE_NAME = /^([0-9a-f]{32})\.pkl$/;
/** A pickle up to this size is read whole, of a larger one only the tail: a scan must not read all that a cache holds. */
export const PICKLE_WHOLE_BYTES = 262_144;
export const PICKLE_TAIL_BYTES = 65_536;

const TYPES: Readonly<Record<string, string>> = {
	stock_data: "stock_data",
	news_data: "news",
	news: "news",
	fundamentals_data: "fundamentals",
	fundamentals: "fundamentals",
};

export function pickleKeyOf(name: string): string | null {
	return PICKLE_NAME.exec(name)?.[1] ?? null;
}

export function pickleNameOf(key: string): string {
	return `${key}.pkl`;
}

/** The bytes of a pickle that `describePickle` wants as `content`. */
export function pickleReadRange(size: number): { readonly offset: number; readonly length: number } {
	return size <= PICKLE_WHOLE_BYTES ? { offset: 0, length: size } : { offset: size - PICKLE_TAIL_BYTES, length: PICKLE_TAIL_BYTES };
}

/** What a pickle says of itself. `type` is `unknown` when it names none that is known. */
export interface PickledMetadata {
	readonly symbol: string | null;
	readonly type: string;
	readonly source: string | null;
}

/** Hours that the field gives an entry of that type and symbol; null where it gives none. */
export function hoursToLive(
	type: string,
	symbol: string | null,
	{ timesToLiveHours }: Pick<LayoutSettings, "timesToLiveHours">,
): number | null {
	return timesToLiveHours[marketOfSymbol(symbol ?? "")][type] ?? null;
}

/** `content` is what `pickleReadRange` names; null when it could not or must not be read. A pickle that says nothing is type `unknown`. */
export function describePickle(
	file: { readonly key: string; readonly facts: StatFacts; readonly content: Uint8Array | null },
	settings: LayoutSettings,
): DescribedEntry {
	const { key, facts, content } = file;
	const read = content && readPickle(content, facts.size);
	const type = read?.type ?? "unknown";
	const createdAt = Math.floor(facts.mtimeMs);
	const hours = hoursToLive(type, read?.symbol ?? null, settings);
	return {
		key,
		type,
		symbol: read?.symbol ?? null,
		source: read?.source ?? null,
		size: sizeOf(facts),
		createdAt,
		createdAtSource: "MODIFIED",
		lastAccessedAt: facts.kind === "file" ? Math.floor(facts.atimeMs) : null,
		expiresAt: hours === null ? null : createdAt + hours * HOUR_MS,
		orphaned: false,
		brokenMetadata: facts.kind === "file" && read === null,
		locator: pickleNameOf(key),
		fingerprint: { data: fingerprintOf(facts), metadata: null },
	};
}

/** `content` is the whole pickle, or its end. Null when the bytes are not such a pickle. */
export function readPickle(content: Uint8Array, size: number): PickledMetadata | null {
	const metadata = (content.length === size ? skimPickle(content) : skimPickleTail(content))?.metadata;
	if (!(metadata instanceof SkimmedDict)) return null;
	const text = (found: unknown): string | null => (typeof found === "string" && found !== "" ? found : null);
	const type = TYPES[text(metadata.data_type) ?? ""] ?? "unknown";
	return { symbol: text(metadata.symbol), type, source: text(metadata.data_source) };
}
