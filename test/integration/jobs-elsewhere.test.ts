/** Two servers on one MongoDB without a queue: what one is asked of a job that the other runs. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import type { JobHandler } from "../../src/jobs/port.js";
import { callOf, forward, intentOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type LiveNode, openLiveNode } from "../testkit/mongodb-live.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ELSEWHERE = { code: "CONFLICT", said: { key: "error.jobElsewhere" } };

let mayEnd = false;
/** Fails at as many entries as it was told, and runs until it may end or is cancelled. */
const failing: JobHandler<{ readonly failures: number }> = {
	kind: "CLEANUP",
	input: z.object({ failures: z.number() }),
	async run({ input, endBatch, signal }) {
		const failure = { code: "INTERNAL", said: { key: "error.internal", facts: {} } } as const;
		const failures = Array.from({ length: input.failures }, (_, i) => ({ entryId: `e${i}`, failure }));
		await endBatch({ backend: "FILE", deletedEntries: 1, freedBytes: 1, skippedEntries: 0, failures }, {});
		await eventually(() => expect(mayEnd || signal.aborted).toBe(true), { withinMs: 30_000 });
		return signal.aborted ? "CANCELLED" : "PARTIALLY_FAILED";
	},
};

describe("a job of another server", () => {
	let mongodb: TestMongodb;
	let runs: LiveNode;
	let asked: LiveNode;
	beforeAll(async () => {
		mongodb = await startMongodb();
		const { uri } = mongodb.newDatabase();
		const handlers = [failing as JobHandler<unknown>];
		runs = await openLiveNode({ uri, dataDir: temporaryFolder(), handlers });
		asked = await openLiveNode({ uri, dataDir: temporaryFolder(), handlers });
	});
	afterAll(async () => {
		mayEnd = true;
		await runs.close();
		await asked.close();
		await mongodb.stop();
	});

	async function submit(failures: number): Promise<string> {
		mayEnd = false;
		const auditTicket = await runs.audit.begin(intentOf("alice"));
		const request = { kind: "CLEANUP", input: { failures }, auditTicket, call: callOf("alice"), idempotencyKey: null } as const;
		const { job } = await runs.jobs.submit(request);
		await eventually(async () => expect((await asked.jobs.get(job.id))?.status).toBe("RUNNING"), { withinMs: 5_000 });
		return job.id;
	}

	it("is shown, and can be cancelled, retried and looked into where it runs, which is what the others say", async () => {
		const id = await submit(2);
		await expect(asked.jobs.cancel(id)).rejects.toMatchObject(ELSEWHERE);
		expect((await runs.jobs.get(id))?.status).toBe("RUNNING");
		mayEnd = true;
		const ended = await asked.jobs.waitForEnd(id, 10_000);
		expect(ended.status).toBe("PARTIALLY_FAILED");
		expect(await asked.jobs.cancel(id)).toEqual(ended);
		await expect(asked.jobs.retry(id, "a0")).rejects.toMatchObject(ELSEWHERE);
		await expect(asked.jobs.failures(id, forward(5))).rejects.toMatchObject(ELSEWHERE);
		expect((await runs.jobs.failures(id, forward(5))).totalCount).toBe(2);
		expect((await asked.jobs.list({}, forward(5))).totalCount).toBe(0);
	});

	it("has no failures where it had none, and is cancelled by its own server for all", async () => {
		const id = await submit(0);
		expect((await asked.jobs.failures(id, forward(5))).totalCount).toBe(0);
		await runs.jobs.cancel(id);
		expect((await asked.jobs.waitForEnd(id, 10_000)).status).toBe("CANCELLED");
	});

	it("is none when nobody has it", async () => {
		await expect(asked.jobs.cancel("j0")).rejects.toMatchObject({ code: "NOT_FOUND" });
		await expect(asked.jobs.retry("j0", "a0")).rejects.toMatchObject({ code: "NOT_FOUND" });
	});
});
