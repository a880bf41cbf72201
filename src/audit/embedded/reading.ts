import { CachewardenError } from "../../core/errors.js";
import type { PageRequest } from "../../core/page.js";
import type { Db } from "../../store/database.js";
import { type Checkpoint, firstCheckpoint, readCheckpoint } from "../checkpoint-file.js";
import { cursorOf, placeOf } from "../cursor.js";
import type { AuditEntry, AuditFilter, AuditProblem } from "../port.js";
import { finishVerifying, startVerifying, type VerifierState, verifyRows } from "../verifier.js";
import { filtered } from "./conditions.js";
import { chainRowOf, type EntryRow, entryOf } from "./rows.js";
import type { AuditOptions } from "./writing.js";

/** Other readers wait for one slice at most. */
const VERIFY_SLICE = 500;
const QUARTER_HOUR_MS = 900_000;

type Item = { readonly cursor: string; readonly entry: AuditEntry };

/** Rows that remain to be verified: up to and with `end`, `toHead` when the log's end is among them. */
export interface VerifierWork {
	readonly state: VerifierState;
	readonly end: number;
	readonly checkpoint: Checkpoint | null;
}

export function auditReads(db: Db, options: AuditOptions) {
	const state = db.prepare("SELECT value FROM audit_state WHERE name = ?");
	const log = (state.row<{ value: string }>("log") as { value: string }).value;
	const one = db.prepare("SELECT * FROM audit_entries WHERE id = ?");
	const newest = db.prepare("SELECT max(sequence) AS sequence FROM audit_entries");
	const following = db.prepare("SELECT * FROM audit_entries WHERE sequence > ? ORDER BY sequence LIMIT ?");
	const range = db.prepare("SELECT * FROM audit_entries WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?");
	const before = db.prepare("SELECT sequence, hash FROM audit_entries WHERE sequence < ? ORDER BY sequence DESC LIMIT 1");
	const firstFrom = db.prepare("SELECT min(sequence) AS sequence FROM audit_entries WHERE timestamp >= ?");
	const lastUntil = db.prepare("SELECT max(sequence) AS sequence FROM audit_entries WHERE timestamp <= ?");

	function cut(): number {
		return Number(state.row<{ value: string }>("cut")?.value ?? 0);
	}

	function head(): string {
		return cursorOf(log, Math.max(newest.row<{ sequence: number | null }>()?.sequence ?? 0, cut()));
	}

	function sequenceAfter(cursor: string): number {
		const place = placeOf(cursor);
		if (place.log !== log || place.sequence < cut()) throw new CachewardenError("CURSOR_EXPIRED");
		return place.sequence;
	}

	return {
		get: (id: string): AuditEntry | null => {
			const row = one.row<EntryRow>(id);
			return row === undefined ? null : entryOf(row);
		},

		head,

		readAfter({ cursor, limit }: { readonly cursor: string; readonly limit: number }): readonly Item[] {
			return following
				.rows<EntryRow>(sequenceAfter(cursor), limit)
				.map((row) => ({ cursor: cursorOf(log, row.sequence), entry: entryOf(row) }));
		},

		page({ filter, page }: { readonly filter: AuditFilter; readonly page: PageRequest }) {
			const { from, where, values } = filtered(filter);
			const at = page.cursor === null ? null : placeOf(page.cursor).sequence;
			const [older, newer] = ["e.sequence < ?", "e.sequence > ?"];
			const [onward, order, behind] = page.direction === "forward" ? [older, "DESC", newer] : [newer, "ASC", older];
			const rows = db
				.prepare(`SELECT e.* FROM ${from} WHERE ${where}${at === null ? "" : ` AND ${onward}`} ORDER BY e.sequence ${order} LIMIT ?`)
				.rows<EntryRow>(...values, ...(at === null ? [] : [at]), page.limit + 1);
			const more = rows.length > page.limit;
			const shown = rows.slice(0, page.limit);
			if (page.direction === "backward") shown.reverse();
			// The cursor's own entry lies behind it, unless it does not match or is gone.
			const sideways = page.direction === "forward" ? behind.replace(">", ">=") : behind.replace("<", "<=");
			const others =
				at !== null && db.prepare(`SELECT 1 FROM ${from} WHERE ${where} AND ${sideways} LIMIT 1`).rows(...values, at).length > 0;
			return {
				items: shown.map((row) => ({ cursor: cursorOf(log, row.sequence), node: entryOf(row) })),
				hasNextPage: page.direction === "forward" ? more : others,
				hasPreviousPage: page.direction === "forward" ? others : more,
				totalCount: (
					db.prepare(`SELECT count(*) AS count FROM ${from} WHERE ${where}`).row<{ count: number }>(...values) as { count: number }
				).count,
				liveCursor: head(),
			};
		},

		slice({
			filter,
			cursor,
			limit,
		}: {
			readonly filter: AuditFilter;
			readonly cursor: string | null;
			readonly limit: number;
		}): readonly Item[] {
			const { from, where, values } = filtered(filter);
			const older = cursor === null ? Number.MAX_SAFE_INTEGER : placeOf(cursor).sequence;
			return db
				.prepare(`SELECT e.* FROM ${from} WHERE ${where} AND e.sequence < ? ORDER BY e.sequence DESC LIMIT ?`)
				.rows<EntryRow>(...values, older, limit)
				.map((row) => ({ cursor: cursorOf(log, row.sequence), entry: entryOf(row) }));
		},

		/** Counts by action type and outcome, and by quarter of an hour since 1970: every zone's hours are made of those. */
		stats(filter: AuditFilter) {
			const { from, where, values } = filtered(filter);
			return {
				byType: db
					.prepare(`SELECT e.action_type AS actionType, e.success, count(*) AS count FROM ${from} WHERE ${where} GROUP BY 1, 2`)
					.rows<{ actionType: string; success: number; count: number }>(...values),
				byQuarter: db
					.prepare(
						`SELECT CAST(e.timestamp / ${QUARTER_HOUR_MS} AS INTEGER) AS quarter, count(*) AS count FROM ${from} WHERE ${where} GROUP BY 1`,
					)
					.rows<{ quarter: number; count: number }>(...values)
					.map(({ quarter, count }) => ({ at: quarter * QUARTER_HOUR_MS, count })),
			};
		},

		/** The checkpoint is read before the rows: the store is never behind it. */
		verifyStart({ since, until }: { readonly since: number | null; readonly until: number | null }) {
			const { newest: kept, forged } = readCheckpoint(options.checkpointFile, log, options.secret);
			const anchor = (kept ?? firstCheckpoint(log)).cut;
			const first = since === null ? null : (firstFrom.row<{ sequence: number | null }>(since)?.sequence ?? Number.MAX_SAFE_INTEGER);
			const last = until === null ? null : (lastUntil.row<{ sequence: number | null }>(until)?.sequence ?? 0);
			const start = first === null || first <= anchor.sequence + 1 ? anchor : (before.row<typeof anchor>(first) ?? anchor);
			const problems: AuditProblem[] = [];
			if (forged)
				problems.push({ kind: "EDITED", sequence: null, entryId: null, said: { key: "audit.problem.checkpointForged", facts: {} } });
			const restartedAt = kept === null ? (newest.row<{ sequence: number | null }>()?.sequence ?? null) : kept.restartedAt;
			if (restartedAt !== null && !forged)
				problems.push({
					kind: "TAIL_CUT",
					sequence: restartedAt,
					entryId: null,
					said: { key: "audit.problem.checkpointMissing", facts: { sequence: restartedAt } },
				});
			// The end of the log belongs to a range that reaches up to its newest entry.
			const toHead = last === null || last >= (newest.row<{ sequence: number | null }>()?.sequence ?? 0);
			const work: VerifierWork = {
				state: startVerifying(start),
				end: last ?? Number.MAX_SAFE_INTEGER,
				checkpoint: toHead ? kept : null,
			};
			return { work, problems };
		},

		/** Some more rows; `work` null when all are done. */
		verifySome(work: VerifierWork): {
			readonly work: VerifierWork | null;
			readonly state: VerifierState;
			readonly problems: readonly AuditProblem[];
		} {
			const kept = readCheckpoint(options.checkpointFile, log, options.secret).newest;
			const { suspects } = work.state;
			const from = suspects.at(-1)?.sequence ?? work.state.last.sequence;
			// Retention went past us: go on from its cut.
			const start = kept !== null && kept.cut.sequence > from ? { ...work.state, last: kept.cut, suspects: [] } : work.state;
			const rows = range.rows<EntryRow>(start.suspects.at(-1)?.sequence ?? start.last.sequence, work.end, VERIFY_SLICE);
			const { state, problems } = verifyRows(options.secret, start, rows.map(chainRowOf));
			if (rows.length === VERIFY_SLICE) return { work: { ...work, state }, state, problems };
			const end = finishVerifying(state, work.checkpoint?.head ?? null);
			return { work: null, state, problems: [...problems, ...end] };
		},
	};
}
