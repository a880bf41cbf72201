import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { CacheBackend, RemovalOptions, RemovalOutcome } from "../../../backends/backend.js";
import type { BackendKind, EntryRef } from "../../../core/entry.js";
import { CachewardenError } from "../../../core/errors.js";
import type { PlaceGroup } from "../../../core/place-groups.js";
import { batchIdOf } from "../../splitting.js";
import type { CurrentRun } from "../current-run.js";
import type { FairQueue } from "../fair-queue.js";
import { removeWhileHeld } from "../fenced-backend.js";
import { KEPT_SECONDS, tellPart } from "../teller.js";
import { cut, decodeOutcomes, type Part, type PartResult, partQueueOf } from "./part.js";

export interface PartSenderOptions {
	/** On a connection that waits for its server. */
	readonly fair: FairQueue;
	readonly client: Redis;
	readonly enginePrefix: string;
	readonly groups: readonly PlaceGroup[];
	readonly lockMs: number;
	readonly log: Pick<Logger, "warn">;
}

const ENTRIES = 1_000;
const LOOK_EVERY_MS = 1_000;
/** What nobody fetched, because its sender died. */
const FETCHED_WITHIN_SECONDS = 3_600;
const MOST_FAILURES = 5;

interface Sent {
	readonly id: string;
	readonly queue: Queue<Part, PartResult>;
	readonly backend: BackendKind;
	readonly entries: readonly EntryRef[];
	readonly resumed: boolean;
	readonly failures: number;
}

interface Flow {
	readonly run: CurrentRun;
	readonly open: Map<string, Sent>;
	readonly outcomes: RemovalOutcome[];
	/** Parts that something was told of, and were not looked at since. */
	readonly heard: Set<string>;
	wake: () => void;
}

/**
 * Shares a batch out among workers and brings together what became of it. Whatever happens to a worker, its part is done again by
 * another, and what was removed by then counts once: the second removal is a resumed one. Parts outlive the attempt that sent them
 * only as long as they need to see that it has ended.
 */
export class PartSender {
	private readonly queues = new Map<string, Queue<Part, PartResult>>();
	private readonly flows = new Set<Flow>();
	private sent = 0;

	constructor(private readonly options: PartSenderOptions) {}

	/** A worker has done a part, or given up on it. */
	hear(id: string): void {
		for (const flow of this.flows) {
			if (!flow.open.has(id)) continue;
			flow.heard.add(id);
			flow.wake();
		}
	}

	/** Entries that were not reached are missing from the answer, as with the layer itself. */
	async remove(
		own: CacheBackend,
		run: CurrentRun,
		entries: readonly EntryRef[],
		{ signal, resumed }: RemovalOptions,
	): Promise<RemovalOutcome[]> {
		const { fair, groups } = this.options;
		const flow: Flow = { run, open: new Map(), outcomes: [], heard: new Set(), wake: () => undefined };
		const { jobId, attempt, lease } = run;
		if (!lease.held || !(await fair.openFlow(jobId, attempt, this.options.lockMs))) return [];
		// Ends by itself soon after whoever is here has died.
		const renewal = setInterval(() => {
			if (lease.held && !signal.aborted) void fair.openFlow(jobId, attempt, this.options.lockMs).catch(() => undefined);
		}, this.options.lockMs / 4);
		const onAbort = (): void => flow.wake();
		signal.addEventListener("abort", onAbort);
		this.flows.add(flow);
		try {
			const pieces = cut(entries, groups, ENTRIES);
			const parts = pieces.filter(({ group }) => group !== null);
			await this.send(flow, parts as readonly { readonly group: PlaceGroup; readonly entries: readonly EntryRef[] }[], resumed, 0);
			for (const { group, entries: others } of pieces)
				if (group === null) flow.outcomes.push(...(await removeWhileHeld(own, lease, others, { signal, resumed })));
			await this.collect(flow, signal);
			return flow.outcomes;
		} finally {
			clearInterval(renewal);
			signal.removeEventListener("abort", onAbort);
			this.flows.delete(flow);
			await fair.closeFlow(jobId, attempt).catch(() => undefined);
		}
	}

	async close(): Promise<void> {
		for (const queue of this.queues.values()) await queue.close();
	}

	private async send(
		flow: Flow,
		pieces: readonly { readonly group: PlaceGroup; readonly entries: readonly EntryRef[] }[],
		resumed: boolean,
		failures: number,
	): Promise<void> {
		const { run, open } = flow;
		const { jobId, attempt, requestId, userId, lease } = run;
		const byQueue = new Map<Queue<Part, PartResult>, { readonly name: string; readonly data: Part; readonly opts: object }[]>();
		const kept = { removeOnComplete: { age: FETCHED_WITHIN_SECONDS }, removeOnFail: { age: FETCHED_WITHIN_SECONDS } };
		for (const { group, entries } of pieces) {
			const queue = this.queueOf(group);
			const id = `${jobId}-${attempt}-p${++this.sent}`;
			const { backend } = group;
			const data: Part = { jobId, attempt, requestId, userId, backend, resumed, entries: [...entries] };
			open.set(id, { id, queue, backend, entries, resumed, failures });
			byQueue.set(queue, [...(byQueue.get(queue) ?? []), { name: "part", data, opts: { jobId: id, ...kept } }]);
		}
		if (!lease.held) return;
		await this.options.fair.addToBatch(batchIdOf(jobId), [...open.keys()], KEPT_SECONDS).catch(() => undefined);
		// Not waited for beyond the job's own time: what a server that was away takes later finds that the flow has ended.
		await Promise.race([
			Promise.all([...byQueue].map(([queue, jobs]) => queue.addBulk(jobs))),
			new Promise<void>((lost) => lease.onLost(() => lost())),
		]);
	}

	private async collect(flow: Flow, signal: AbortSignal): Promise<void> {
		let stopsAt: number | null = null;
		while (flow.open.size > 0 && flow.run.lease.held) {
			if (signal.aborted && stopsAt === null) {
				// A worker that died with a part is found out by then, and another has told what it had done.
				stopsAt = performance.now() + 3 * this.options.lockMs;
				await this.stop(flow);
				continue;
			}
			if (stopsAt !== null && (performance.now() > stopsAt || signal.reason === "lost")) return;
			const ids = await this.news(flow, signal, stopsAt !== null);
			for (const id of ids) {
				const part = flow.open.get(id);
				if (part !== undefined) await this.look(flow, part, signal);
			}
		}
	}

	/** The parts to look at. All of them now and then: a message may be lost. */
	private async news(flow: Flow, signal: AbortSignal, stopping: boolean): Promise<readonly string[]> {
		let timer: NodeJS.Timeout | undefined;
		const all = await new Promise<boolean>((resolve) => {
			flow.wake = () => resolve(false);
			timer = setTimeout(() => resolve(true), stopping ? LOOK_EVERY_MS / 4 : LOOK_EVERY_MS);
			if (flow.heard.size > 0 || (signal.aborted && !stopping)) resolve(false);
		});
		clearTimeout(timer);
		flow.wake = () => undefined;
		const ids = all ? [...flow.open.keys()] : [...flow.heard];
		flow.heard.clear();
		return ids;
	}

	private async look(flow: Flow, part: Sent, signal: AbortSignal): Promise<void> {
		const { id, queue, entries, resumed } = part;
		const [there, finished, value, failed] = await this.options.client.hmget(
			queue.toKey(id),
			"timestamp",
			"finishedOn",
			"returnvalue",
			"failedReason",
		);
		if (there !== null && finished === null) return;
		flow.open.delete(id);
		if (there !== null && failed === null && value !== null && value !== undefined) {
			const { outcomes, left } = decodeOutcomes(entries, JSON.parse(value) as PartResult);
			flow.outcomes.push(...outcomes);
			await Promise.all([queue.remove(id), tellPart(this.options.fair, id, entries.length, outcomes)]).catch(() => undefined);
			// Its worker was stopped: it goes on with another.
			if (left.length > 0 && !signal.aborted) await this.again(flow, part, left, resumed, part.failures);
			return;
		}
		// Lost with its server, or given up by workers: it may have been begun.
		this.options.log.warn(
			{ jobId: flow.run.jobId, part: id, reason: failed ?? "it is gone from the queue" },
			"a part of a job is done again",
		);
		await queue.remove(id).catch(() => undefined);
		if (part.failures + 1 >= MOST_FAILURES) throw new CachewardenError("INTERRUPTED", { key: "error.interrupted", facts: {} });
		await this.again(flow, part, entries, true, part.failures + 1);
	}

	private async again(
		flow: Flow,
		{ entries: _, queue, ...part }: Sent,
		entries: readonly EntryRef[],
		resumed: boolean,
		failures: number,
	): Promise<void> {
		const group = this.options.groups.find((one) => one.backend === part.backend && this.queueOf(one) === queue) as PlaceGroup;
		await this.options.fair.openFlow(flow.run.jobId, flow.run.attempt, this.options.lockMs);
		await this.send(flow, [{ group, entries }], resumed, failures);
	}

	/** Takes back what has not begun; who has begun sees that the flow is closed. What an earlier attempt began is still settled. */
	private async stop({ run, open }: Flow): Promise<void> {
		await this.options.fair.closeFlow(run.jobId, run.attempt).catch(() => undefined);
		for (const { id, queue, resumed } of [...open.values()]) if (!resumed && (await queue.remove(id).catch(() => 0)) === 1) open.delete(id);
	}

	private queueOf(group: PlaceGroup): Queue<Part, PartResult> {
		const name = partQueueOf(group);
		const known = this.queues.get(name);
		if (known !== undefined) return known;
		const { client, enginePrefix: prefix, log } = this.options;
		const queue = new Queue<Part, PartResult>(name, { connection: client, prefix });
		queue.on("error", (error) => log.warn({ err: error }, "the queue's server did not answer; it is asked again"));
		this.queues.set(name, queue);
		return queue;
	}
}
