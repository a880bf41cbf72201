import type { Said } from "../../core/errors.js";
import type { MessageKey } from "../../core/messages/catalogue.js";

/** One thing that the doctor looked at. A warning works, but not well or not for long. */
export interface Check {
	readonly id: string;
	readonly level: "ok" | "warning" | "fault";
	readonly said: Said;
	/** Null when there is nothing to mend. */
	readonly remedy: Said | null;
}

export function ok(id: string, key: MessageKey, facts: Said["facts"] = {}): Check {
	return { id, level: "ok", said: { key, facts }, remedy: null };
}

export function wrong(level: "warning" | "fault", id: string, key: MessageKey, remedy: MessageKey, facts: Said["facts"] = {}): Check {
	return { id, level, said: { key, facts }, remedy: { key: remedy, facts } };
}
