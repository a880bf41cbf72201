import { z } from "zod";
import type { JobHandler } from "../../src/jobs/port.js";
import { callOf, frozenClock, intentOf } from "../testkit/calls.js";
import { type Embedded, openEmbedded } from "../testkit/embedded.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { historyContract } from "./history.js";

/** What is deleted comes from jobs, through the store that both share. */
const deleting: JobHandler<{ readonly entries: number; readonly bytes: number }> = {
	kind: "CLEANUP",
	input: z.object({ entries: z.number(), bytes: z.number() }),
	async run({ input, endBatch }) {
		await endBatch({ backend: "FILE", deletedEntries: input.entries, freedBytes: input.bytes, skippedEntries: 0, failures: [] }, {});
		return "SUCCEEDED";
	},
};

historyContract("embedded", () => {
	const dataDir = temporaryFolder();
	const clock = frozenClock(0);
	let embedded: Embedded | null = null;
	async function close(): Promise<void> {
		await embedded?.close();
		embedded = null;
	}
	return {
		async open() {
			await close();
			embedded = await openEmbedded({ dataDir, clock, handlers: [deleting as JobHandler<unknown>] });
			return embedded.history;
		},
		async deleted(at, entries, bytes) {
			const { audit, jobs } = embedded as Embedded;
			clock.advance(at - clock.now());
			const auditTicket = await audit.begin(intentOf("alice"));
			const request = { kind: "CLEANUP", input: { entries, bytes }, auditTicket, call: callOf("alice"), idempotencyKey: null } as const;
			await jobs.waitForEnd((await jobs.submit(request)).job.id, 10_000);
		},
		close,
	};
});
