import type { Said } from "../core/errors.js";
import { say } from "../core/messages/catalogue.js";
import type { AuditEntry } from "./port.js";

/** What a keyword is looked for in: action, user name, details, and the error in both languages. */
export function entryText(entry: Pick<AuditEntry, "action" | "username" | "details" | "errorMessage">): string {
	return [entry.action, entry.username, JSON.stringify(entry.details), ...messageTexts(entry.errorMessage)].join("\n");
}

function messageTexts(message: Said | string | null): string[] {
	if (message === null) return [];
	return typeof message === "string" ? [message] : [say("en", message), say("zh", message)];
}
