/**
 * The `timestamp` of the field's pickles: a datetime without a zone, which pickles as the class and ten bytes of state.
 * Source: CPython, Lib/_pydatetime.py, `datetime._getstate`.
 */
const STATE = /C\n([\s\S]{10})\x94?\x85\x94?R/g;
/** The bit of the month's byte that says the second of two equal local times. */
const FOLD = 0x80;

/** As `isoformat()` writes it; null when the tail holds none. What lies before `metadata` belongs to the data. */
export function pickledTime(tail: Buffer): string | null {
	const text = tail.toString("latin1");
	const after = text.lastIndexOf("metadata");
	const state = after < 0 ? undefined : [...text.slice(after).matchAll(STATE)].at(-1)?.[1];
	if (state === undefined) return null;
	const bytes = Buffer.from(state, "latin1");
	const at = (index: number): number => bytes[index] as number;
	const [year, month, day, hour, minute, second] = [at(0) * 256 + at(1), at(2) & ~FOLD, at(3), at(4), at(5), at(6)];
	const microseconds = bytes.readUIntBE(7, 3);
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59 || microseconds > 999_999) return null;
	const two = (value: number): string => String(value).padStart(2, "0");
	const micros = String(microseconds).padStart(6, "0");
	return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.${micros}`;
}
