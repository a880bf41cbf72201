import { z } from "zod";
import type { Coordination } from "../../coordination/port.js";
import type { Clock } from "../../core/clock.js";
import type { Job } from "../../core/job.js";
import type { JobContext, JobEngine } from "../../jobs/port.js";
import type { Dependencies } from "../../operations/dependencies.js";
import { catalogSource } from "../../operations/removal-source.js";
import { removeEntries } from "../../operations/remove-entries.js";
import type { DataSource } from "../../sources/port.js";
import { nestedContext } from "../nested-context.js";
import { relatedTo, type SyncJobInput, selectionsOf, syncJobInput } from "./related.js";

export interface ClearingParts extends Pick<Dependencies, "catalog" | "backends"> {
	readonly coordination: Coordination;
	readonly clock: Clock;
	readonly sources: ReadonlyMap<string, DataSource>;
	/** Syncs that come within so long of the first are answered by one clearing. */
	readonly coalesceMs: number;
	/** Only for asking; the engine that runs these jobs is opened after their handlers. */
	readonly jobs: () => Pick<JobEngine, "list">;
}

/** Who and what made entries stale. */
interface Cause {
	readonly jobId: string;
	readonly source: string;
	readonly requestedBy: string;
	readonly types: readonly string[];
	/** The first of them; null: all. */
	readonly symbols: readonly string[] | null;
	readonly records: number | null;
}

export type Cleared = "SUCCEEDED" | "PARTIALLY_FAILED" | "FAILED" | "CANCELLED";

const keptShape = z.object({
	/** The selections that this job clears, for itself and for others; absent before it has begun. */
	clearing: z.object({
		selections: z.array(z.looseObject({})),
		answered: z.array(z.string()),
		causes: z.array(z.looseObject({})),
		done: z.number(),
	}),
});
const sharedShape = z.object({ by: z.string(), status: z.literal("SUCCEEDED") });

const LOCK = "after-sync";
const SHARED_MS = 3_600_000;
const MAX_SYMBOLS_NAMED = 50;
const PAGE = 200;

/**
 * Clears what a sync has made stale, together with what others report meanwhile: one of them removes, and names all causes; the rest
 * learn that it is done. Whoever is not answered so, because that one failed or was cancelled, clears for himself.
 */
export async function clearTogether(parts: ClearingParts, context: JobContext<SyncJobInput>): Promise<Cleared> {
	const { coordination } = parts;
	const { id } = context.job;
	const lease = await coordination.lock(LOCK, context.signal);
	try {
		const told = sharedShape.safeParse(JSON.parse((await coordination.told(factOf(id))) ?? "null"));
		if (told.success) {
			await context.report({ details: { clearedBy: told.data.by } });
			return told.data.status;
		}
		const kept = keptShape.safeParse(context.checkpoint);
		const plan = kept.success ? kept.data.clearing : await planned(parts, context);
		await context.report({ details: { causes: plan.causes } });
		let done = plan.done;
		let status: Cleared = "SUCCEEDED";
		for (const [i, selection] of plan.selections.entries()) {
			if (i < done) continue;
			const own = () => ({ synced: true, clearing: { ...plan, done } });
			const nested = nestedContext(context, "removal", own);
			status = worse(
				status,
				await removeEntries({ ...parts, context: resumedOnly(nested, i === plan.done), source: catalogSource(parts.catalog, selection) }),
			);
			if (context.signal.aborted) return "CANCELLED";
			done = i + 1;
			await context.saveCheckpoint(own());
		}
		if (status === "SUCCEEDED")
			for (const other of plan.answered) await coordination.tell(factOf(other), JSON.stringify({ by: id, status }), SHARED_MS);
		return status;
	} finally {
		await lease.release();
	}
}

async function planned(parts: ClearingParts, context: JobContext<SyncJobInput>) {
	const { sources, coalesceMs, clock } = parts;
	await pause(context.job.createdAt + coalesceMs - clock.now(), context.signal);
	const mine = { job: context.job, input: context.input, related: relatedTo(context.input, sources) };
	const others = (await waiting(parts)).filter(({ id }) => id !== context.job.id).flatMap((job) => joining(job, sources));
	const all = [mine, ...others];
	const plan = {
		selections: selectionsOf(all.map(({ related }) => related)).map((selection) => ({ ...selection })),
		answered: others.map(({ job }) => job.id),
		causes: all.map(({ job, input, related }): Cause & Record<string, unknown> => ({
			jobId: job.id,
			source: input.source,
			requestedBy: job.requestedBy,
			types: related.types,
			symbols: related.symbols?.slice(0, MAX_SYMBOLS_NAMED) ?? null,
			records: input.report?.records ?? null,
		})),
		done: 0,
	};
	await context.saveCheckpoint({ synced: true, clearing: plan });
	return plan;
}

/** Every sync that has not ended. */
async function waiting({ jobs }: ClearingParts): Promise<Job[]> {
	const found: Job[] = [];
	for (let cursor: string | null = null; ; ) {
		const page = await jobs().list({ kinds: ["SYNC"], statuses: ["QUEUED", "RUNNING"] }, { direction: "forward", limit: PAGE, cursor });
		found.push(...page.items.map(({ node }) => node));
		cursor = page.items.at(-1)?.cursor ?? null;
		if (!page.hasNextPage) return found;
	}
}

/** A reported success, or a sync that has succeeded and is about to clear. */
function joining(job: Job, sources: ClearingParts["sources"]) {
	const input = syncJobInput.safeParse(job.input);
	if (!input.success) return [];
	const { report } = input.data;
	if (report ? !report.success : job.progress.phase !== "clear") return [];
	try {
		return [{ job, input: input.data, related: relatedTo(input.data, sources) }];
	} catch {
		// Its own attempt says what is wrong with it.
		return [];
	}
}

/** Only the first selection of an attempt may go on where an earlier attempt was cut off. */
function resumedOnly<Input>(context: JobContext<Input>, first: boolean): JobContext<Input> {
	if (first) return context;
	return Object.create(context, { checkpoint: { value: null }, openBatch: { value: null } }) as JobContext<Input>;
}

const ORDER: readonly Cleared[] = ["SUCCEEDED", "PARTIALLY_FAILED", "FAILED", "CANCELLED"];

function worse(a: Cleared, b: Cleared): Cleared {
	return ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b;
}

function factOf(jobId: string): string {
	return `after-sync:${jobId}`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) return reject(signal.reason);
		if (ms <= 0) return resolve();
		const timer = setTimeout(() => {
			signal.removeEventListener("abort", cut);
			resolve();
		}, ms);
		function cut(): void {
			clearTimeout(timer);
			reject(signal.reason);
		}
		signal.addEventListener("abort", cut, { once: true });
	});
}
