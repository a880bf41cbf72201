import { DAY_MS } from "../../core/clock.js";

const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d){0,2})?$/;

/**
 * A time as Python's `datetime.isoformat()` writes it, in milliseconds since the epoch; finer parts are cut off. Without
 * an offset it is local time of `timeZone`. Null for anything else, and for times before 1970: no cache is that old, so
 * such a text is a mistake of its writer.
 */
export function parseWrittenTime(text: string, timeZone: string): number | null {
	const usual = usualTime(text);
	if (usual !== null) return fromLocal(usual.wall, usual.midnight, timeZone);
	const match = WRITTEN.exec(text);
	if (!match) return null;
	const year = Number(match[1]);
	const month = Number(match[2]);
	const day = Number(match[3]);
	const hour = Number(match[4]);
	const minute = Number(match[5]);
	const second = match[6] === undefined ? 0 : Number(match[6]);
	if (year < 1970 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return null;
	const midnight = Date.UTC(year, month - 1, day);
	if (day > 28 && new Date(midnight).getUTCDate() !== day) return null;
	const milliseconds = match[7] === undefined ? 0 : Number(match[7].slice(0, 3).padEnd(3, "0"));
	const wall = midnight + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds;
	const zone = match[8];
	if (zone === undefined) return fromLocal(wall, midnight, timeZone);
	const offset = parseOffset(zone);
	return offset === null ? null : wall - offset;
}

/** `2026-11-22T10:15:30.123456`, as nearly all are, in a fifth of the time; null for every other form, and for days that not every month has. */
function usualTime(text: string): { readonly wall: number; readonly midnight: number } | null {
	if (text.length !== USUAL.length) return null;
	for (let at = 0; at < USUAL.length; at++) {
		const code = text.charCodeAt(at);
		if (USUAL.charCodeAt(at) === ZERO ? code < ZERO || code > NINE : code !== USUAL.charCodeAt(at)) return null;
	}
	const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
	const month = twoDigits(text, 5);
	const day = twoDigits(text, 8);
	const hour = twoDigits(text, 11);
	const minute = twoDigits(text, 14);
	const second = twoDigits(text, 17);
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59) return null;
	const midnight = Date.UTC(year, month - 1, day);
	const milliseconds = twoDigits(text, 20) * 10 + text.charCodeAt(22) - ZERO;
	return { wall: midnight + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds, midnight };
}

const USUAL = "0000-00-00T00:00:00.000000";
const ZERO = 48;
const NINE = 57;

function twoDigits(text: string, at: number): number {
	return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}

/** The other direction: an instant as `datetime.now().isoformat()` writes it in that zone, without an offset. */
export function writeLocalTime(instant: number, timeZone: string): string {
	return `${new Date(instant + offsetAt(zoneOf(timeZone), instant)).toISOString().slice(0, -1)}000`;
}

function parseOffset(zone: string): number | null {
	if (zone === "Z") return 0;
	const digits = zone.slice(1).replaceAll(":", "");
	const hours = Number(digits.slice(0, 2));
	const minutes = Number(digits.slice(2, 4));
	const seconds = Number(digits.slice(4, 6));
	if (hours > 23 || minutes > 59 || seconds > 59) return null;
	return (zone.startsWith("-") ? -1000 : 1000) * ((hours * 60 + minutes) * 60 + seconds);
}

interface Zone {
	readonly formatter: Intl.DateTimeFormat;
	/** Offset by local day (its midnight read as UTC) where none begins or ends near it, else null. */
	readonly days: Map<number, number | null>;
}
const zones = new Map<string, Zone>();
/** Bounds the memory when times are spread over centuries. */
const MAX_DAYS = 4096;

function zoneOf(timeZone: string): Zone {
	let zone = zones.get(timeZone);
	if (!zone) {
		zone = { formatter: new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" }), days: new Map() };
		zones.set(timeZone, zone);
	}
	return zone;
}

/** Milliseconds that the zone's clocks are ahead of UTC at that instant. */
function offsetAt(zone: Zone, instant: number): number {
	const shown = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(zone.formatter.format(instant));
	if (!shown?.[1]) return 0;
	const seconds = (Number(shown[2]) * 60 + Number(shown[3])) * 60 + Number(shown[4] ?? 0);
	return (shown[1] === "-" ? -1000 : 1000) * seconds;
}

/**
 * Wall-clock time to instant. A time that occurred twice is the first of the two, one that was skipped is read with the
 * offset before the gap; both as Python's naive datetimes with fold=0 (PEP 495).
 */
function fromLocal(wall: number, midnight: number, timeZone: string): number {
	const zone = zoneOf(timeZone);
	let offset = zone.days.get(midnight);
	if (offset === undefined) {
		offset = offsetAt(zone, midnight - DAY_MS);
		for (const days of [0, 1, 2]) if (offset !== offsetAt(zone, midnight + days * DAY_MS)) offset = null;
		if (zone.days.size >= MAX_DAYS) zone.days.clear();
		zone.days.set(midnight, offset);
	}
	if (offset !== null) return wall - offset;
	const before = offsetAt(zone, wall - DAY_MS);
	const after = offsetAt(zone, wall + DAY_MS);
	const early = wall - Math.max(before, after);
	const late = wall - Math.min(before, after);
	if (early + offsetAt(zone, early) === wall) return early;
	if (late + offsetAt(zone, late) === wall) return late;
	return wall - before;
}
