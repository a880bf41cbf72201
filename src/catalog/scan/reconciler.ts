/** Brings the index in line with the disk: a scan, then a second look at everything that the scan did not see. */

import type { LayoutName, LayoutSettings } from "../../backends/layouts/layout.js";
import type { Failure } from "../../core/errors.js";
import type { IndexWriter } from "../index/index-writer.js";
import { COLUMN, COLUMNS, type RowBatch } from "../index/row-batch.js";
import { findRoot, unreadable } from "./detect.js";
import type { FolderState } from "./folder-state.js";
import { type Group, groupOfKey } from "./groups.js";
import type { WalkProblem } from "./protocol.js";
import { Reviewer } from "./reviewer.js";
import { Scanner } from "./scanner.js";

const UNSEEN_AT_ONCE = 500;

export class Reconciler {
	readonly reviewer: Reviewer;
	#states: readonly FolderState[] = [];
	#again = new Map<FolderState, Group[]>();

	constructor(
		private readonly writer: IndexWriter,
		private readonly scanner: Scanner,
		settings: LayoutSettings,
		private readonly now: () => number,
	) {
		this.reviewer = new Reviewer(writer, settings);
	}

	/** Of the scan that runs now. */
	get progress(): number | null {
		return this.scanner.progress;
	}

	/** Never rejects for what lies on the disk; rejects when walkers or the index fail, and nothing is said about the places then. */
	async reconcile(states: readonly FolderState[]): Promise<void> {
		this.#states = states;
		this.#again.clear();
		const startedAt = this.now();
		const roots = states.map((state) => {
			state.beginScan();
			const root = findRoot(state.place);
			if (root.known) state.layouts = root.layouts;
			return { watchEpoch: state.watchEpoch, root };
		});
		const orders = states.map(({ place, layouts }) => {
			const known = this.writer.known(place.id);
			return { place, layouts, known: known.view, entries: known.size };
		});
		const { seen, problems: walked } = await this.scanner.scan(orders, this.writer.salt, (batch) => this.#take(batch));
		const problems = [...walked];
		for (const [index, state] of states.entries()) {
			const sees = seen[index] as (hash: number) => boolean;
			if (roots[index]?.root.known) problems.push(...(await this.#lookForUnseen(state, sees)));
		}
		for (const [state, groups] of this.#again) problems.push(...(await this.reviewer.groups(state, groups)));
		for (const [index, state] of states.entries()) {
			const { root, watchEpoch } = roots[index] as (typeof roots)[number];
			const mine = problems.filter((problem) => problem.placeId === state.place.id);
			const failure: Failure | null = root.failure ?? failureOf(state, mine);
			state.endScan(startedAt, watchEpoch, failure, root.known && mine.length === 0);
		}
	}

	#take(batch: RowBatch): void {
		const state = this.#states.find(({ place }) => place.id === batch.placeId);
		if (!state?.disturbed || state.disturbed.size === 0) {
			this.writer.apply([batch], []);
			return;
		}
		// Looked at since by the watch or removed by the server: what the walker saw may be older than what is known.
		const skip = new Set<string>();
		const groups = this.#again.get(state) ?? [];
		for (const [i, key] of batch.keys.entries()) {
			const layout = batch.locations[batch.numbers[i * COLUMNS + COLUMN.location] as number]?.layout as LayoutName;
			const group = groupOfKey(layout, key);
			if (!state.disturbed.has(group.name)) continue;
			skip.add(key);
			groups.push(group);
		}
		if (groups.length > 0) this.#again.set(state, groups);
		this.writer.apply([batch], [], skip);
	}

	async #lookForUnseen(state: FolderState, seen: (hash: number) => boolean): Promise<WalkProblem[]> {
		const problems: WalkProblem[] = [];
		// All at once: reviewing moves the others about.
		const unseen = this.writer.known(state.place.id).rowsWithout(seen);
		for (let at = 0; at < unseen.length; at += UNSEEN_AT_ONCE) {
			problems.push(...(await this.reviewer.rows(state, unseen.slice(at, at + UNSEEN_AT_ONCE))));
		}
		return problems;
	}
}

function failureOf(state: FolderState, problems: readonly WalkProblem[]): Failure | null {
	const first = problems[0];
	return first ? unreadable(first.path === "" ? state.place.path : `${state.place.path}/${first.path}`, first.code) : null;
}
