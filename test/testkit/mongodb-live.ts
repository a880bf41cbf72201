/** A server's job engine, audit log and live streams on MongoDB, as the composition root puts them together. */
import { randomUUID } from "node:crypto";
import { openMongodbAudit } from "../../src/audit/mongodb/mongodb-audit.js";
import type { AuditLog } from "../../src/audit/port.js";
import { systemClock } from "../../src/core/clock.js";
import { openEmbeddedJobs, ticketsOfUnfinishedJobs } from "../../src/jobs/embedded/embedded-jobs.js";
import { openJobBoard } from "../../src/jobs/mongodb/job-board.js";
import type { JobEngine, JobHandler } from "../../src/jobs/port.js";
import { shareJobs } from "../../src/jobs/shared-jobs.js";
import { type ChangeFeed, openChangeFeed } from "../../src/mongodb/change-feed.js";
import { connectMongo } from "../../src/mongodb/connection.js";
import { openStore } from "../../src/store/store.js";

export interface LiveNode {
	readonly audit: AuditLog;
	readonly jobs: JobEngine;
	readonly feed: ChangeFeed;
	close(): Promise<void>;
}

export async function openLiveNode(setup: {
	readonly uri: string;
	readonly dataDir: string;
	readonly handlers: readonly JobHandler<unknown>[];
}): Promise<LiveNode> {
	const { uri, dataDir, handlers } = setup;
	const quiet = (): void => undefined;
	const log = { info: quiet, warn: quiet, error: quiet };
	const clock = systemClock;
	const store = await openStore({ dataDir, warn: quiet });
	const connection = connectMongo(uri);
	const { db } = connection;
	const feed = openChangeFeed({ db, log });
	const board = openJobBoard({ db, feed, publisher: randomUUID(), keepDays: 1, log });
	const ownedTickets = (): Promise<readonly string[]> => ticketsOfUnfinishedJobs(store);
	const audit = await openMongodbAudit({ db, feed, dataDir, secret: "the secret of a test", keepDays: 30, ownedTickets, clock, log });
	const limits = { concurrency: 2, concurrencyPerUser: 2, maxQueued: 1000, keepDays: 7 };
	const jobs = shareJobs(await openEmbeddedJobs({ store, audit, clock, handlers, ...limits, log }), board);
	await jobs.start();
	return {
		audit,
		jobs,
		feed,
		async close() {
			await jobs.close();
			await audit.close();
			await connection.close();
			await store.close();
		},
	};
}
