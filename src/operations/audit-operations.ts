import type { AuditEntry, AuditFilter } from "../audit/port.js";
import type { Actor } from "../core/actor.js";
import { DAY_MS } from "../core/clock.js";
import { exported } from "./audit-export.js";
import type { Dependencies } from "./dependencies.js";
import { badInput, pageOf } from "./input.js";
import type { Operations } from "./operations.js";
import { isAdmin, permit } from "./permission.js";

const MAX_PAGE = 200;
const DEFAULT_PAGE = 20;
const MAX_DAYS = 3650;

/** What the actor may see of what the filter asks for: one's own entries, ADMIN all. Null when that is nothing. */
function visible(actor: Actor, filter: AuditFilter): AuditFilter | null {
	if (isAdmin(actor)) return filter;
	if (filter.userId !== undefined && filter.userId !== actor.id) return null;
	return { ...filter, userId: actor.id };
}

/** The live stream's filter, as the log's page applies it. */
export function auditMatches(filter: AuditFilter, entry: AuditEntry): boolean {
	if (filter.userId !== undefined && entry.userId !== filter.userId) return false;
	if (filter.actionTypes !== undefined && !filter.actionTypes.includes(entry.actionType)) return false;
	if (filter.success !== undefined && entry.success !== filter.success) return false;
	if (filter.since !== undefined && entry.timestamp < filter.since) return false;
	if (filter.until !== undefined && entry.timestamp >= filter.until) return false;
	if (filter.jobId !== undefined && entry.jobId !== filter.jobId) return false;
	if (filter.foreign !== undefined && (entry.origin === null) !== filter.foreign) return false;
	if (filter.keyword === undefined || filter.keyword === "") return true;
	const text = [entry.action, entry.username, JSON.stringify(entry.details), entry.errorCode ?? ""].join("\n").toLowerCase();
	return text.includes(filter.keyword.toLowerCase());
}

export function auditOperations(
	deps: Dependencies,
): Pick<Operations, "auditLog" | "exportAudit" | "auditStats" | "auditVerify" | "auditLogAdded"> {
	const { audit, live, clock } = deps;
	return {
		async auditLog(call, filter, page) {
			const mine = visible(permit(call, "auditLog"), filter ?? {});
			const request = pageOf(page, MAX_PAGE, DEFAULT_PAGE);
			if (mine === null) return { items: [], hasNextPage: false, hasPreviousPage: false, totalCount: 0, liveCursor: await audit.head() };
			return audit.page(mine, request);
		},

		async exportAudit(call, filter, format) {
			return exported(deps, visible(permit(call, "auditLog"), filter ?? {}), format, call.locale);
		},

		async auditStats(call, days, timeZone) {
			const actor = permit(call, "auditStats");
			if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
				throw badInput({ key: "error.outOfRange", facts: { name: "days", range: `1–${MAX_DAYS}`, value: days } });
			const zone = timeZone ?? "UTC";
			if (!isTimeZone(zone)) throw badInput({ key: "error.outOfRange", facts: { name: "timeZone", range: "IANA", value: zone } });
			const filter = visible(actor, { since: clock.now() - days * DAY_MS });
			return audit.stats(filter ?? {}, zone);
		},

		async auditVerify(call, since, until) {
			permit(call, "auditVerify");
			return audit.verify({ since, until });
		},

		async auditLogAdded(call, after, filter) {
			const actor = permit(call, "auditLogAdded");
			const mine = visible(actor, filter ?? {});
			return live.audit(after, (entry) => mine !== null && auditMatches(mine, entry));
		},
	};
}

function isTimeZone(name: string): boolean {
	try {
		return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
	} catch {
		return false;
	}
}
