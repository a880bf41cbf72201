/** What every job engine must do, whatever it is kept in. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import type { AuditEntry, AuditLog } from "../../src/audit/port.js";
import { type Clock, DAY_MS } from "../../src/core/clock.js";
import type { EntryRef } from "../../src/core/entry.js";
import { CachewardenError } from "../../src/core/errors.js";
import { hasEnded, type Job, progressTotals } from "../../src/core/job.js";
import type { JobContext, JobEngine, JobHandler } from "../../src/jobs/port.js";
import { callOf, forward, frozenClock, intentOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { aborted, codeOf, gate } from "../testkit/promises.js";

export interface JobsOptions {
	readonly handlers: readonly JobHandler<unknown>[];
	readonly clock?: Clock;
	readonly concurrency?: number;
	readonly concurrencyPerUser?: number;
	readonly maxQueued?: number;
}

export interface JobsHarness {
	/** Opens the same queue again when called again; what was open before is closed first. The engine is started. */
	open(options: JobsOptions): Promise<{ readonly jobs: JobEngine; readonly audit: AuditLog }>;
	close(): Promise<void>;
}

type Run = (context: JobContext<{ readonly name: string }>) => ReturnType<JobHandler["run"]>;

function handlerOf(run: Run): JobHandler<unknown> {
	const handler: JobHandler<{ readonly name: string }> = { kind: "CLEANUP", input: z.strictObject({ name: z.string() }), run };
	return handler as JobHandler<unknown>;
}

function ref(i: number): EntryRef {
	return {
		id: `e${i}`,
		key: `k${i}`,
		backend: "FILE",
		place: "p",
		type: "news",
		size: 10,
		locator: null,
		fingerprint: { data: i, metadata: null },
	};
}

const succeeded: Run = async () => "SUCCEEDED";

export function jobsContract(name: string, makeHarness: () => JobsHarness): void {
	describe(`the job engine, ${name}`, () => {
		let harness: JobsHarness;
		let jobs: JobEngine;
		let audit: AuditLog;

		async function reopened(run: Run, options: Omit<JobsOptions, "handlers"> = {}): Promise<void> {
			({ jobs, audit } = await harness.open({ ...options, handlers: [handlerOf(run)] }));
		}
		async function opened(run: Run, options: Omit<JobsOptions, "handlers"> = {}): Promise<void> {
			harness = makeHarness();
			await reopened(run, options);
		}
		async function submit(user = "alice", jobName = "one", idempotencyKey: string | null = null) {
			const auditTicket = await audit.begin(intentOf(user));
			const submission = await jobs.submit({ kind: "CLEANUP", input: { name: jobName }, auditTicket, call: callOf(user), idempotencyKey });
			if (!submission.fresh) await audit.withdraw(auditTicket);
			return submission;
		}
		async function entriesOf(jobId: string): Promise<AuditEntry[]> {
			return (await audit.page({ jobId }, forward(100))).items.map(({ node }) => node);
		}
		async function ended(id: string): Promise<Job> {
			const job = await jobs.waitForEnd(id, 50_000);
			expect(hasEnded(job.status)).toBe(true);
			return job;
		}
		afterEach(() => harness.close());

		it("accepts a job at once, runs it, and has its entry in the audit log by the time it has ended", async () => {
			const held = gate();
			await opened(async () => {
				await held.opened;
				return "SUCCEEDED";
			});
			const { job, fresh } = await submit();
			expect(fresh).toBe(true);
			expect(job).toMatchObject({
				kind: "CLEANUP",
				status: "QUEUED",
				requestedBy: "alice",
				input: { name: "one" },
				attempts: 0,
				finishedAt: null,
			});
			expect(job.id).toMatch(/^j[a-z0-9]+$/);
			await eventually(async () => expect((await jobs.get(job.id))?.status).toBe("RUNNING"), { withinMs: 5000 });
			expect((await jobs.waitForEnd(job.id, 10)).status).toBe("RUNNING");
			expect(await entriesOf(job.id)).toEqual([]);
			held.open();
			expect(await ended(job.id)).toMatchObject({ status: "SUCCEEDED", attempts: 1, error: null, finishedAt: expect.any(Number) });
			expect(await entriesOf(job.id)).toEqual([
				expect.objectContaining({ success: true, jobId: job.id, userId: "alice", action: "cleanup" }),
			]);
			expect(await jobs.get("j0")).toBeNull();
			expect(await codeOf(jobs.waitForEnd("j0", 10))).toBe("NOT_FOUND");
		});

		it("refuses input that its handler does not take", async () => {
			await opened(succeeded);
			const auditTicket = await audit.begin(intentOf("alice"));
			const request = { kind: "CLEANUP", auditTicket, call: callOf("alice"), idempotencyKey: null } as const;
			expect(await codeOf(jobs.submit({ ...request, input: { name: 5 } }))).toBe("BAD_USER_INPUT");
			expect(await codeOf(jobs.submit({ ...request, kind: "SYNC", input: {} }))).toBe("BAD_USER_INPUT");
		});

		it("counts what its batches did, by layer, and tells it in a sequence that only rises", async () => {
			await opened(async ({ report, beginBatch, endBatch }) => {
				await report({ phase: "delete", layers: [{ backend: "FILE", total: 6, status: "RUNNING" }] });
				const failed = (id: string) => ({ entryId: id, failure: { code: "CHANGED", said: { key: "error.changed", facts: {} } } }) as const;
				await beginBatch([ref(1), ref(2), ref(3)], { at: 1 });
				await endBatch({ backend: "FILE", deletedEntries: 2, freedBytes: 20, skippedEntries: 0, failures: [failed("e3")] }, { at: 2 });
				await beginBatch([ref(3), ref(4)], { at: 2 });
				await endBatch(
					{ backend: "FILE", deletedEntries: 0, freedBytes: 0, skippedEntries: 1, failures: [failed("e3"), failed("e4")] },
					{ at: 3 },
				);
				await report({
					layers: [{ backend: "FILE", status: "PARTIALLY_FAILED" }],
					steps: [{ name: "s", status: "SUCCEEDED", durationMs: 1, error: null }],
				});
				return "PARTIALLY_FAILED";
			});
			const seen: Job[] = [];
			const stop = jobs.onChange((job) => seen.push(job));
			const { job } = await submit();
			const last = await ended(job.id);
			stop();
			expect(last.progress).toMatchObject({
				phase: "delete",
				matchedEntries: 6,
				layers: [
					{
						backend: "FILE",
						status: "PARTIALLY_FAILED",
						total: 6,
						deletedEntries: 2,
						freedBytes: 20,
						failedEntries: 2,
						skippedEntries: 1,
						error: null,
					},
				],
				steps: [{ name: "s", status: "SUCCEEDED" }],
			});
			expect(await jobs.get(job.id)).toEqual(last);
			const sequences = seen.map(({ progress }) => progress.sequence);
			expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
			expect(seen.at(-1)).toEqual(last);
			const done = seen.map((state) => progressTotals(state).processed);
			expect(done).toEqual([...done].sort((a, b) => a - b));
			const first = await jobs.failures(job.id, forward(1));
			expect(first).toMatchObject({ items: [{ node: { entryId: "e3" } }], hasNextPage: true, hasPreviousPage: false, totalCount: 2 });
			const second = await jobs.failures(job.id, forward(5, first.items[0]?.cursor));
			expect(second).toMatchObject({
				items: [{ node: { entryId: "e4", failure: { code: "CHANGED" } } }],
				hasNextPage: false,
				hasPreviousPage: true,
			});
			expect((await entriesOf(job.id))[0]).toMatchObject({
				success: false,
				details: { status: "PARTIALLY_FAILED", deletedEntries: 2, freedBytes: 20, failedEntries: 2 },
			});
		});

		it("makes what a handler throws the error of a FAILED job, without its words", async () => {
			await opened(async ({ input }) => {
				if (input.name === "ours") throw new CachewardenError("PLAN_STALE");
				throw new Error("password is hunter2");
			});
			const ours = await ended((await submit("alice", "ours")).job.id);
			expect(ours).toMatchObject({ status: "FAILED", error: { code: "PLAN_STALE" } });
			const theirs = await ended((await submit("alice", "theirs")).job.id);
			expect(theirs).toMatchObject({ status: "FAILED", error: { code: "INTERNAL" } });
			expect(JSON.stringify([theirs, await entriesOf(theirs.id)])).not.toContain("hunter2");
			expect((await entriesOf(theirs.id))[0]).toMatchObject({ success: false, errorCode: "INTERNAL" });
		});

		it("answers a repeated key with the same job for a day, and a key with another input with CONFLICT", async () => {
			const clock = frozenClock();
			await opened(succeeded, { clock });
			const first = await submit("alice", "one", "key");
			await ended(first.job.id);
			expect(await submit("alice", "one", "key")).toMatchObject({ fresh: false, job: { id: first.job.id, status: "SUCCEEDED" } });
			expect(await codeOf(submit("alice", "two", "key"))).toBe("CONFLICT");
			expect((await submit("bob", "two", "key")).fresh).toBe(true);
			expect((await jobs.findByKey("alice", "key"))?.id).toBe(first.job.id);
			expect(await jobs.findByKey("alice", "other")).toBeNull();
			clock.advance(DAY_MS + 1);
			expect(await jobs.findByKey("alice", "key")).toBeNull();
			expect((await submit("alice", "two", "key")).fresh).toBe(true);
			const both = await Promise.all([submit("carol", "one", "k"), submit("carol", "one", "k")]);
			expect(both.map(({ fresh }) => fresh).sort()).toEqual([false, true]);
			expect(both[0]?.job.id).toBe(both[1]?.job.id);
		});

		it("runs a job that FAILED again under its key, as a new attempt with an entry of its own", async () => {
			let fail = true;
			await opened(async () => {
				if (fail) throw new CachewardenError("BACKEND_UNAVAILABLE");
				return "SUCCEEDED";
			});
			const first = await submit("alice", "one", "key");
			const failed = await ended(first.job.id);
			fail = false;
			const again = await submit("alice", "one", "key");
			expect(again).toMatchObject({ fresh: true, job: { id: first.job.id } });
			expect(again.job.progress.sequence).toBeGreaterThan(failed.progress.sequence);
			expect(await ended(first.job.id)).toMatchObject({ status: "SUCCEEDED", attempts: 2, error: null });
			expect((await entriesOf(first.job.id)).map(({ success }) => success)).toEqual([true, false]);
		});

		it("cancels a waiting job at once and a running one between two steps; one that has ended stays as it is", async () => {
			await opened(
				async ({ signal, endBatch, beginBatch }) => {
					await beginBatch([ref(1)], {});
					await endBatch({ backend: "FILE", deletedEntries: 1, freedBytes: 10, skippedEntries: 0, failures: [] }, {});
					await aborted(signal);
					return "CANCELLED";
				},
				{ concurrency: 1 },
			);
			const running = (await submit()).job.id;
			const waiting = (await submit()).job.id;
			await eventually(async () => expect(progressTotals((await jobs.get(running)) as Job).deletedEntries).toBe(1), { withinMs: 5000 });
			expect((await jobs.cancel(waiting)).status).toBe("CANCELLED");
			const began = performance.now();
			expect(await jobs.cancel(running)).toMatchObject({ status: "CANCELLED", error: null, finishedAt: expect.any(Number) });
			expect(performance.now() - began).toBeLessThan(1000);
			expect(progressTotals((await jobs.get(running)) as Job).deletedEntries).toBe(1);
			expect(await jobs.cancel(running)).toEqual(await jobs.get(running));
			expect(await codeOf(jobs.cancel("j0"))).toBe("NOT_FOUND");
			for (const id of [running, waiting])
				expect(await entriesOf(id)).toEqual([expect.objectContaining({ success: false, errorCode: "CANCELLED" })]);
		});

		it("retries what FAILED or was CANCELLED, counting anew, and refuses the rest", async () => {
			let fail = true;
			await opened(async ({ beginBatch, endBatch, checkpoint }) => {
				expect(checkpoint).toBeNull();
				await beginBatch([ref(1)], { far: true });
				const failures = [{ entryId: "e9", failure: { code: "CHANGED", said: { key: "error.changed", facts: {} } } }] as const;
				await endBatch(
					{ backend: "FILE", deletedEntries: 1, freedBytes: 10, skippedEntries: 0, failures: fail ? failures : [] },
					{ far: true },
				);
				if (fail) throw new CachewardenError("BACKEND_UNAVAILABLE");
				return "SUCCEEDED";
			});
			const { job } = await submit();
			const failed = await ended(job.id);
			fail = false;
			const retried = await jobs.retry(job.id, await audit.begin(intentOf("alice", { action: "retryJob" })));
			expect(retried).toMatchObject({ id: job.id, status: "QUEUED", error: null, finishedAt: null });
			expect(retried.progress.sequence).toBeGreaterThan(failed.progress.sequence);
			const second = await ended(job.id);
			expect(second).toMatchObject({ status: "SUCCEEDED", attempts: 2 });
			expect(progressTotals(second)).toMatchObject({ deletedEntries: 1, failedEntries: 0 });
			expect((await jobs.failures(job.id, forward(5))).totalCount).toBe(0);
			expect((await entriesOf(job.id)).map(({ action, success }) => [action, success])).toEqual([
				["retryJob", true],
				["cleanup", false],
			]);
			const refused = await audit.begin(intentOf("alice"));
			expect(await codeOf(jobs.retry(job.id, refused))).toBe("CONFLICT");
			expect(await codeOf(jobs.retry("j0", refused))).toBe("NOT_FOUND");
		});

		it("refuses more waiting jobs than it may hold", async () => {
			const held = gate();
			await opened(
				async () => {
					await held.opened;
					return "SUCCEEDED";
				},
				{ concurrency: 1, maxQueued: 2 },
			);
			const first = await submit();
			await eventually(async () => expect((await jobs.get(first.job.id))?.status).toBe("RUNNING"), { withinMs: 5000 });
			await submit();
			const last = await submit();
			expect(await codeOf(submit())).toBe("QUEUE_FULL");
			held.open();
			await ended(last.job.id);
			expect((await submit()).fresh).toBe(true);
		});

		it("starts bob's one job in the next free slot although alice has forty, and gives nobody more than his limit", async () => {
			const started: string[] = [];
			const now = new Map<string, number>();
			let most = 0;
			const steps = gate();
			await opened(
				async ({ job }) => {
					started.push(job.requestedBy);
					now.set(job.requestedBy, (now.get(job.requestedBy) ?? 0) + 1);
					most = Math.max(most, now.get(job.requestedBy) ?? 0);
					await steps.opened;
					now.set(job.requestedBy, (now.get(job.requestedBy) ?? 0) - 1);
					return "SUCCEEDED";
				},
				{ concurrency: 2, concurrencyPerUser: 2 },
			);
			const submissions = await Promise.all(Array.from({ length: 40 }, (_, i) => submit("alice", `a${i}`)));
			await eventually(() => expect(started).toHaveLength(2), { withinMs: 5000 });
			expect(await jobs.counts("alice")).toMatchObject({
				queued: 38,
				running: 2,
				mine: { pending: 38, processing: 2, concurrencyLimit: 2 },
			});
			const bob = await submit("bob");
			expect(await jobs.counts("bob")).toMatchObject({ mine: { pending: 1, processing: 0 } });
			steps.open();
			await ended(bob.job.id);
			expect(started.indexOf("bob")).toBeLessThanOrEqual(3);
			for (const { job } of submissions) await ended(job.id);
			expect(started).toHaveLength(41);
			expect(most).toBe(2);
			expect(await jobs.counts("alice")).toMatchObject({ queued: 0, running: 0, completed: 41, failed: 0 });
		});

		it("lists newest first, filtered, in both directions", async () => {
			await opened(async ({ input }) => (input.name === "bad" ? "FAILED" : "SUCCEEDED"));
			const ids: string[] = [];
			for (const [user, jobName] of [
				["alice", "a"],
				["bob", "bad"],
				["alice", "b"],
				["alice", "c"],
			] as const) {
				ids.unshift((await submit(user, jobName)).job.id);
				await ended(ids[0] as string);
			}
			const page = await jobs.list({}, forward(3));
			expect(page.items.map(({ node }) => node.id)).toEqual(ids.slice(0, 3));
			expect(page).toMatchObject({ hasNextPage: true, hasPreviousPage: false, totalCount: 4 });
			const rest = await jobs.list({}, forward(3, page.items[2]?.cursor));
			expect(rest.items.map(({ node }) => node.id)).toEqual(ids.slice(3));
			const back = await jobs.list({}, { direction: "backward", limit: 2, cursor: rest.items[0]?.cursor as string });
			expect(back.items.map(({ node }) => node.id)).toEqual(ids.slice(1, 3));
			expect(back).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
			async function listed(filter: Parameters<JobEngine["list"]>[0]): Promise<string[]> {
				const found = await jobs.list(filter, forward(10));
				expect(found.totalCount).toBe(found.items.length);
				return found.items.map(({ node }) => node.id);
			}
			expect(await listed({ requestedBy: "bob" })).toEqual([ids[2]]);
			expect(await listed({ statuses: ["FAILED"] })).toEqual([ids[2]]);
			expect(await listed({ statuses: [] })).toEqual([]);
			expect(await listed({ kinds: ["CLEAR"] })).toEqual([]);
			expect(await listed({ kinds: ["CLEANUP", "CLEAR"], requestedBy: "alice" })).toHaveLength(3);
			expect(await listed({ batchId: "b1" })).toEqual([]);
			expect(await codeOf(jobs.list({}, forward(1, "nonsense")))).toBe("BAD_USER_INPUT");
		});

		it("hands a running job back when it is closed; the next start goes on with its checkpoint, counts and open batch", async () => {
			const began = gate();
			await opened(async ({ signal, report, beginBatch, endBatch }) => {
				await report({ layers: [{ backend: "FILE", total: 4, status: "RUNNING" }] });
				await beginBatch([ref(1)], { at: 0 });
				await endBatch({ backend: "FILE", deletedEntries: 1, freedBytes: 10, skippedEntries: 0, failures: [] }, { at: 1 });
				await beginBatch([ref(2), ref(3)], { at: 1 });
				began.open();
				await aborted(signal);
				return "CANCELLED";
			});
			const sequences: number[] = [];
			const stop = jobs.onChange(({ progress }) => sequences.push(progress.sequence));
			const { job } = await submit();
			const { job: waiting } = await submit("bob");
			await began.opened;
			await jobs.close();
			stop();
			expect(await codeOf(submit())).toBe("QUEUE_UNAVAILABLE");
			let found: unknown;
			await reopened(async ({ checkpoint, openBatch, job: current, endBatch, input, signal }) => {
				if (current.id !== job.id) return "SUCCEEDED";
				found = { checkpoint, openBatch, deleted: progressTotals(current).deletedEntries, name: input.name, aborted: signal.aborted };
				await endBatch({ backend: "FILE", deletedEntries: 2, freedBytes: 20, skippedEntries: 1, failures: [] }, { at: 4 });
				return "SUCCEEDED";
			});
			const last = await ended(job.id);
			expect(found).toEqual({ checkpoint: { at: 1 }, openBatch: [ref(2), ref(3)], deleted: 1, name: "one", aborted: false });
			expect(last).toMatchObject({ status: "SUCCEEDED", attempts: 2, progress: { matchedEntries: 4 } });
			expect(progressTotals(last)).toMatchObject({ deletedEntries: 3, freedBytes: 30, skippedEntries: 1 });
			expect(last.progress.sequence).toBeGreaterThan(Math.max(...sequences));
			expect((await ended(waiting.id)).status).toBe("SUCCEEDED");
			expect(await entriesOf(job.id)).toHaveLength(1);
			expect((await audit.verify({ since: null, until: null })).problems).toEqual([]);
		});
	});
}
