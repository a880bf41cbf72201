/**
 * The embedded adapters in a process of their own, to be killed. Cleans a folder of real files by a job, after those that an
 * earlier process left, while operations are recorded and the log is followed from a cursor. Says what happens on standard
 * output, one JSON line each: `{"job"}` with each state, `{"removed", "cacheDir"}` while it deletes, `{"heard"}` with each audit
 * entry, `{"ended"}`.
 *
 * Arguments: data folder, cache folder to clean, cursor to follow from ("" for none), operations to record, and `retry` for a
 * folder whose job has FAILED.
 */
import { readdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { EntryRef } from "../../src/core/entry.js";
import { progressTotals } from "../../src/core/job.js";
import type { BatchResult, JobHandler } from "../../src/jobs/port.js";
import { callOf, intentOf, outcomeOf } from "./calls.js";
import { openEmbedded } from "./embedded.js";
import { say } from "./say.js";

const [dataDir = "", newest = "", cursor = "", operations = "0", retry] = process.argv.slice(2);
const BATCH = 50;
/** Deleting takes longer than recording it, so that kills fall within batches. */
const PAUSE_EVERY = 5;

function refOf(cacheDir: string, name: string): EntryRef {
	const size = statSync(join(cacheDir, name)).size;
	return {
		id: name,
		key: name,
		backend: "FILE",
		place: "test",
		type: "news",
		size,
		locator: name,
		fingerprint: { data: null, metadata: null },
	};
}

/** What is gone from a batch that a crash cut short was deleted by it. */
async function remove(cacheDir: string, entries: readonly EntryRef[], signal: AbortSignal, resumed: boolean): Promise<BatchResult> {
	const result = { backend: "FILE" as const, deletedEntries: 0, freedBytes: 0, skippedEntries: 0, failures: [] };
	for (const [i, entry] of entries.entries()) {
		if (signal.aborted) break;
		if (i % PAUSE_EVERY === 0) {
			say({ removed: result.deletedEntries, cacheDir });
			await new Promise((turn) => setTimeout(turn, 1));
		}
		try {
			unlinkSync(join(cacheDir, entry.key));
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
			if (!resumed) {
				result.skippedEntries++;
				continue;
			}
		}
		result.deletedEntries++;
		result.freedBytes += entry.size;
	}
	return result;
}

const cleanup: JobHandler<{ readonly cacheDir: string }> = {
	kind: "CLEANUP",
	input: z.object({ cacheDir: z.string() }),
	async run(context) {
		const { signal, openBatch, input } = context;
		const { cacheDir } = input;
		if (openBatch !== null) await context.endBatch(await remove(cacheDir, openBatch, signal, true), {});
		const names = readdirSync(cacheDir).sort();
		const done = progressTotals(context.job).processed;
		await context.report({ phase: "delete", layers: [{ backend: "FILE", total: done + names.length, status: "RUNNING" }] });
		for (let i = 0; i < names.length && !signal.aborted; i += BATCH) {
			const batch = names.slice(i, i + BATCH).map((name) => refOf(cacheDir, name));
			await context.beginBatch(batch, {});
			await context.endBatch(await remove(cacheDir, batch, signal, false), {});
		}
		if (signal.aborted) return "CANCELLED";
		await context.report({ layers: [{ backend: "FILE", status: "SUCCEEDED" }] });
		return "SUCCEEDED";
	},
};

const { audit, jobs, live, close } = await openEmbedded({
	dataDir,
	handlers: [cleanup as JobHandler<unknown>],
	concurrency: 1,
	start: false,
});
jobs.onChange((job) => say({ job: { id: job.id, status: job.status, sequence: job.progress.sequence, ...progressTotals(job) } }));

async function follow(): Promise<void> {
	for await (const { cursor: at, entry } of live.audit(cursor === "" ? await audit.head() : cursor, () => true))
		say({ heard: { cursor: at, id: entry.id } });
}

async function recordOperations(): Promise<void> {
	for (let i = 0; i < Number(operations); i++) {
		const ticket = await audit.begin(intentOf("bob", { action: "deleteEntries", details: { i } }));
		await audit.end(ticket, outcomeOf());
	}
}

void follow();
await jobs.start();
const earlier = await jobs.findByKey("alice", newest);
let job = earlier;
if (earlier !== null && retry === "retry") job = await jobs.retry(earlier.id, await audit.begin(intentOf("alice", { action: "retryJob" })));
if (job === null) {
	const auditTicket = await audit.begin(intentOf("alice"));
	const request = { kind: "CLEANUP", input: { cacheDir: newest }, auditTicket, call: callOf("alice"), idempotencyKey: newest } as const;
	({ job } = await jobs.submit(request));
}
const [end] = await Promise.all([jobs.waitForEnd(job.id, 60_000), recordOperations()]);
say({ ended: end.status });
await close();
process.exit(0);
