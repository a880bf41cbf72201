/** Taking entries out of the cache into its quarantine. Runs in the thread in which files are touched. */
import { linkSync, lstatSync, renameSync, statSync, unlinkSync } from "node:fs";
import { CachewardenError } from "../../core/errors.js";
import { partsOf } from "../layouts/entry-parts.js";
import type { StatFacts } from "../layouts/layout.js";
import { factsOf, fingerprintOf } from "../layouts/stat-facts.js";
import { codeOf, type Descent, refusal } from "./descent.js";
import {
	closeList,
	countList,
	existsAt,
	type HeldLine,
	heldLists,
	heldPath,
	isHeld,
	makeFolders,
	readList,
	writeList,
} from "./quarantine-folder.js";
import { type Disposal, type RemovalTask, removeEntry, type Taken, type TaskOutcome } from "./remove-entry.js";

/** Moves what it is given below the job's folder, by the same names. */
class Quarantining implements Disposal {
	constructor(private readonly job: string) {}

	/** Nothing of an entry is moved unless all of it can be: there is room by its name, on the same device. */
	ready(descent: Descent, paths: readonly string[]): void {
		for (const path of paths) {
			const held = heldPath(this.job, path);
			const folder = held.slice(0, held.lastIndexOf("/"));
			makeFolders(descent, folder);
			if (existsAt(descent, held)) throw new CachewardenError("CONFLICT", { key: "error.quarantine.occupied", facts: { path } });
			const both = descent.both(path, `${folder}/.`);
			if (both === null) continue;
			const source = lstatSync(both[0], { throwIfNoEntry: false });
			if (source !== undefined && source.dev !== statSync(both[1]).dev) throw otherDevice(path);
		}
	}

	take(descent: Descent, path: string, facts: StatFacts): Taken {
		const held = heldPath(this.job, path);
		const both = descent.both(path, held);
		if (both === null) return "gone";
		try {
			renameSync(...both);
		} catch (error) {
			if (codeOf(error) === "ENOENT") return "gone";
			throw codeOf(error) === "EXDEV" ? otherDevice(path) : refusal(error, path);
		}
		const moved = lstatSync(both[1], { throwIfNoEntry: false });
		if (moved === undefined || isSame(factsOf(moved), facts)) return "taken";
		// Somebody put another file there between the look and the move: it belongs where it was.
		putBack(both);
		return "changed";
	}
}

function otherDevice(path: string): CachewardenError {
	return new CachewardenError("BAD_PATH", { key: "error.quarantine.otherDevice", facts: { path } });
}

/** A move changes nothing but the ctime. */
function isSame(a: StatFacts, b: StatFacts): boolean {
	return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/** Unless something newer stands there by now: then it stays in quarantine, where a restore finds it. */
function putBack([source, held]: readonly [string, string]): void {
	try {
		linkSync(held, source);
		unlinkSync(held);
	} catch {
		if (lstatSync(source, { throwIfNoEntry: false }) === undefined) renameSync(held, source);
	}
}

export interface HoldOrder {
	readonly job: string;
	readonly tasks: readonly (RemovalTask & { readonly type: string })[];
	readonly resumed: boolean;
	/** Asked between two entries; of a resumed batch what is half is then still finished. */
	readonly stopped: () => boolean;
}

/** For the first of the tasks, in order; the rest was not reached. */
export function holdEntries(descent: Descent, { job, tasks, resumed, stopped }: HoldOrder): TaskOutcome[] {
	// What an attempt that was killed had taken is in its own list.
	const listed = resumed ? tasks.filter((task) => !isHeld(descent, job, task)) : tasks;
	const list = listed.length === 0 ? null : writeList(descent, job, listed.map(lineOf));
	const outcomes: TaskOutcome[] = [];
	try {
		for (const task of tasks) {
			const stop = stopped();
			if (stop && !resumed) break;
			outcomes.push(removeEntry(descent, task, { resumed, settleOnly: stop, disposal: new Quarantining(job) }));
		}
	} finally {
		if (list !== null) closeList(descent, job, list);
	}
	return outcomes;
}

function lineOf({ key, locator, type, size, metadata }: HoldOrder["tasks"][number]): HeldLine {
	return { key, locator, type, size, metadata };
}

/** What a killed process left of the job: entries of which only the data was moved get their metadata moved too, and open lists are closed. */
export function settleHeld(descent: Descent, job: string): void {
	const disposal = new Quarantining(job);
	for (const { name, open, job: of } of heldLists(descent)) {
		if (of !== job || !open) continue;
		for (const line of readList(descent, job, name)) finishHalf(descent, job, line, disposal);
		countList(descent, job, name);
	}
}

function finishHalf(descent: Descent, job: string, line: HeldLine, disposal: Disposal): void {
	const { data = null, metadata = null } = partsOf(line) ?? {};
	if (data === null || metadata === null || line.metadata === null) return;
	if (!existsAt(descent, heldPath(job, data)) || existsAt(descent, data) || existsAt(descent, heldPath(job, metadata))) return;
	const access = descent.at(metadata);
	const stats = access === null ? undefined : lstatSync(access, { throwIfNoEntry: false });
	if (stats === undefined || fingerprintOf(factsOf(stats)) !== line.metadata) return;
	disposal.ready(descent, [metadata]);
	disposal.take(descent, metadata, factsOf(stats));
}
