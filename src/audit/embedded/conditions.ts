import type { SqlValue } from "../../store/database.js";
import type { AuditFilter } from "../port.js";
import { searchCondition } from "./search-text.js";

/** The tables and conditions of a filter; `e` is the entry. The search index comes first, so that it gives rows in their order. */
export function filtered(filter: AuditFilter): { readonly from: string; readonly where: string; readonly values: SqlValue[] } {
	const conditions: string[] = [];
	const values: SqlValue[] = [];
	function add(condition: string, value: SqlValue): void {
		conditions.push(condition);
		values.push(value);
	}
	const searched = filter.keyword !== undefined && filter.keyword !== "";
	if (searched) {
		const search = searchCondition(filter.keyword);
		add(search.sql, search.value);
	}
	if (filter.userId !== undefined) add("e.user_id = ?", filter.userId);
	if (filter.actionTypes !== undefined) add("e.action_type IN (SELECT value FROM json_each(?))", JSON.stringify(filter.actionTypes));
	if (filter.success !== undefined) add("e.success = ?", filter.success ? 1 : 0);
	if (filter.since !== undefined) add("e.timestamp >= ?", filter.since);
	if (filter.until !== undefined) add("e.timestamp <= ?", filter.until);
	if (filter.jobId !== undefined) add("e.job_id = ?", filter.jobId);
	// No other program writes into the embedded store.
	if (filter.foreign === true) conditions.push("0");
	return {
		from: searched ? "audit_search CROSS JOIN audit_entries e ON e.sequence = audit_search.rowid" : "audit_entries e",
		where: conditions.length === 0 ? "1" : conditions.join(" AND "),
		values,
	};
}
