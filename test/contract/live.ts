/** What the live streams must do over any pair of job engine and audit log. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import type { AuditLog } from "../../src/audit/port.js";
import { hasEnded, type Job } from "../../src/core/job.js";
import type { JobEngine, JobHandler } from "../../src/jobs/port.js";
import { type Live, SlowConsumerError } from "../../src/live/port.js";
import { callOf, forward, intentOf, outcomeOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { heapAfterCollection } from "../testkit/heap.js";

export interface LiveHarness {
	readonly jobs: JobEngine;
	readonly audit: AuditLog;
	/** `maxWaiting` is 100. */
	readonly live: Live;
	/** Tells that totals changed. */
	changeStats(): void;
	/** Listeners that the streams hold on their sources. */
	listeners(): number;
	close(): Promise<void>;
}

const MAX_WAITING = 100;
const CYCLES = 10_000;

/** Batches go on until the gate of the job's name is opened. */
const gates = new Map<string, () => void>();
const untilOpened: JobHandler<{ readonly name: string }> = {
	kind: "CLEANUP",
	input: z.object({ name: z.string() }),
	async run({ input, endBatch }) {
		let opened = false;
		gates.set(input.name, () => {
			opened = true;
		});
		while (!opened) await endBatch({ backend: "FILE", deletedEntries: 1, freedBytes: 1, skippedEntries: 0, failures: [] }, {});
		return "SUCCEEDED";
	},
};
/** Loads 5 entries in two batches, of which one cannot be loaded. */
const loading: JobHandler<object> = {
	kind: "WARM_UP",
	input: z.object({}),
	async run({ endBatch, report }) {
		await report({ layers: [{ backend: "FILE", total: 6 }], details: { loader: "quotes" } });
		const batch = { backend: "FILE", deletedEntries: 0, freedBytes: 0, skippedEntries: 0 } as const;
		const failed = { code: "LOADER_FAILED", said: { key: "error.internal", facts: {} } } as const;
		await endBatch({ ...batch, loadedEntries: 3, loadedBytes: 30, failures: [] }, {});
		await endBatch({ ...batch, loadedEntries: 2, loadedBytes: 20, failures: [{ entryId: "e6", failure: failed }] }, {});
		return "PARTIALLY_FAILED";
	},
};
export const liveHandlers = [untilOpened as JobHandler<unknown>, loading as JobHandler<unknown>];

async function collected<T>(stream: AsyncIterableIterator<T>, count: number): Promise<T[]> {
	const values: T[] = [];
	while (values.length < count) {
		const { done, value } = await stream.next();
		if (done) break;
		values.push(value);
	}
	return values;
}

export function liveContract(name: string, open: () => Promise<LiveHarness>): void {
	describe(`live streams, ${name}`, () => {
		let harness: LiveHarness;
		beforeEach(async () => {
			harness = await open();
		});
		afterEach(async () => {
			for (const openGate of gates.values()) openGate();
			const left = harness.listeners();
			await harness.close();
			expect(left).toBe(0);
		});

		async function submit(jobName: string, user = "alice"): Promise<Job> {
			const auditTicket = await harness.audit.begin(intentOf(user));
			const request = { kind: "CLEANUP", input: { name: jobName }, auditTicket, call: callOf(user), idempotencyKey: null } as const;
			return (await harness.jobs.submit(request)).job;
		}
		async function finish(job: Job): Promise<Job> {
			await eventually(() => expect(gates.has(job.input.name as string)).toBe(true), { withinMs: 5000 });
			gates.get(job.input.name as string)?.();
			return harness.jobs.waitForEnd(job.id, 10_000);
		}
		async function record(count: number, user = "alice"): Promise<void> {
			await Promise.all(
				Array.from({ length: count }, async () => harness.audit.end(await harness.audit.begin(intentOf(user)), outcomeOf())),
			);
		}

		it("gives a job's state now, then its changes in order until it ends, and is done", async () => {
			const job = await submit("one");
			const stream = harness.live.job(job.id);
			const seen: Job[] = await collected(stream, 3);
			const last = await finish(job);
			for await (const state of stream) seen.push(state);
			const sequences = seen.map(({ progress }) => progress.sequence);
			expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
			expect(seen.at(-1)).toEqual(last);
			expect(seen.filter(({ status }) => hasEnded(status))).toHaveLength(1);
			expect(harness.listeners()).toBe(0);
			expect(await collected(harness.live.job(job.id), 5)).toEqual([last]);
		});

		it("tells what a job loaded, in its last state and in its entry of the log", async () => {
			const auditTicket = await harness.audit.begin(intentOf("alice", { action: "warmUp", details: { symbols: ["A"] } }));
			const request = { kind: "WARM_UP", input: {}, auditTicket, call: callOf("alice"), idempotencyKey: null } as const;
			const { job } = await harness.jobs.submit(request);
			const stream = harness.live.job(job.id);
			const states: Job[] = [];
			for await (const state of stream) states.push(state);
			expect(states.at(-1)?.progress.layers).toMatchObject([{ backend: "FILE", loadedEntries: 5, loadedBytes: 50, failedEntries: 1 }]);
			const entry = await eventually(
				async () => {
					const [found] = (await harness.audit.page({ jobId: job.id }, forward(5))).items;
					return found?.node ?? Promise.reject(new Error("no entry yet"));
				},
				{ withinMs: 5_000 },
			);
			expect(entry).toMatchObject({
				action: "warmUp",
				success: false,
				details: {
					symbols: ["A"],
					status: "PARTIALLY_FAILED",
					loader: "quotes",
					matchedEntries: 6,
					loadedEntries: 5,
					loadedBytes: 50,
					failedEntries: 1,
					byBackend: [{ backend: "FILE", loadedEntries: 5, failedEntries: 1 }],
				},
			});
			expect(await harness.audit.get(entry.id)).toEqual(entry);
		});

		it("says that there is no such job", async () => {
			await expect(harness.live.job("j0").next()).rejects.toMatchObject({ code: "NOT_FOUND" });
		});

		it("leaves out states that a slow reader missed, but never the last", async () => {
			const job = await submit("slow");
			const stream = harness.live.job(job.id);
			await stream.next();
			await eventually(async () => expect((await harness.jobs.get(job.id))?.progress.sequence).toBeGreaterThan(20), { withinMs: 10_000 });
			const last = await finish(job);
			expect(await collected(stream, 100)).toEqual([last]);
		});

		it("gives the changes of all jobs that the reader may see, and of no other", async () => {
			const stream = harness.live.jobs((job) => job.requestedBy === "alice");
			const bobs = await finish(await submit("bobs", "bob"));
			const alices = await finish(await submit("alices"));
			const seen = await collected(stream, 1);
			expect(seen).toEqual([alices]);
			expect(bobs.status).toBe("SUCCEEDED");
			await stream.return?.();
		});

		it("ends a pending next() at once when the reader returns, and lets go of the source", async () => {
			const cursor = await harness.audit.head();
			const streams: AsyncIterableIterator<unknown>[] = [
				harness.live.jobs(() => true),
				harness.live.audit(null, () => true),
				harness.live.audit(cursor, () => true),
				harness.live.stats(1000),
			];
			const pending = streams.map((stream) => stream.next());
			expect(harness.listeners()).toBe(4);
			for (const stream of streams) expect(await stream.return?.()).toEqual({ done: true, value: undefined });
			expect(harness.listeners()).toBe(0);
			for (const result of pending) expect(await result).toEqual({ done: true, value: undefined });
			for (const stream of streams) expect(await stream.next()).toEqual({ done: true, value: undefined });
		});

		it(`W6: leaves no listener and no memory behind after ${CYCLES} cycles of subscribing and leaving`, async () => {
			const job = await submit("cycles");
			async function cycle(): Promise<void> {
				for (const stream of [harness.live.job(job.id), harness.live.audit(null, () => true), harness.live.stats(1)]) {
					const pending = stream.next();
					await stream.return?.();
					await pending;
				}
			}
			for (let i = 0; i < CYCLES / 10; i++) await cycle();
			const before = heapAfterCollection();
			for (let i = 0; i < CYCLES; i++) await cycle();
			expect(harness.listeners()).toBe(0);
			expect(heapAfterCollection() - before).toBeLessThan(4 << 20);
			await finish(job);
		}, 120_000);

		it("gives audit entries from now on, those that the reader may see", async () => {
			await record(3);
			const stream = harness.live.audit(null, (entry) => entry.userId === "bob");
			await record(2);
			await record(2, "bob");
			const [first, second] = await collected(stream, 2);
			expect([first?.entry.userId, first?.entry.sequence, second?.entry.sequence]).toEqual(["bob", 6, 7]);
			await stream.return?.();
		});

		it("replays from a cursor and goes over to what comes, without gap or repeat, while 64 callers write", async () => {
			const start = await harness.audit.head();
			await record(250);
			const total = 800;
			const streams = [harness.live.audit(start, () => true)];
			const readers = [collected(streams[0] as AsyncIterableIterator<{ cursor: string; entry: { sequence: number | null } }>, total)];
			let written = 250;
			await Promise.all(
				Array.from({ length: 64 }, async () => {
					while (written < total) {
						written++;
						await harness.audit.end(await harness.audit.begin(intentOf("alice")), outcomeOf());
						if (written % 100 === 0) {
							const stream = harness.live.audit(start, () => true);
							streams.push(stream);
							readers.push(collected(stream as (typeof streams)[0], total));
						}
					}
				}),
			);
			expect(readers.length).toBeGreaterThan(5);
			const expected = Array.from({ length: total }, (_, i) => i + 1);
			for (const reader of readers) expect((await reader).map(({ entry }) => entry.sequence)).toEqual(expected);
			for (const stream of streams) await stream.return?.();
		}, 120_000);

		it("continues from any entry's cursor, also for a reader who sees only few of them", async () => {
			await record(30);
			await record(1, "bob");
			const all = harness.live.audit(await cursorOf(10), () => true);
			expect((await collected(all, 21)).map(({ entry }) => entry.sequence)).toEqual(Array.from({ length: 21 }, (_, i) => i + 11));
			const bobs = harness.live.audit(await cursorOf(10), (entry) => entry.userId === "bob");
			expect((await collected(bobs, 1)).map(({ entry }) => entry.sequence)).toEqual([31]);
			await all.return?.();
			await bobs.return?.();
			await expect(harness.live.audit("nonsense", () => true).next()).rejects.toMatchObject({ code: "BAD_USER_INPUT" });
		});
		async function cursorOf(sequence: number): Promise<string> {
			const page = await harness.audit.page({}, { direction: "backward", limit: sequence, cursor: null });
			return page.items[0]?.cursor as string;
		}

		it("ends the stream of a reader who falls too far behind, and of nobody else; he misses nothing when he comes back", async () => {
			const slow = harness.live.audit(null, () => true);
			const fast = harness.live.audit(null, () => true);
			const [first] = await Promise.all([slow.next(), fast.next(), record(1)]);
			const reading = collected(fast, MAX_WAITING + 51);
			await record(MAX_WAITING + 50);
			await record(1);
			await expect(slow.next()).rejects.toBeInstanceOf(SlowConsumerError);
			expect(await slow.next()).toEqual({ done: true, value: undefined });
			expect(await reading).toHaveLength(MAX_WAITING + 51);
			const back = harness.live.audit(first.value.cursor, () => true);
			expect((await collected(back, MAX_WAITING + 51)).map(({ cursor }) => cursor)).toEqual((await reading).map(({ cursor }) => cursor));
			await fast.return?.();
			await back.return?.();
		});

		it("does not call a reader slow who is replaying a long log", async () => {
			const start = await harness.audit.head();
			const stream = harness.live.audit(start, () => true);
			await record(MAX_WAITING * 5);
			const seen = await collected(stream, MAX_WAITING * 5);
			expect(seen.map(({ entry }) => entry.sequence)).toEqual(Array.from({ length: MAX_WAITING * 5 }, (_, i) => i + 1));
			await stream.return?.();
		});

		it("ticks when totals change, at most once an interval, and tells the last change at its end", async () => {
			const stream = harness.live.stats(80);
			harness.changeStats();
			await stream.next();
			const began = performance.now();
			for (let i = 0; i < 10; i++) harness.changeStats();
			await stream.next();
			expect(performance.now() - began).toBeGreaterThan(50);
			let more = false;
			const pending = stream.next().then(({ done }) => {
				more = !done;
			});
			await stream.return?.();
			await pending;
			expect(more).toBe(false);
		});
	});
}
