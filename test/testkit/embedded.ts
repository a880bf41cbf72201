/** The embedded adapters on one folder, as the composition root puts them together. */

import { openEmbeddedAudit } from "../../src/audit/embedded/embedded-audit.js";
import type { AuditLog } from "../../src/audit/port.js";
import { type Clock, systemClock } from "../../src/core/clock.js";
import { openEmbeddedHistory } from "../../src/history/embedded.js";
import type { StatsHistory } from "../../src/history/port.js";
import { openEmbeddedJobs, ticketsOfUnfinishedJobs } from "../../src/jobs/embedded/embedded-jobs.js";
import type { JobEngine, JobHandler } from "../../src/jobs/port.js";
import { openLive } from "../../src/live/live.js";
import type { Live } from "../../src/live/port.js";
import { openEmbeddedPlans } from "../../src/plans/embedded.js";
import type { PlanStore } from "../../src/plans/port.js";
import { openEmbeddedSchedules } from "../../src/schedules/embedded.js";
import type { ScheduleStore } from "../../src/schedules/port.js";
import { openStore, type Store } from "../../src/store/store.js";

export interface EmbeddedOptions {
	readonly dataDir: string;
	readonly clock?: Clock;
	readonly secret?: string;
	readonly auditKeepDays?: number;
	readonly reserveBytes?: number;
	readonly handlers?: readonly JobHandler<unknown>[];
	readonly concurrency?: number;
	readonly concurrencyPerUser?: number;
	readonly maxQueued?: number;
	readonly jobsKeepDays?: number;
	readonly maxWaiting?: number;
	/** False leaves the engine without work until `jobs.start()`. Default true. */
	readonly start?: boolean;
}

export interface Embedded {
	readonly store: Store;
	readonly audit: AuditLog;
	readonly jobs: JobEngine;
	readonly plans: PlanStore;
	readonly history: StatsHistory;
	readonly schedules: ScheduleStore;
	readonly live: Live;
	/** What was logged as warning or error. */
	readonly logged: readonly string[];
	close(): Promise<void>;
}

export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
	const { dataDir, clock = systemClock } = options;
	const logged: string[] = [];
	function keep(facts: unknown, message?: string): void {
		logged.push(`${message ?? ""} ${JSON.stringify(facts)}`);
	}
	const log = { info: () => undefined, warn: keep, error: keep };
	const store = await openStore({ dataDir, warn: (message, facts) => keep(facts, message) });
	try {
		return await openOn(store, options, clock, logged, log);
	} catch (error) {
		await store.close();
		throw error;
	}
}

type Log = Parameters<typeof openEmbeddedAudit>[0]["log"];

async function openOn(store: Store, options: EmbeddedOptions, clock: Clock, logged: readonly string[], log: Log): Promise<Embedded> {
	const audit = await openEmbeddedAudit({
		store,
		secret: options.secret ?? "the secret of a test",
		keepDays: options.auditKeepDays ?? 30,
		ownedTickets: await ticketsOfUnfinishedJobs(store),
		...(options.reserveBytes === undefined ? {} : { reserveBytes: options.reserveBytes }),
		clock,
		log,
	});
	const jobs = await openEmbeddedJobs({
		store,
		audit,
		clock,
		handlers: options.handlers ?? [],
		concurrency: options.concurrency ?? 2,
		concurrencyPerUser: options.concurrencyPerUser ?? 2,
		maxQueued: options.maxQueued ?? 1000,
		keepDays: options.jobsKeepDays ?? 7,
		log,
	});
	const plans = await openEmbeddedPlans({ store, clock });
	const history = await openEmbeddedHistory({ store });
	const schedules = await openEmbeddedSchedules({ store });
	const live = openLive({
		jobs,
		audit,
		backends: () => () => undefined,
		onStatsChanged: () => () => undefined,
		...(options.maxWaiting === undefined ? {} : { maxWaiting: options.maxWaiting }),
	});
	if (options.start ?? true) await jobs.start();
	return {
		store,
		audit,
		jobs,
		plans,
		history,
		schedules,
		live,
		logged,
		async close() {
			await jobs.close();
			await audit.close();
			await store.close();
		},
	};
}
