/** What is kept of operations, jobs, plans and schedules, and where: in MongoDB and Redis for many processes, or in the embedded store for one. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { mongo } from "mongoose";
import type { Logger } from "pino";
import { openEmbeddedAudit } from "../audit/embedded/embedded-audit.js";
import type { AuditLog } from "../audit/port.js";
import type { CacheBackend } from "../backends/backend.js";
import type { Config } from "../config/config.js";
import type { Clock } from "../core/clock.js";
import type { BackendKind } from "../core/entry.js";
import type { PlaceGroup } from "../core/place-groups.js";
import type { StatsHistory } from "../history/port.js";
import type { JobBoard } from "../jobs/board.js";
import { fencedBackend } from "../jobs/bullmq/fenced-backend.js";
import { openEmbeddedJobs, openEmbeddedRecords, ticketsOfUnfinishedJobs } from "../jobs/embedded/embedded-jobs.js";
import type { JobEngine } from "../jobs/port.js";
import type { QueuedRecords } from "../jobs/records.js";
import { shareJobs } from "../jobs/shared-jobs.js";
import type { LiveSource } from "../live/port.js";
import type { Opened } from "../opened.js";
import { openEmbeddedPlans } from "../plans/embedded.js";
import type { PlanStore } from "../plans/port.js";
import { openEmbeddedSchedules } from "../schedules/embedded.js";
import type { ScheduleStore } from "../schedules/port.js";
import { loadOrCreateSecret } from "../store/secret-file.js";
import type { Store } from "../store/store.js";
import { placeGroups } from "./layers.js";

export interface Auditing {
	readonly audit: AuditLog;
	/** Null where jobs are seen in this process only, or queued for all. */
	readonly board: JobBoard | null;
	readonly liveSource: LiveSource | null;
	/** What several processes share; null without MongoDB. */
	readonly db: mongo.Db | null;
	/** Null where jobs are queued in the process. */
	readonly records: QueuedRecords | null;
}

/** In MongoDB where there is one, else in the embedded store. */
export async function openAudit(config: Config, store: Store, clock: Clock, log: Logger, opened: Opened): Promise<Auditing> {
	const { mongodb, keepDays, checkpointFile, checkpointCommand } = config.audit;
	const secret = config.audit.secret ?? (await loadOrCreateSecret(join(config.dataDir, "audit-secret"))).secret;
	const queued = config.queue.address !== null;
	if (mongodb === null) {
		const records = queued ? await openEmbeddedRecords(store) : null;
		const ownedTickets = await ticketsOfUnfinishedJobs(store);
		const audit = await openEmbeddedAudit({ store, secret, keepDays, ownedTickets, clock, log });
		opened.add(() => audit.close());
		return { audit, board: null, liveSource: null, db: null, records };
	}
	// Not needed without MongoDB, and slow to load.
	const { connectMongo } = await import("../mongodb/connection.js");
	const { openChangeFeed } = await import("../mongodb/change-feed.js");
	const { openJobBoard } = await import("../jobs/mongodb/job-board.js");
	const { openMongodbAudit } = await import("../audit/mongodb/mongodb-audit.js");
	const connection = connectMongo(mongodb.uri, mongodb.database);
	opened.add(() => connection.close());
	const { db } = connection;
	const feed = openChangeFeed({ db, log });
	const records = queued ? await openRecords(db) : null;
	const board = queued ? null : openJobBoard({ db, feed, publisher: randomUUID(), keepDays: config.jobs.keepDays, log });
	const audit = await openMongodbAudit({
		db,
		feed,
		dataDir: config.dataDir,
		secret,
		checkpointFile,
		checkpointCommand,
		keepDays,
		ownedTickets: () => records?.read.unfinishedTickets() ?? ticketsOfUnfinishedJobs(store),
		clock,
		log,
	});
	opened.add(() => audit.close());
	return { audit, board, liveSource: feed, db, records };
}

async function openRecords(db: mongo.Db): Promise<QueuedRecords> {
	const { openMongodbRecords } = await import("../jobs/mongodb/mongodb-records.js");
	return openMongodbRecords(db);
}

export async function openPlans(
	config: Config,
	db: mongo.Db | null,
	store: Store,
	clock: Clock,
	log: Logger,
	opened: Opened,
): Promise<PlanStore> {
	if (db === null) return openEmbeddedPlans({ store, clock });
	const { openMongodbPlans } = await import("../plans/mongodb.js");
	const writeFailed = (planId: string, error: unknown): void =>
		log.warn({ err: error, planId }, "a plan could not be written down; only this server can carry it out");
	const plans = await openMongodbPlans({ db, clock, groups: await placeGroups(config), writeFailed });
	opened.add(() => plans.close());
	return plans;
}

export async function openSchedules(db: mongo.Db | null, store: Store): Promise<ScheduleStore> {
	if (db === null) return openEmbeddedSchedules({ store });
	const { openMongodbSchedules } = await import("../schedules/mongodb.js");
	return openMongodbSchedules(db);
}

/** The page of the queue's engine; null where jobs are queued in the process. */
export async function openQueueBoard(config: Config, opened: Opened) {
	const { address, enginePrefix } = config.queue;
	if (address === null) return null;
	// Many packages, which only a server with a queue needs.
	const { openBoard } = await import("../jobs/bullmq/board.js");
	const board = openBoard({ address, enginePrefix, groups: await placeGroups(config), basePath: "/queues" });
	opened.add(() => board.close());
	return board.plugin;
}

export function fenced(backends: ReadonlyMap<BackendKind, CacheBackend>): ReadonlyMap<BackendKind, CacheBackend> {
	return new Map([...backends].map(([kind, backend]) => [kind, fencedBackend(backend)]));
}

/** Each group of places with the layer that reaches it from here. */
export function withBackends(groups: readonly PlaceGroup[], backends: ReadonlyMap<BackendKind, CacheBackend>) {
	return groups.flatMap((group) => {
		const backend = backends.get(group.backend);
		return backend === undefined ? [] : [{ group, backend }];
	});
}

/** The same for every process on one DATA_DIR, of which there is one at a time. */
async function ownerOf(dataDir: string): Promise<{ readonly id: string; readonly alone: boolean }> {
	return { id: (await loadOrCreateSecret(join(dataDir, "queue-owner"))).secret, alone: true };
}

interface OpenedJobs {
	readonly jobs: JobEngine;
	/** States that this process made, where others are seen too. */
	readonly onOwnChange: JobEngine["onChange"];
}

type JobsOptions = Parameters<typeof openEmbeddedJobs>[0];

/** On Redis where the queue has an address; `takesWork` false: only once this process hands something in. */
export async function openJobs(
	config: Config,
	auditing: Auditing,
	history: StatsHistory,
	options: JobsOptions,
	backends: ReadonlyMap<BackendKind, CacheBackend>,
	takesWork: boolean,
): Promise<OpenedJobs> {
	const { board, records } = auditing;
	const { address, prefix, enginePrefix, lockSeconds } = config.queue;
	if (address === null || records === null) {
		const own = await openEmbeddedJobs(options);
		return { jobs: board === null ? own : shareJobs(own, board), onOwnChange: (listener) => own.onChange(listener) };
	}
	const { openBullmqJobs } = await import("../jobs/bullmq/bullmq-jobs.js");
	const { db } = auditing;
	// The embedded records keep the ledger of what was deleted themselves.
	const deleted = db === null ? undefined : (deletion: Parameters<StatsHistory["addDeletion"]>[0]) => history.addDeletion(deletion);
	const groups = await placeGroups(config);
	const parts = { groups, own: config.queue.worker ? withBackends(groups, backends) : [] };
	// Those who share records share the queue; whose records are his own has it alone.
	const owner = db === null ? await ownerOf(config.dataDir) : { id: "mongodb", alone: false };
	const jobs = await openBullmqJobs({
		...options,
		owner,
		parts,
		deleted,
		address,
		viewPrefix: prefix,
		enginePrefix,
		lockMs: lockSeconds * 1000,
		records,
		takesWork,
	});
	return { jobs, onOwnChange: (listener) => jobs.onOwnChange(listener) };
}
