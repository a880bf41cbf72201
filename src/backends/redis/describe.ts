/** From what the server told of a key to an entry. */
import type { RedisNamespace } from "../../config/redis.js";
import { HOUR_MS } from "../../core/clock.js";
import type { ReportedEntry } from "../entry-source.js";
import { readValueTail, symbolOfKey } from "../layouts/json-value.js";
import type { LayoutSettings } from "../layouts/layout.js";
import { parseWrittenTime } from "../layouts/local-time.js";
import { hoursToLive, readPickle } from "../layouts/pickle-layout.js";
import { pickledTime } from "../layouts/pickle-time.js";
import { fingerprintOf, sizeOf, type ToldKey } from "./fingerprint.js";
import { PROOF_BYTES } from "./scripts.js";

/** The last fields of a JSON value: symbol, source and time. */
const JSON_TAIL_BYTES = 256;
/** What follows `data` in a pickle: names and times of a few hundred bytes. */
const PICKLE_TAIL_BYTES = 1_024;
/** Read of a pickle whose end told nothing. Never more: values may be of any size. */
export const DEEP_TAIL_BYTES = 65_536;

export interface DescribedKey extends ToldKey {
	readonly key: string;
	/** Seconds; -1 when the server does not know it. */
	readonly idle: number;
}

/** Bytes of each value that are read. */
export function tailBytesOf({ format }: RedisNamespace): number {
	return { json: JSON_TAIL_BYTES, pickle: PICKLE_TAIL_BYTES, other: PROOF_BYTES }[format];
}

/** True when more of the value may tell what its tail did not. */
export function isUntold(told: DescribedKey, { format }: RedisNamespace): boolean {
	return (
		format === "pickle" &&
		told.length > told.tail.length &&
		told.tail.length < DEEP_TAIL_BYTES &&
		readPickle(told.tail, told.length) === null
	);
}

interface Meaning {
	readonly type: string;
	readonly symbol: string | null;
	readonly source: string | null;
	readonly createdAt: string | null;
	readonly timeToLiveMs: number | null;
	readonly broken: boolean;
}

/** `now`: when the server told it, in milliseconds. */
export function describeKey(told: DescribedKey, namespace: RedisNamespace, settings: LayoutSettings, now: number): ReportedEntry {
	const { key, expires, idle, length } = told;
	const meaning = length < 0 ? nothingOf(namespace) : meaningOf(told, namespace, settings);
	const recorded = meaning.createdAt === null ? null : parseWrittenTime(meaning.createdAt, settings.timeZone);
	const derived = recorded ?? createdFromExpiry(expires, meaning.timeToLiveMs, now);
	return {
		key,
		type: meaning.type,
		symbol: meaning.symbol,
		source: meaning.source,
		size: sizeOf(told),
		createdAt: derived,
		createdAtSource: recorded !== null ? "RECORDED" : derived !== null ? "EXPIRY" : "UNKNOWN",
		lastAccessedAt: idle < 0 ? null : (Math.floor(now / 1000) - idle) * 1000,
		expiresAt: expires < 0 ? null : expires,
		hitCount: null,
		orphaned: false,
		brokenMetadata: meaning.broken,
		locator: key,
		fingerprint: fingerprintOf(told),
	};
}

/** One that has longer to live than its namespace gives was not given that time: nothing is known of its age then. */
function createdFromExpiry(expires: number, timeToLiveMs: number | null, now: number): number | null {
	if (expires < 0 || timeToLiveMs === null) return null;
	const createdAt = expires - timeToLiveMs;
	return createdAt > now ? null : createdAt;
}

function nothingOf({ type, timeToLiveMs }: RedisNamespace): Meaning {
	return { type: type ?? "unknown", symbol: null, source: null, createdAt: null, timeToLiveMs, broken: true };
}

function meaningOf(told: DescribedKey, namespace: RedisNamespace, settings: LayoutSettings): Meaning {
	const { type, timeToLiveMs, format, keys } = namespace;
	if (format === "other") return { ...nothingOf(namespace), broken: false };
	if (format === "pickle") {
		const read = readPickle(told.tail, told.length);
		if (read === null) return nothingOf(namespace);
		const hours = hoursToLive(read.type, read.symbol, settings);
		return {
			type: type ?? read.type,
			symbol: read.symbol,
			source: read.source,
			createdAt: pickledTime(told.tail),
			timeToLiveMs: timeToLiveMs ?? (hours === null ? null : hours * HOUR_MS),
			broken: false,
		};
	}
	const read = readValueTail(told.tail);
	const symbol = read?.symbol ?? (keys.kind === "prefix" ? symbolOfKey(told.key, keys.prefix) : null);
	return {
		type: type ?? "unknown",
		symbol,
		source: read?.source ?? null,
		createdAt: read?.createdAt ?? null,
		timeToLiveMs,
		broken: read === null,
	};
}
