/** The last line that keeps secrets out of the audit log; operations do not hand them in to begin with. */

export const REDACTED = "[redacted]";
const SECRET_NAME = /token|passw|passphrase|secret|authori[sz]ation|cookie|credential|api[-_]?key|private[-_]?key/i;
// Bounded, so that no text makes them slow.
const BEARER = /\b(bearer|basic)\s{1,8}[\w.~+/=-]{8,}/gi;
const JWT = /\beyJ[\w-]{5,2000}\.[\w-]{5,2000}\.[\w-]{0,2000}/g;
const URL_PASSWORD = /\b([a-z][a-z\d+.-]{0,20}:\/\/[^\s/:@]{0,100}):[^\s/@]{1,200}@/gi;

/** What has none of these is none of those. */
const SUSPICIOUS = /eyJ|:\/\/|bearer|basic/i;

/** Longer texts are cut: an entry says what was done, it does not keep it. */
const MAX_TEXT = 4096;
const MAX_DETAILS = 65_536;

/** The same value as plain JSON data, without members named like secrets and without texts that look like them. */
export function withoutSecrets(value: unknown): unknown {
	if (typeof value === "string") return textWithoutSecrets(value);
	if (Array.isArray(value)) return value.map(withoutSecrets);
	if (value instanceof Date) return value.toISOString();
	if (typeof value !== "object" || value === null) return value;
	return Object.fromEntries(
		Object.entries(value)
			.filter(([, member]) => member !== undefined)
			.map(([name, member]) => [name, isSecretName(name) && member !== null ? REDACTED : withoutSecrets(member)]),
	);
}

export function isSecretName(name: string): boolean {
	return SECRET_NAME.test(name);
}

export function textWithoutSecrets(text: string): string {
	const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
	if (!SUSPICIOUS.test(short)) return short;
	return short.replace(BEARER, `$1 ${REDACTED}`).replace(JWT, REDACTED).replace(URL_PASSWORD, `$1:${REDACTED}@`);
}

/** Details that are too large for an entry are left out, and their size is said instead. */
export function ofBoundedSize(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
	const size = JSON.stringify(details).length;
	return size <= MAX_DETAILS ? details : { omitted: true, characters: size };
}
