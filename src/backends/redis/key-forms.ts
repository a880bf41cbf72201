import type { KeyForm, RedisNamespace } from "../../config/redis.js";

const HEX32 = /^[0-9a-f]{32}$/;
/** What stands in a text for bytes that are no UTF-8. Such a key cannot be named, so it is never an entry. */
const UNREADABLE = "\ufffd";

export function hasForm(key: string, form: KeyForm): boolean {
	if (key.includes(UNREADABLE)) return false;
	return form.kind === "prefix" ? key.startsWith(form.prefix) : key.length === 32 && HEX32.test(key);
}

/** The namespace that a key belongs to; null for foreign keys. No key belongs to two. */
export function namespaceOf(key: string, namespaces: readonly RedisNamespace[]): RedisNamespace | null {
	return namespaces.find(({ keys }) => hasForm(key, keys)) ?? null;
}

/** A pattern of the server that matches exactly these keys: `*`, `?`, `[` and `\` in a prefix stand for themselves. */
export function globOf(form: KeyForm): string {
	return form.kind === "prefix" ? `${form.prefix.replace(/[*?[\]\\^]/g, "\\$&")}*` : "[0-9a-f]".repeat(32);
}
