/** What the composition root offers the command line. */
import type { PlaceStatus } from "../catalog/port.js";
import type { Session } from "../client/session.js";
import type { Config } from "../config/config.js";
import type { Failure } from "../core/errors.js";
import type { Locale } from "../core/messages/catalogue.js";

export interface LocalCaller {
	/** The operating system's name of the user, who acts as ADMIN. */
	readonly userId: string;
	readonly locale: Locale;
}

export interface StartedServer {
	/** With the real port; reachable from this machine. */
	readonly url: string;
	/** A secret for tokens was made by this start: nobody can have a token yet. */
	readonly secretCreated: boolean;
	/** Graceful: takes nothing new, hands back running jobs, and ends within 10 s. */
	close(): Promise<void>;
}

export interface StartedWorker {
	/** What it can reach, as `FILE cache`. */
	readonly places: readonly string[];
	/** Resolves when work waits and none is done here any more: only a new process helps. */
	readonly stuck: Promise<void>;
	/** Graceful: hands back what runs, and ends within 10 s. */
	close(): Promise<void>;
}

export interface Host {
	/** The same API in this process, with origin CLI. Throws STORE_LOCKED when another process holds the store. */
	openLocalSession(config: Config, caller: LocalCaller): Promise<Session>;
	/** Throws STORE_LOCKED, and Node's EADDRINUSE, EACCES or EADDRNOTAVAIL as they are. */
	startServer(config: Config): Promise<StartedServer>;
	/** A process that works on parts of jobs only. QUEUE_UNAVAILABLE, with what is missing, without a queue and a MongoDB to share. */
	startWorker(config: Config): Promise<StartedWorker>;
	/** Signs a token with the configured secret, or the one that was made; null when tokens are checked with public keys only. */
	signToken(config: Config, claims: TokenClaims): Promise<string | null>;
	/** How well the catalog knows each place, after reconciling it. Throws STORE_LOCKED. */
	inspectPlaces(config: Config): Promise<readonly PlaceStatus[]>;
	/** Looks at the configured MongoDB, and changes nothing. Only where there is one. */
	inspectMongodb(config: Config): Promise<MongodbFindings>;
	/** The same of the MongoDB that holds the audit log; no collection of it needs an index. */
	inspectAudit(config: Config): Promise<MongodbFindings>;
	/** Looks at the configured Redis, and changes nothing. Only where there is one. */
	inspectRedis(config: Config): Promise<RedisFindings>;
}

export interface RedisFindings {
	/** Host and database; never a password. */
	readonly location: string;
	/** Why it could not be looked at; then nothing else is known. */
	readonly failure: Failure | null;
	/** Redis or Valkey. */
	readonly program: string;
	readonly version: string;
	/** Null when this user may not ask. */
	readonly evictionPolicy: string | null;
	/** 0: as much as there is. */
	readonly maxMemoryBytes: number | null;
	readonly usedMemoryBytes: number | null;
	/** Whether the server tells what happens to keys. */
	readonly notifications:
		| { readonly state: "on" | "hidden" | "cluster" }
		| { readonly state: "off"; readonly flags: string; readonly wanted: string };
	/** What this user may not do with the keys of a namespace, as `namespace: command`. */
	readonly missingRights: readonly string[];
}

export interface MongodbFindings {
	/** Host and database; never a password. */
	readonly location: string;
	/** Why it could not be looked at; then nothing else is known. */
	readonly failure: Failure | null;
	readonly version: string;
	/** False without a replica set. */
	readonly reportsChanges: boolean;
	/** Collections that are there and have no index on `created_at`. */
	readonly unindexed: readonly string[];
	/** What the user may not do with a configured collection, as `collection: action`. */
	readonly missingRights: readonly string[];
}

export interface TokenClaims {
	readonly userId: string;
	readonly role: "VIEWER" | "OPERATOR" | "ADMIN";
	readonly lifetimeSeconds: number;
}
