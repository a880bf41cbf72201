/**
 * Walks the log in order and names what was changed, in memory that does not grow with it. Shared by every adapter: they
 * differ in how rows are read, not in what makes them genuine.
 *
 * Each row carries the seal of the row before it (`previousHash`), so a row proves itself (`hash` is the seal of its content)
 * and then its place (`previousHash` is the seal of the genuine row before it). Rows that do not prove themselves wait for the
 * next one that does: when that one follows the last genuine row without them, they were inserted, else edited.
 */
import type { MessageKey } from "../core/messages/catalogue.js";
import { GENESIS, type SequencedEntry, sameDigest, sealOf } from "./chain.js";
import type { AuditProblem } from "./port.js";

export interface ChainRow {
	readonly entry: SequencedEntry;
	readonly previousHash: string;
	readonly hash: string;
}

/** Where verification stands between two slices; plain data. */
export interface VerifierState {
	/** The last genuine row, or what stands for it at the start; `hash` null when nothing is known of it. */
	readonly last: { readonly sequence: number; readonly hash: string | null };
	/** Rows after it that did not prove themselves, not yet judged. */
	readonly suspects: readonly { readonly sequence: number; readonly entryId: string }[];
	readonly checked: number;
}

/** More suspects in a row than this are judged without waiting for a genuine one. */
const MAX_SUSPECTS = 1000;

export function startVerifying(anchor: VerifierState["last"] = { sequence: 0, hash: GENESIS }): VerifierState {
	return { last: anchor, suspects: [], checked: 0 };
}

export function verifyRows(
	secret: string,
	state: VerifierState,
	rows: readonly ChainRow[],
): { readonly state: VerifierState; readonly problems: AuditProblem[] } {
	let { last } = state;
	let suspects = [...state.suspects];
	const problems: AuditProblem[] = [];
	for (const row of rows) {
		const { sequence } = row.entry;
		if (!sameDigest(sealOf(secret, row.previousHash, row.entry), row.hash)) {
			suspects.push({ sequence, entryId: row.entry.id });
			if (suspects.length < MAX_SUSPECTS) continue;
			problems.push(...missingBefore(last.sequence, suspects, sequence + 1), ...suspects.map(edited));
			last = { sequence, hash: null };
			suspects = [];
			continue;
		}
		if (last.hash === null || row.previousHash === last.hash) {
			// Numbers between that no row holds belonged to inserted rows: nothing genuine is missing.
			problems.push(...suspects.map(last.hash === null ? edited : inserted));
		} else {
			problems.push(...missingBefore(last.sequence, suspects, sequence), ...suspects.map(edited));
			if (suspects.length === 0 && sequence === last.sequence + 1) problems.push(problem("MISSING", sequence, null, "audit.problem.link"));
		}
		last = { sequence, hash: row.hash };
		suspects = [];
	}
	return { state: { last, suspects, checked: state.checked + rows.length }, problems };
}

/** What the end of the log says: `head` is the newest row that was signed outside the store, null when the range ends before. */
export function finishVerifying(
	state: VerifierState,
	head: { readonly sequence: number; readonly hash: string; readonly id: string | null } | null,
): AuditProblem[] {
	const { last, suspects } = state;
	const newest = suspects.at(-1)?.sequence ?? last.sequence;
	const signedUpTo = head?.sequence ?? Number.POSITIVE_INFINITY;
	const signed = suspects.filter(({ sequence }) => sequence <= signedUpTo);
	const unsigned = suspects.filter(({ sequence }) => sequence > signedUpTo);
	const problems: AuditProblem[] = [
		...missingBefore(last.sequence, signed, (signed.at(-1)?.sequence ?? last.sequence) + 1),
		...signed.map(edited),
	];
	problems.push(...unsigned.map(inserted));
	if (head !== null && head.sequence > (signed.at(-1)?.sequence ?? last.sequence)) {
		const from = (signed.at(-1)?.sequence ?? last.sequence) + 1;
		problems.push({
			kind: "TAIL_CUT",
			sequence: from,
			entryId: from === head.sequence ? head.id : null,
			said: { key: "audit.problem.tailCut", facts: { from, to: head.sequence } },
		});
	} else if (head !== null && newest === head.sequence && last.sequence === head.sequence && last.hash !== null && last.hash !== head.hash)
		problems.push(problem("EDITED", head.sequence, head.id, "audit.problem.otherHead"));
	return problems;
}

/** Numbers between the last genuine row and `end` that no row holds, in runs. */
function missingBefore(last: number, suspects: readonly { readonly sequence: number }[], end: number): AuditProblem[] {
	const problems: AuditProblem[] = [];
	let next = last + 1;
	for (const sequence of [...suspects.map((suspect) => suspect.sequence), end]) {
		if (sequence > next) problems.push({ kind: "MISSING", sequence: next, entryId: null, said: missing(next, sequence - 1) });
		next = sequence + 1;
	}
	return problems;
}

function missing(from: number, to: number): AuditProblem["said"] {
	return from === to
		? { key: "audit.problem.missing", facts: { sequence: from } }
		: { key: "audit.problem.missingRun", facts: { from, to, count: to - from + 1 } };
}

function edited(row: { readonly sequence: number; readonly entryId: string }): AuditProblem {
	return problem("EDITED", row.sequence, row.entryId, "audit.problem.edited");
}

function inserted(row: { readonly sequence: number; readonly entryId: string }): AuditProblem {
	return problem("INSERTED", row.sequence, row.entryId, "audit.problem.inserted");
}

function problem(kind: AuditProblem["kind"], sequence: number, entryId: string | null, key: MessageKey): AuditProblem {
	return { kind, sequence, entryId, said: { key, facts: { sequence } } };
}
