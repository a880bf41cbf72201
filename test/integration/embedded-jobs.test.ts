/** What is particular to the embedded engine: its store fails for a while, or the process ends between two durable steps. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { openEmbeddedAudit } from "../../src/audit/embedded/embedded-audit.js";
import type { AuditLog } from "../../src/audit/port.js";
import { DAY_MS, systemClock } from "../../src/core/clock.js";
import type { EntryRef } from "../../src/core/entry.js";
import { CachewardenError } from "../../src/core/errors.js";
import { progressTotals } from "../../src/core/job.js";
import { openEmbeddedJobs, ticketsOfUnfinishedJobs } from "../../src/jobs/embedded/embedded-jobs.js";
import type { JobContext, JobEngine, JobHandler } from "../../src/jobs/port.js";
import { openStore, type Store } from "../../src/store/store.js";
import { callOf, frozenClock, intentOf } from "../testkit/calls.js";
import { type Embedded, openEmbedded } from "../testkit/embedded.js";
import { eventually } from "../testkit/eventually.js";
import { temporaryFolder } from "../testkit/temporary.js";

function handlerOf(run: (context: JobContext<unknown>) => ReturnType<JobHandler["run"]>): JobHandler<unknown> {
	return { kind: "CLEANUP", input: z.object({}), run };
}

async function submit({ jobs, audit }: { readonly jobs: JobEngine; readonly audit: AuditLog }): Promise<string> {
	const auditTicket = await audit.begin(intentOf("alice"));
	return (await jobs.submit({ kind: "CLEANUP", input: {}, auditTicket, call: callOf("alice"), idempotencyKey: null })).job.id;
}

async function outcomes(audit: AuditLog, jobId: string): Promise<boolean[]> {
	return (await audit.page({ jobId }, { direction: "forward", limit: 10, cursor: null })).items.map(({ node }) => node.success);
}

const ref: EntryRef = {
	id: "e1",
	key: "k",
	backend: "FILE",
	place: "p",
	type: "news",
	size: 1,
	locator: null,
	fingerprint: { data: null, metadata: null },
};

describe("the embedded job engine", () => {
	let store: Store | null = null;
	let embedded: Embedded | null = null;
	afterEach(async () => {
		await embedded?.close();
		await store?.close();
		embedded = null;
		store = null;
	});

	/** An engine whose audit log does what `end` says; it is closed with the store. */
	async function opened(dataDir: string, handler: JobHandler<unknown>, end: (audit: AuditLog) => AuditLog["end"]) {
		store = await openStore({ dataDir, warn: () => undefined });
		const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
		const options = { store, clock: systemClock, keepDays: 7, log };
		const audit = await openEmbeddedAudit({
			...options,
			secret: "the secret of a test",
			ownedTickets: await ticketsOfUnfinishedJobs(store),
		});
		const limits = { concurrency: 1, concurrencyPerUser: 1, maxQueued: 10 };
		const jobs = await openEmbeddedJobs({ ...options, ...limits, handlers: [handler], audit: { end: end(audit) } });
		await jobs.start();
		return { audit, jobs };
	}

	it("writes the audit entry of an ended job at the next start, once, when the process ended before it", async () => {
		const dataDir = temporaryFolder();
		let tries = 0;
		const parts = await opened(
			dataDir,
			handlerOf(async () => "SUCCEEDED"),
			() => async () => {
				tries++;
				throw new CachewardenError("AUDIT_UNAVAILABLE");
			},
		);
		const id = await submit(parts);
		await eventually(() => expect(tries).toBeGreaterThan(0), { withinMs: 5000 });
		// Nobody is told of an end that is not in the audit log.
		expect((await parts.jobs.get(id))?.status).toBe("RUNNING");
		await parts.jobs.close();
		await store?.close();
		store = null;
		for (let start = 0; start < 2; start++) {
			embedded = await openEmbedded({ dataDir });
			expect(await embedded.jobs.get(id)).toMatchObject({ status: "SUCCEEDED", attempts: 1 });
			expect(await outcomes(embedded.audit, id)).toEqual([true]);
			await embedded.close();
			embedded = null;
		}
	});

	it("ends a job once its entry can be written again", async () => {
		let tries = 0;
		const parts = await opened(
			temporaryFolder(),
			handlerOf(async () => "SUCCEEDED"),
			(audit) => async (ticket, outcome) => {
				if (tries++ === 0) throw new CachewardenError("AUDIT_UNAVAILABLE");
				await audit.end(ticket, outcome);
			},
		);
		const id = await submit(parts);
		expect((await parts.jobs.waitForEnd(id, 10_000)).status).toBe("SUCCEEDED");
		expect([tries, await outcomes(parts.audit, id)]).toEqual([2, [true]]);
		await parts.jobs.close();
	});

	it("lets a cancelled job count the batch that a shutdown cut short, and nothing more", async () => {
		const dataDir = temporaryFolder();
		let began = (): void => undefined;
		const beginning = new Promise<void>((resolve) => {
			began = resolve;
		});
		embedded = await openEmbedded({
			dataDir,
			handlers: [
				handlerOf(async ({ beginBatch }) => {
					await beginBatch([ref], {});
					began();
					// Does not stop, so that the engine leaves it behind.
					return new Promise(() => undefined);
				}),
			],
		});
		const id = await submit(embedded);
		await beginning;
		expect((await embedded.jobs.cancel(id)).status).toBe("RUNNING");
		await embedded.store.close();
		embedded = null;
		const seen: unknown[] = [];
		embedded = await openEmbedded({
			dataDir,
			handlers: [
				handlerOf(async ({ signal, openBatch, endBatch }) => {
					seen.push([signal.aborted, openBatch]);
					await endBatch({ backend: "FILE", deletedEntries: 1, freedBytes: 1, skippedEntries: 0, failures: [] }, {});
					return "CANCELLED";
				}),
			],
		});
		const job = await embedded.jobs.waitForEnd(id, 10_000);
		expect(seen).toEqual([[true, [ref]]]);
		expect([job.status, job.attempts, progressTotals(job).deletedEntries]).toEqual(["CANCELLED", 2, 1]);
	});

	it("reserves sequence numbers before it uses them, however often a handler reports", async () => {
		embedded = await openEmbedded({
			dataDir: temporaryFolder(),
			handlers: [
				handlerOf(async ({ report }) => {
					for (let i = 0; i < 5000; i++) await report({ phase: `step ${i}` });
					return "SUCCEEDED";
				}),
			],
		});
		const sequences: number[] = [];
		embedded.jobs.onChange(({ progress }) => sequences.push(progress.sequence));
		const job = await embedded.jobs.waitForEnd(await submit(embedded), 10_000);
		expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
		expect(job.progress).toMatchObject({ phase: "step 4999", sequence: sequences.at(-1) });
	});

	it("estimates the rest from the pace of its batches", async () => {
		const clock = frozenClock();
		embedded = await openEmbedded({
			dataDir: temporaryFolder(),
			clock,
			handlers: [
				handlerOf(async ({ report, endBatch }) => {
					await report({ layers: [{ backend: "FILE", total: 100 }] });
					for (let i = 0; i < 2; i++) {
						clock.advance(2000);
						await endBatch({ backend: "FILE", deletedEntries: 10, freedBytes: 1, skippedEntries: 0, failures: [] }, {});
					}
					return "SUCCEEDED";
				}),
			],
		});
		const estimates: (number | null)[] = [];
		embedded.jobs.onChange(({ progress }) => estimates.push(progress.etaSeconds));
		await embedded.jobs.waitForEnd(await submit(embedded), 10_000);
		expect(estimates).toEqual([null, null, null, 18, 16, null]);
	});

	it("forgets jobs that ended longer ago than it keeps them", async () => {
		const clock = frozenClock();
		const dataDir = temporaryFolder();
		const handlers = [handlerOf(async () => "SUCCEEDED")];
		embedded = await openEmbedded({ dataDir, clock, handlers, jobsKeepDays: 7 });
		const old = await submit(embedded);
		await embedded.jobs.waitForEnd(old, 10_000);
		clock.advance(6 * DAY_MS);
		const young = await submit(embedded);
		await embedded.jobs.waitForEnd(young, 10_000);
		await embedded.close();
		clock.advance(2 * DAY_MS);
		embedded = await openEmbedded({ dataDir, clock, handlers, jobsKeepDays: 7 });
		const { jobs } = embedded;
		await eventually(async () => expect(await jobs.get(old)).toBeNull(), { withinMs: 5000 });
		expect((await embedded.jobs.get(young))?.status).toBe("SUCCEEDED");
	});

	it("goes on when a listener throws", async () => {
		embedded = await openEmbedded({ dataDir: temporaryFolder(), handlers: [handlerOf(async () => "SUCCEEDED")] });
		embedded.jobs.onChange(() => {
			throw new Error("a listener's own fault");
		});
		expect((await embedded.jobs.waitForEnd(await submit(embedded), 10_000)).status).toBe("SUCCEEDED");
		expect(embedded.logged.join()).toContain("a listener of jobs failed");
	});
});
