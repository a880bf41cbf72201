/** The audit log on MongoDB as the composition root puts it together, on one data folder. */
import { openMongodbAudit } from "../../src/audit/mongodb/mongodb-audit.js";
import type { AuditLog } from "../../src/audit/port.js";
import { type Clock, systemClock } from "../../src/core/clock.js";
import { type ChangeFeed, openChangeFeed } from "../../src/mongodb/change-feed.js";
import { connectMongo } from "../../src/mongodb/connection.js";

export interface MongodbAuditSetup {
	readonly uri: string;
	readonly dataDir: string;
	readonly clock?: Clock;
	readonly secret?: string;
	readonly keepDays?: number;
	readonly ownedTickets?: readonly string[];
	readonly reserveBytes?: number;
	readonly checkpointFile?: string;
	readonly checkpointCommand?: string;
}

export interface OpenedAudit {
	readonly audit: AuditLog;
	readonly feed: ChangeFeed;
	/** What was logged as warning or error. */
	readonly logged: readonly string[];
	close(): Promise<void>;
}

export async function openTestAudit(setup: MongodbAuditSetup): Promise<OpenedAudit> {
	const { uri, dataDir, clock = systemClock, secret = "the secret of a test", keepDays = 36_500, ownedTickets = [], ...rest } = setup;
	const logged: string[] = [];
	function keep(facts: unknown, message?: string): void {
		const { err } = facts as { readonly err?: unknown };
		logged.push(`${message ?? ""} ${JSON.stringify(facts)} ${err instanceof Error ? err.message : ""}`);
	}
	const log = { info: () => undefined, warn: keep, error: keep };
	const connection = connectMongo(uri);
	const feed = openChangeFeed({ db: connection.db, log });
	const options = { db: connection.db, feed, dataDir, secret, keepDays, ownedTickets: async () => ownedTickets, clock, log, ...rest };
	const audit = await openMongodbAudit(options).catch(async (error: unknown) => {
		await connection.close();
		throw error;
	});
	return {
		audit,
		feed,
		logged,
		async close() {
			await audit.close();
			await connection.close();
		},
	};
}
