import { isSecretName, REDACTED, textWithoutSecrets } from "../redact.js";

const MAX_DEPTH = 40;
const LONE_SURROGATE = /\p{Surrogate}/gu;
const ANY_SURROGATE = /[\ud800-\udfff]/;
/** Names of members are few, unless somebody makes them up. */
const MAX_NAMES = 2_000;

interface Name {
	readonly stored: string;
	readonly secret: boolean;
}
const names = new Map<string, Name>();

/**
 * The same data without secrets and as BSON keeps it: whole text, names that mean nothing to the driver, bounded depth. What
 * is signed is what comes back.
 */
export function storedValue(value: unknown, depth = 0): unknown {
	if (typeof value === "string") return wholeText(textWithoutSecrets(value));
	if (typeof value === "number") return Number.isFinite(value) ? value : null;
	if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
	if (value instanceof Date) return value.toISOString();
	if (depth >= MAX_DEPTH) return "…";
	if (Array.isArray(value)) return value.map((item) => storedValue(item ?? null, depth + 1));
	return storedMembers(value as Readonly<Record<string, unknown>>, depth);
}

function storedMembers(members: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
	const kept: Record<string, unknown> = {};
	for (const name of Object.keys(members)) {
		const member = members[name];
		if (member === undefined) continue;
		const { stored, secret } = nameOf(name);
		const value = secret && member !== null ? REDACTED : storedValue(member, depth + 1);
		// Assigned, it would be no member.
		if (stored === "__proto__") Object.defineProperty(kept, stored, { value, enumerable: true, configurable: true, writable: true });
		else kept[stored] = value;
	}
	return kept;
}

function nameOf(name: string): Name {
	const known = names.get(name);
	if (known !== undefined) return known;
	const made = { stored: storedName(name), secret: isSecretName(name) };
	if (names.size < MAX_NAMES && name.length < 100) names.set(name, made);
	return made;
}

function storedName(name: string): string {
	return wholeText(name)
		.replaceAll("\0", "␀")
		.replace(/^\$/, "＄")
		.replace(/^_bsontype$/, "bsontype");
}

function wholeText(text: string): string {
	return ANY_SURROGATE.test(text) ? text.replace(LONE_SURROGATE, "\ufffd") : text;
}
