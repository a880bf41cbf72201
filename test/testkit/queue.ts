/** The job engine on Redis with its records and an audit log, as the composition root puts them together. */
import type { mongo } from "mongoose";
import { openEmbeddedAudit } from "../../src/audit/embedded/embedded-audit.js";
import { openMongodbAudit } from "../../src/audit/mongodb/mongodb-audit.js";
import type { AuditLog } from "../../src/audit/port.js";
import { parseRedisUrl } from "../../src/config/redis.js";
import { type Clock, systemClock } from "../../src/core/clock.js";
import { openBullmqJobs } from "../../src/jobs/bullmq/bullmq-jobs.js";
import type { QueueAddress } from "../../src/jobs/bullmq/connection.js";
import type { Owner } from "../../src/jobs/bullmq/queue-owner.js";
import { openEmbeddedRecords } from "../../src/jobs/embedded/embedded-jobs.js";
import { openMongodbRecords } from "../../src/jobs/mongodb/mongodb-records.js";
import type { JobEngine, JobHandler } from "../../src/jobs/port.js";
import type { QueuedRecords } from "../../src/jobs/records.js";
import { openChangeFeed } from "../../src/mongodb/change-feed.js";
import { connectMongo } from "../../src/mongodb/connection.js";
import { Opened } from "../../src/opened.js";
import { openStore } from "../../src/store/store.js";

export interface QueueOptions {
	readonly redisUrl: string;
	/** Where the audit log is, and the records when there is no database. */
	readonly dataDir: string;
	readonly db: mongo.Db | null;
	/** Address of that database: the audit log is there too then, and many processes share it. */
	readonly sharedAuditUri?: string;
	readonly handlers: readonly JobHandler<unknown>[];
	readonly clock?: Clock;
	readonly concurrency?: number;
	readonly concurrencyPerUser?: number;
	readonly maxQueued?: number;
	readonly lockMs?: number;
	/** Nobody looks whose the queue is by default. */
	readonly owner?: Owner;
	/** False leaves the engine without work until `jobs.start()`. Default true. */
	readonly start?: boolean;
}

export interface OpenQueue {
	readonly jobs: JobEngine;
	readonly audit: AuditLog;
	readonly records: QueuedRecords;
	readonly logged: readonly string[];
	close(): Promise<void>;
}

export function queueAddress(url: string): QueueAddress {
	const address = parseRedisUrl(url);
	if (address === null) throw new Error(`${url} is not an address`);
	return { ...address, tls: null };
}

export async function openQueue(options: QueueOptions): Promise<OpenQueue> {
	const { clock = systemClock, dataDir, db } = options;
	const logged: string[] = [];
	function keep(facts: unknown, message?: string): void {
		const { err } = facts as { readonly err?: Error };
		logged.push(`${message ?? ""} ${err?.stack ?? JSON.stringify(facts)}`);
	}
	const log = { info: keep, warn: keep, error: keep };
	const opened = new Opened();
	try {
		const store = await openStore({ dataDir, warn: (message, facts) => keep(facts, message) });
		opened.add(() => store.close());
		const records = db === null ? await openEmbeddedRecords(store) : await openMongodbRecords(db);
		const auditOptions = { secret: "the secret of a test", keepDays: 30, clock, log };
		const connection = options.sharedAuditUri === undefined ? null : connectMongo(options.sharedAuditUri);
		if (connection !== null) opened.add(() => connection.close());
		const audit =
			connection === null
				? await openEmbeddedAudit({ store, ...auditOptions, ownedTickets: await records.read.unfinishedTickets() })
				: await openMongodbAudit({
						db: connection.db,
						feed: openChangeFeed({ db: connection.db, log }),
						dataDir,
						...auditOptions,
						ownedTickets: () => records.read.unfinishedTickets(),
					});
		opened.add(() => audit.close());
		const jobs = await openBullmqJobs({
			address: queueAddress(options.redisUrl),
			enginePrefix: "bull",
			viewPrefix: "",
			records,
			audit,
			clock,
			handlers: options.handlers,
			concurrency: options.concurrency ?? 2,
			concurrencyPerUser: options.concurrencyPerUser ?? 2,
			maxQueued: options.maxQueued ?? 1000,
			keepDays: 7,
			parts: { groups: [], own: [] },
			owner: options.owner ?? null,
			lockMs: options.lockMs ?? 2000,
			log,
		});
		opened.add(() => jobs.close());
		if (options.start ?? true) await jobs.start();
		return { jobs, audit, records, logged, close: () => opened.close() };
	} catch (error) {
		await opened.close();
		throw error;
	}
}
