/** The thread in which files are touched: every call blocks it, so that check and removal of an entry stay together. */
import { rmdirSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { failureOf } from "../../core/errors.js";
import { codeOf, type Descent, openDescent } from "./descent.js";
import { discardHeld } from "./discard-held.js";
import { holdEntries, settleHeld } from "./hold-entry.js";
import { previewFile } from "./preview.js";
import { closeList, heldLists, isHeld, readList } from "./quarantine-folder.js";
import { removeEntry, type TaskOutcome } from "./remove-entry.js";
import { type RestoreTaskOutcome, restoreEntry } from "./restore-entry.js";
import { surveyRoot } from "./survey-root.js";
import { sweepRoot } from "./sweep-root.js";
import type { WorkerReply, WorkerRequest } from "./worker-protocol.js";
import { probeRoot, readWhole, writeEntry } from "./write-entry.js";

function answer(request: WorkerRequest): WorkerReply {
	let descent: Descent | null = null;
	try {
		descent = openDescent(request.root, request.protection);
		switch (request.kind) {
			case "preview":
				return { kind: "previewed", preview: previewFile(descent, request.locator, request.maxBytes) };
			case "write":
				return { kind: "written", written: writeEntry(descent, request.task) };
			case "read":
				return { kind: "read", file: readWhole(descent, request.path, request.maxBytes) };
			case "probe":
				probeRoot(descent);
				return { kind: "probed" };
			case "hold":
				return { kind: "removed", outcomes: holdEntries(descent, { ...request, stopped: () => isStopped(request.stop) }) };
			case "settle":
				settleHeld(descent, request.job);
				return { kind: "settled" };
			case "lists":
				return { kind: "lists", lists: heldLists(descent) };
			case "held":
				return { kind: "held", lines: heldOf(descent, request.job, request.list) };
			case "restore":
				return { kind: "restored", outcomes: restoreAll(descent, request) };
			case "discard":
				return { kind: "discarded", ...discardHeld(descent, request.job) };
			case "survey":
				return { kind: "surveyed", survey: surveyRoot(descent) };
			case "sweep":
				return { kind: "swept", files: sweepRoot(descent, request.olderThanMs) };
			default:
				return { kind: "removed", outcomes: removeAll(descent, request) };
		}
	} catch (error) {
		return { kind: "failed", failure: failureOf(error) };
	} finally {
		descent?.close();
	}
}

function isStopped(stop: SharedArrayBuffer): boolean {
	return Atomics.load(new Int32Array(stop), 0) !== 0;
}

function heldOf(descent: Descent, job: string, list: string) {
	return readList(descent, job, list).filter((line) => isHeld(descent, job, line));
}

function restoreAll(descent: Descent, request: WorkerRequest & { readonly kind: "restore" }): RestoreTaskOutcome[] {
	const { job, list, tasks, resumed, stop } = request;
	const outcomes: RestoreTaskOutcome[] = [];
	for (const task of tasks) {
		if (isStopped(stop)) break;
		outcomes.push(restoreEntry(descent, job, task, resumed));
	}
	if (list !== null) closeList(descent, job, list);
	return outcomes;
}

function removeAll(descent: Descent, request: WorkerRequest & { readonly kind: "remove" }): TaskOutcome[] {
	const outcomes: TaskOutcome[] = [];
	const emptied = new Set<string>();
	for (const task of request.tasks) {
		const stopped = isStopped(request.stop);
		if (stopped && !request.resumed) break;
		const outcome = removeEntry(descent, task, { resumed: request.resumed, settleOnly: stopped });
		outcomes.push(outcome);
		if (request.emptiedFolder !== null && outcome.outcome === "deleted" && task.locator !== null) {
			const folder = task.locator.slice(0, task.locator.lastIndexOf("/"));
			if (folder.slice(folder.lastIndexOf("/") + 1) === request.emptiedFolder) emptied.add(folder);
		}
	}
	for (const folder of emptied) removeFolderIfEmpty(descent, folder);
	return outcomes;
}

/** A folder is no entry: that one stays, because something is in it or may not be removed, is nobody's failure. */
function removeFolderIfEmpty(descent: Descent, folder: string): void {
	try {
		const access = descent.at(folder);
		if (access !== null) rmdirSync(access);
	} catch (error) {
		if (codeOf(error) === null) throw error;
	}
}

parentPort?.on("message", (request: WorkerRequest) => parentPort?.postMessage(answer(request)));
