import type { AuditProblem, AuditVerification } from "../port.js";
import { finishVerifying, startVerifying, verifyRows } from "../verifier.js";
import type { Sealed } from "./announcer.js";
import type { Collections } from "./collections.js";
import { agrees, chainRow, type EntryDocument, genuine } from "./documents.js";
import type { Reading } from "./reading.js";
import { START, signedCut, type Witness } from "./witness.js";

const SLICE = 500;
/** More problems than anyone reads; the first ones say where to look. */
const MAX_PROBLEMS = 1_000;

export interface Verifying {
	readonly collections: Collections;
	readonly reading: Reading;
	readonly witness: Witness;
	readonly secret: string;
}

interface Range {
	readonly since: number | null;
	readonly until: number | null;
}

/**
 * Walks seals and entries in order and names what was changed, removed or inserted; then looks for entries that have no
 * seal although nobody is about to give them one. Documents of other programs are not of the chain.
 */
export async function verify(parts: Verifying, range: Range): Promise<AuditVerification> {
	const { collections, secret, witness, reading } = parts;
	// Checkpoints are read before the rows: the log is never behind them.
	const { newest: kept, forged } = witness.read();
	const problems: AuditProblem[] = [];
	function found(more: readonly AuditProblem[]): void {
		problems.push(...more.slice(0, MAX_PROBLEMS - problems.length));
	}
	if (forged) found([{ kind: "EDITED", sequence: null, entryId: null, said: { key: "audit.problem.checkpointForged", facts: {} } }]);
	const restartedAt = kept?.restartedAt ?? null;
	if (restartedAt !== null && !forged)
		found([
			{
				kind: "TAIL_CUT",
				sequence: restartedAt,
				entryId: null,
				said: { key: "audit.problem.checkpointMissing", facts: { sequence: restartedAt } },
			},
		]);

	async function cutNow() {
		const cuts = [START, kept?.cut ?? START, (await signedCut(collections, secret)) ?? START];
		return cuts.reduce((one, other) => (other.sequence > one.sequence ? other : one));
	}

	const { start, end, toHead } = await limits(collections, range, await cutNow());
	const ofCheckpoints = problems.length;
	const disagreements: AuditProblem[] = [];
	let state = startVerifying(start);
	for (let from = start.sequence; ; ) {
		const cut = await cutNow();
		// Retention went past us: go on from its cut.
		if (cut.sequence > from) {
			state = { ...state, last: cut, suspects: [] };
			from = cut.sequence;
		}
		const slice = await reading.sealedAfter(from, SLICE);
		const sealed = slice.filter(({ seal }) => seal._id <= end);
		const checked = verifyRows(
			secret,
			state,
			sealed.flatMap(({ seal, document }) => (document === null ? [] : [chainRow(seal, document)])),
		);
		state = checked.state;
		found(named(checked.problems, sealed));
		disagreements.push(...sealed.flatMap(disagreement).slice(0, MAX_PROBLEMS - disagreements.length));
		from = slice.at(-1)?.seal._id ?? from;
		if (sealed.length < SLICE) {
			found(named(finishVerifying(state, toHead ? (kept?.head ?? null) : null), sealed));
			break;
		}
	}
	// What the chain says of an entry is said already.
	const judged = new Set(problems.map(({ sequence }) => sequence));
	found(disagreements.filter(({ sequence }) => !judged.has(sequence)));
	const ofChain = problems.splice(ofCheckpoints);
	problems.push(...ofChain.sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0)));
	found(await withoutSeal(parts, range, MAX_PROBLEMS - problems.length));
	return { checked: state.checked, problems };
}

/** The sequences that a range of time covers. */
async function limits({ seals }: Collections, { since, until }: Range, cut: { readonly sequence: number; readonly hash: string }) {
	const [newest] = await seals.find().sort({ _id: -1 }).limit(1).toArray();
	let start: { readonly sequence: number; readonly hash: string } = cut;
	if (since !== null) {
		const [first] = await seals
			.find({ timestamp: { $gte: new Date(since) } })
			.sort({ _id: 1 })
			.limit(1)
			.toArray();
		const [before] = await seals
			.find({ _id: { $lt: first?._id ?? Number.MAX_SAFE_INTEGER } })
			.sort({ _id: -1 })
			.limit(1)
			.toArray();
		if (before !== undefined && before._id > cut.sequence) start = { sequence: before._id, hash: before.hash };
	}
	if (until === null) return { start, end: Number.MAX_SAFE_INTEGER, toHead: true };
	const [last] = await seals
		.find({ timestamp: { $lte: new Date(until) } })
		.sort({ _id: -1 })
		.limit(1)
		.toArray();
	const end = last?._id ?? 0;
	// The end of the log belongs to a range that reaches up to its newest entry.
	return { start, end, toHead: end >= (newest?._id ?? 0) };
}

/** Says of a missing entry which one it was, where its seal is left. */
function named(problems: readonly AuditProblem[], sealed: readonly Sealed[]): AuditProblem[] {
	const lost = new Map(sealed.filter(({ document }) => document === null).map(({ seal }) => [seal._id, seal.entry]));
	return problems.map((problem) => {
		const entryId = problem.kind === "MISSING" && problem.sequence !== null ? lost.get(problem.sequence) : undefined;
		if (entryId === undefined || problem.said.key !== "audit.problem.missing") return problem;
		return { ...problem, entryId, said: { key: "audit.problem.lostEntry", facts: problem.said.facts } };
	});
}

/** What a seal holds besides its hash is only a copy, and must be a true one: lists are filtered by it. */
function disagreement({ seal, document }: Sealed): AuditProblem[] {
	if (document === null || agrees(seal, chainRow(seal, document).entry)) return [];
	const said = { key: "audit.problem.otherSeal", facts: { sequence: seal._id } } as const;
	return [{ kind: "EDITED", sequence: seal._id, entryId: seal.entry, said }];
}

/** Entries that the sealer will not find: neither a seal nor an intent is left of them. */
async function withoutSeal({ collections, secret }: Verifying, { since, until }: Range, most: number): Promise<AuditProblem[]> {
	const { logs, seals, intents } = collections;
	const problems: AuditProblem[] = [];
	const timestamp = {
		...(since === null ? {} : { $gte: new Date(since) }),
		...(until === null ? {} : { $lte: new Date(until) }),
	};
	const entries = logs.find(
		{ origin: { $ne: null as never }, ...(since === null && until === null ? {} : { timestamp }) },
		{ projection: { _id: 1 } },
	);
	let some: string[] = [];
	async function look(): Promise<void> {
		const sealed = new Set((await seals.find({ entry: { $in: some } }, { projection: { entry: 1 } }).toArray()).map(({ entry }) => entry));
		const rest = some.filter((id) => !sealed.has(id));
		some = [];
		if (rest.length === 0) return;
		const [open, documents] = await Promise.all([
			intents.find({ _id: { $in: rest } }, { projection: { _id: 1 } }).toArray(),
			logs.find({ _id: { $in: rest } }).toArray(),
		]);
		const awaited = new Set(open.map(({ _id }) => _id));
		// An intent beside it makes nothing genuine.
		const odd = documents.filter((document) => !awaited.has(document._id) || genuine(secret, document) === null).map(({ _id }) => _id);
		// The intent goes after the seal came: what has neither is looked at once more.
		const late = new Set((await seals.find({ entry: { $in: odd } }, { projection: { entry: 1 } }).toArray()).map(({ entry }) => entry));
		for (const id of odd)
			if (!late.has(id) && problems.length < most)
				problems.push({ kind: "INSERTED", sequence: null, entryId: id, said: { key: "audit.problem.unsealed", facts: { id } } });
	}
	for await (const { _id } of entries as AsyncIterable<Pick<EntryDocument, "_id">>) {
		some.push(String(_id));
		if (some.length === SLICE) await look();
	}
	await look();
	return problems;
}
