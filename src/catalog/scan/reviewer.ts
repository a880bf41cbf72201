import type { LayoutName, LayoutSettings } from "../../backends/layouts/layout.js";
import { METADATA_FOLDER, metadataNameOf } from "../../backends/layouts/metadata-layout.js";
import type { FoundEntry, GoneKey, IndexWriter } from "../index/index-writer.js";
import { combinedFingerprint } from "../index/key-hash.js";
import { type RowBatch, RowBatchBuilder } from "../index/row-batch.js";
import type { FolderState } from "./folder-state.js";
import { FolderChecks, type Group, groupOfKey, groupOfPath, possibleKeys, readGroup } from "./groups.js";
import type { WalkProblem } from "./protocol.js";
import { lookAt } from "./read-file.js";
import { UNSETTLED_MS } from "./walk.js";

const CHUNK_GROUPS = 200;
const MAX_PROBLEMS = 20;

interface Question extends Group {
	/** What was reported of it, relative to the root; null when everything is to be looked at. */
	readonly paths: string[] | null;
}

/** Looks again at single groups of files and writes what differs. Reading and writing a group is one step, so nothing older can follow. */
export class Reviewer {
	constructor(
		private readonly writer: IndexWriter,
		private readonly settings: LayoutSettings,
	) {}

	/** Of files that were reported as changed. A path that ends in `/` stands for everything below a folder that went. */
	async paths(state: FolderState, paths: readonly string[]): Promise<WalkProblem[]> {
		const questions = new Map<string, Question>();
		for (const path of paths) {
			if (path.endsWith("/")) {
				const rows = this.writer.rowsBelow(state.place.id, path);
				for (let at = 0; at < rows.length; at += CHUNK_GROUPS) await this.rows(state, rows.slice(at, at + CHUNK_GROUPS));
				continue;
			}
			for (const layout of state.layouts) {
				const group = groupOfPath(layout, path);
				if (!group) continue;
				const name = `${layout}\0${group.name}`;
				const question = questions.get(name);
				if (question) question.paths?.push(path);
				else questions.set(name, { ...group, paths: [path] });
			}
		}
		return this.#ask(state, [...questions.values()]);
	}

	/** Of rows that a scan did not see, or that changed while it ran. Those of a layout that the place has no more are gone. */
	async rows(state: FolderState, rows: readonly number[]): Promise<WalkProblem[]> {
		const gone: GoneKey[] = [];
		const questions = new Map<string, Question>();
		for (const row of rows) {
			const described = this.writer.describe(row);
			if (!described) continue;
			if (state.layouts.includes(described.layout as LayoutName)) {
				const group = groupOfKey(described.layout as LayoutName, described.key);
				questions.set(group.name, { ...group, paths: null });
			} else gone.push({ placeId: state.place.id, key: described.key });
		}
		if (gone.length > 0) this.writer.apply([], gone);
		return this.#ask(state, [...questions.values()]);
	}

	/**
	 * Of entries that the server has removed. Most are gone: no more than their own files is looked at. One that is there,
	 * because somebody wrote it anew meanwhile, is read like any other change.
	 */
	async removed(state: FolderState, entries: readonly FoundEntry[]): Promise<WalkProblem[]> {
		const problems: WalkProblem[] = [];
		for (let at = 0; at < entries.length; at += CHUNK_GROUPS) {
			if (at > 0) await new Promise(setImmediate);
			const gone: GoneKey[] = [];
			const questions: Question[] = [];
			for (const entry of entries.slice(at, at + CHUNK_GROUPS)) {
				const group = groupOfKey(entry.layout as LayoutName, entry.key);
				state.disturb(group.name);
				if (isGone(state.place.path, entry, group)) gone.push(entry);
				else questions.push({ ...group, paths: null });
			}
			this.writer.apply([], gone);
			this.#askSome(state, questions, problems);
		}
		return problems;
	}

	async groups(state: FolderState, groups: readonly Group[]): Promise<WalkProblem[]> {
		return this.#ask(
			state,
			groups.map((group) => ({ ...group, paths: null })),
		);
	}

	async #ask(state: FolderState, questions: readonly Question[]): Promise<WalkProblem[]> {
		const problems: WalkProblem[] = [];
		for (let at = 0; at < questions.length; at += CHUNK_GROUPS) {
			if (at > 0) await new Promise(setImmediate);
			this.#askSome(state, questions.slice(at, at + CHUNK_GROUPS), problems);
		}
		return problems;
	}

	#askSome(state: FolderState, questions: readonly Question[], problems: WalkProblem[]): void {
		const { place } = state;
		const folders = new FolderChecks();
		const batches: RowBatch[] = [];
		const gone: GoneKey[] = [];
		let builder = new RowBatchBuilder({ id: place.id, backend: place.backend, name: place.place }, CHUNK_GROUPS);
		for (const question of questions) {
			state.disturb(question.name);
			const known = this.#knownKeys(place.id, question);
			try {
				if (known.size === 0 && question.paths?.every((path) => lookAt(`${place.path}/${path}`) === null)) continue;
				for (const { entry, changedAt } of readGroup({ place, layout: question.layout, settings: this.settings }, question, folders)) {
					const slot = known.get(entry.key);
					known.delete(entry.key);
					const proof = combinedFingerprint(entry.fingerprint.data, entry.fingerprint.metadata);
					if (slot !== undefined && this.writer.known(place.id).fingerprint(slot) === proof) continue;
					if (builder.full) {
						batches.push(builder.build());
						builder = new RowBatchBuilder({ id: place.id, backend: place.backend, name: place.place }, CHUNK_GROUPS);
					}
					builder.add(this.writer.hashOf(entry.key), question.layout, entry, Date.now() - changedAt > UNSETTLED_MS);
				}
			} catch (error) {
				const code = (error as NodeJS.ErrnoException).code;
				if (typeof code !== "string") throw error;
				if (problems.length < MAX_PROBLEMS) problems.push({ placeId: place.id, path: question.paths?.[0] ?? question.name, code });
				continue;
			}
			for (const key of known.keys()) gone.push({ placeId: place.id, key });
		}
		if (!builder.empty) batches.push(builder.build());
		if (batches.length > 0 || gone.length > 0) this.writer.apply(batches, gone);
	}

	/** The group's keys that are in the catalog, with their slots. */
	#knownKeys(placeId: number, group: Group): Map<string, number> {
		const known = this.writer.known(placeId);
		const found = new Map<string, number>();
		for (const key of possibleKeys(group)) {
			const slot = known.find(this.writer.hashOf(key));
			if (slot >= 0) found.set(key, slot);
		}
		return found;
	}
}

/** False also when that can't be told. */
function isGone(root: string, { locator }: FoundEntry, group: Group): boolean {
	const paths = [locator, group.layout === "metadata" ? `${METADATA_FOLDER}/${metadataNameOf(group.name)}` : null];
	try {
		return paths.every((path) => path === null || lookAt(`${root}/${path}`) === null);
	} catch (error) {
		if (typeof (error as NodeJS.ErrnoException).code !== "string") throw error;
		return false;
	}
}
