import { lstatSync, unlinkSync } from "node:fs";
import { CachewardenError, type Failure, failureOf } from "../../core/errors.js";
import { partsOf } from "../layouts/entry-parts.js";
import type { StatFacts } from "../layouts/layout.js";
import { DATA_EXTENSIONS, DATA_FOLDERS } from "../layouts/metadata-layout.js";
import { factsOf, fingerprintOf } from "../layouts/stat-facts.js";
import { codeOf, type Descent, refusal } from "./descent.js";

/** What is needed of an `EntryRef`. */
export interface RemovalTask {
	readonly key: string;
	readonly locator: string | null;
	readonly size: number;
	readonly data: number | null;
	readonly metadata: number | null;
}

export type Taken = "taken" | "gone" | "changed";

/** What becomes of a file that is removed. Paths are relative to the root. */
export interface Disposal {
	/** Before anything of an entry is touched: throws when one of its files could not be taken. */
	ready(descent: Descent, paths: readonly string[]): void;
	/** The file was looked at just now, and was what these facts say. */
	take(descent: Descent, path: string, facts: StatFacts): Taken;
}

const DELETE: Disposal = { ready: () => undefined, take: unlink };

export interface RemovalManner {
	/** The entry belongs to a batch that a crash cut short. */
	readonly resumed: boolean;
	/** Of such a batch: finish what is half, leave what is whole. */
	readonly settleOnly: boolean;
	/** Default: it is deleted. */
	readonly disposal?: Disposal;
}

export type TaskOutcome =
	| { readonly outcome: "deleted"; readonly freedBytes: number }
	| { readonly outcome: "gone" | "changed" }
	/** Whole, and only what is half was to be finished. */
	| { readonly outcome: "left" }
	| { readonly outcome: "failed"; readonly failure: Failure };

/**
 * Removes data and metadata of one entry if both are what they were when it was selected. Data goes first: should the
 * process die in between, what is left is metadata without data, which is known as ORPHANED.
 * With `resumed`, what an earlier attempt may already have removed counts as removed.
 */
export function removeEntry(descent: Descent, task: RemovalTask, { disposal = DELETE, ...manner }: RemovalManner): TaskOutcome {
	try {
		return attempt(descent, task, { ...manner, disposal });
	} catch (error) {
		return { outcome: "failed", failure: failureOf(error) };
	}
}

interface Found {
	readonly path: string;
	readonly facts: StatFacts;
}

function attempt(descent: Descent, task: RemovalTask, manner: Required<RemovalManner>): TaskOutcome {
	const { resumed, settleOnly, disposal } = manner;
	const parts = partsOf(task);
	if (parts === null) throw new CachewardenError("BAD_PATH");
	const metadata = parts.metadata === null ? null : look(descent, parts.metadata);
	if (metadata !== null) {
		if (fingerprintOf(metadata.facts) === task.metadata) assertRemovable(metadata);
		else if (parts.data === null || !resumed) return { outcome: "changed" };
	}
	if (parts.data === null) {
		if (settleOnly && metadata !== null) return { outcome: "left" };
		return removeOrphan(descent, task, metadata, manner);
	}

	const data = look(descent, parts.data);
	if (data === null) {
		if (!resumed) return { outcome: "gone" };
		if (metadata !== null) takeUnchanged(descent, metadata.path, task.metadata, disposal);
		return { outcome: "deleted", freedBytes: task.size };
	}
	if (fingerprintOf(data.facts) !== task.data) return { outcome: "changed" };
	if (metadata === null ? task.metadata !== null && !resumed : fingerprintOf(metadata.facts) !== task.metadata)
		return { outcome: "changed" };
	if (settleOnly && (metadata !== null || task.metadata === null)) return { outcome: "left" };
	assertRemovable(data);
	// Asked of the metadata's folder before anything is gone, so that both parts stay where only one could be removed.
	if (metadata !== null) descent.assertWritable(metadata.path);
	disposal.ready(descent, metadata === null ? [data.path] : [data.path, metadata.path]);
	const taken = disposal.take(descent, data.path, data.facts);
	if (taken === "changed") return { outcome: "changed" };
	if (taken === "gone") return resumed ? { outcome: "deleted", freedBytes: task.size } : { outcome: "gone" };
	if (metadata !== null) takeUnchanged(descent, metadata.path, task.metadata, disposal);
	return { outcome: "deleted", freedBytes: data.facts.size };
}

/** Metadata whose data file has come (back) belongs to it again. */
function removeOrphan(
	descent: Descent,
	task: RemovalTask,
	metadata: Found | null,
	{ resumed, disposal }: Required<RemovalManner>,
): TaskOutcome {
	if (metadata === null) return resumed ? { outcome: "deleted", freedBytes: 0 } : { outcome: "gone" };
	for (const folder of DATA_FOLDERS)
		for (const extension of DATA_EXTENSIONS)
			if (look(descent, `${folder}/${task.key}.${extension}`) !== null) return { outcome: "changed" };
	return takeUnchanged(descent, metadata.path, task.metadata, disposal) || resumed
		? { outcome: "deleted", freedBytes: 0 }
		: { outcome: "gone" };
}

function look(descent: Descent, path: string): Found | null {
	const access = descent.at(path);
	if (access === null) return null;
	try {
		const stats = lstatSync(access, { throwIfNoEntry: false });
		return stats === undefined ? null : { path, facts: factsOf(stats) };
	} catch (error) {
		throw refusal(error, path);
	}
}

function assertRemovable({ path, facts }: Found): void {
	if (facts.kind !== "file") throw new CachewardenError("NOT_A_FILE", { key: "error.notAFile", facts: { path, what: facts.kind } });
	if (facts.links > 1) throw new CachewardenError("NOT_A_FILE", { key: "error.hardLink", facts: { path, count: facts.links } });
}

function unlink(descent: Descent, path: string): Taken {
	const access = descent.at(path);
	if (access === null) return "gone";
	try {
		unlinkSync(access);
		return "taken";
	} catch (error) {
		if (codeOf(error) === "ENOENT") return "gone";
		throw refusal(error, path);
	}
}

/** Looks once more right before: a writer that has written it anew in the meantime keeps it. */
function takeUnchanged(descent: Descent, path: string, fingerprint: number | null, disposal: Disposal): boolean {
	const found = look(descent, path);
	if (found === null || fingerprintOf(found.facts) !== fingerprint) return false;
	disposal.ready(descent, [path]);
	return disposal.take(descent, path, found.facts) === "taken";
}
