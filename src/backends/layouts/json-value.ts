/**
 * JSON values of the field: an object whose `data` comes first and may be of any size, and whose last fields say what it is.
 * The end of the text tells them, without the rest.
 */

export interface ValueFields {
	readonly symbol: string | null;
	readonly source: string | null;
	/** As written; its zone is a matter of configuration. */
	readonly createdAt: string | null;
}

/** Inside of a string of the value every quote has a backslash before it, so that what is found is a field of the object itself. */
const TEXT_FIELD = /(?<!\\)"(symbol|data_source)"\s*:\s*("(?:[^"\\]|\\.)*")/g;
const LAST_FIELD = /(?<!\\)"created_at"\s*:\s*"([^"\\]*)"\s*\}\s*$/;

/** All of it at once, as the field's programs write it. */
const USUAL = /(?<!\\)"symbol": "([^"\\]*)", "data_source": "([^"\\]*)"(?:, "[a-z_]+": "[^"\\]*")*, "created_at": "([^"\\]*)"\}$/;

/** `tail` is the last bytes of the value; its first character may be cut. Null when that is not the end of a JSON object. */
export function readValueTail(tail: Buffer): ValueFields | null {
	const text = tail.toString("utf8");
	const usual = USUAL.exec(text);
	if (usual !== null) return { symbol: usual[1] || null, source: usual[2] || null, createdAt: usual[3] ?? null };
	if (!/\}\s*$/.test(text)) return null;
	const found: { symbol: string | null; data_source: string | null } = { symbol: null, data_source: null };
	for (const [, name, quoted] of text.matchAll(TEXT_FIELD)) found[name as keyof typeof found] = unquoted(quoted as string);
	return { symbol: found.symbol, source: found.data_source, createdAt: LAST_FIELD.exec(text)?.[1] ?? null };
}

function unquoted(quoted: string): string | null {
	try {
		return (JSON.parse(quoted) as string) || null;
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
}

/** `<prefix><symbol>:<16 hex>`; null for keys of another form. Symbols may hold colons. */
export function symbolOfKey(key: string, prefix: string): string | null {
	return key.startsWith(prefix) ? (/^(.+):[0-9a-f]{16}$/.exec(key.slice(prefix.length))?.[1] ?? null) : null;
}
