/** The whole configuration, checked. Made by `load.ts` from environment over file over defaults. */
import type { ModelCapability } from "../core/model-capability.js";
import type { Role } from "../core/roles.js";
import type { MongodbCollection } from "./mongodb.js";
import type { RedisAddress, RedisNamespace } from "./redis.js";
import type { LoaderForm, SourceForm } from "./workflow-settings.js";

export type CacheLayout = "auto" | "metadata" | "pickle" | "plain";

/** Times to live of the file layouts in hours, by type and market (cache-layouts.md). */
export interface TimesToLiveHours {
	readonly us: Readonly<Record<string, number>>;
	readonly china: Readonly<Record<string, number>>;
}

export interface Config {
	readonly host: string;
	/** 0 takes a free one. */
	readonly port: number;
	readonly cache: {
		/** Absolute; the name of a root, its place, is unique. */
		readonly roots: readonly { readonly name: string; readonly path: string; readonly layout: CacheLayout }[];
		/** IANA name: zone of times written without one. */
		readonly timeZone: string;
		readonly maxBytes: number | null;
		readonly timesToLiveHours: TimesToLiveHours;
	};
	readonly python: {
		readonly roots: readonly { readonly name: string; readonly path: string }[];
		/** Also search `.git`, `node_modules` and virtual environments. */
		readonly searchAll: boolean;
	};
	readonly redis: {
		/** Null: there is no such layer. */
		readonly address: RedisAddress | null;
		readonly namespaces: readonly RedisNamespace[];
		/** The program may turn on keyspace notifications where the server has none. */
		readonly setNotifications: boolean;
	};
	readonly mongodb: {
		/** Null: there is no such layer. */
		readonly uri: string | null;
		readonly database: string;
		readonly collections: readonly MongodbCollection[];
		/** The program may make an index on `created_at` where there is none. */
		readonly createIndexes: boolean;
	};
	/** Absolute. */
	readonly dataDir: string;
	readonly catalog: {
		/** Safety net for file systems that report no changes; 0 turns it off. */
		readonly reconcileEverySeconds: number;
		readonly watch: boolean;
	};
	readonly jobs: {
		readonly concurrency: number;
		readonly concurrencyPerUser: number;
		readonly maxQueued: number;
		readonly keepDays: number;
	};
	readonly queue: {
		/** Null: jobs are queued in the process. */
		readonly address: Exclude<RedisAddress, { readonly kind: "cluster" }> | null;
		/** Before the keys of the original system. */
		readonly prefix: string;
		readonly enginePrefix: string;
		/** The server works on parts, too. */
		readonly worker: boolean;
		/** Roots of one name are the same folders on every host. */
		readonly sharedRoots: boolean;
		readonly lockSeconds: number;
		readonly stuckSeconds: number;
	};
	readonly audit: {
		/** Null: one is made on the first start and kept in `dataDir`, mode 0600. */
		readonly secret: string | null;
		readonly keepDays: number;
		/** Null: the log lies in the embedded store. */
		readonly mongodb: { readonly uri: string; readonly database: string } | null;
		/** Absolute. */
		readonly checkpointFile: string | null;
		readonly checkpointCommand: string | null;
	};
	readonly auth: {
		/** Null: one is made on the first start and kept in `dataDir`, mode 0600. */
		readonly jwtSecret: string | null;
		readonly jwtPublicKey: string | null;
		readonly jwksUri: string | null;
		readonly issuer: string | null;
		readonly audience: string | null;
		readonly defaultRole: Role;
		/** Role by user id; comes before `defaultRole`, after the token's own roles. */
		readonly users: Readonly<Record<string, Role>>;
	};
	/** By name; variables in headers are filled in, paths are absolute. */
	readonly loaders: Readonly<Record<string, LoaderForm>>;
	/** What is synced, and what depends on it; by name, likewise. */
	readonly sources: Readonly<Record<string, SourceForm>>;
	readonly models: { readonly initial: readonly ModelCapability[]; readonly capabilityTtlSeconds: number };
	/** Of files that a cleanup takes out of the cache. */
	readonly quarantine: {
		/** What a cleanup or clear does that does not say. */
		readonly byDefault: boolean;
		readonly keepHours: number;
		readonly maxBytes: number;
	};
	readonly sync: {
		/** Reports that come within so long of the first are answered by one clearing. */
		readonly coalesceMs: number;
	};
	readonly corsOrigins: readonly string[];
	/** Proxies whose `X-Forwarded-For` is believed: addresses, subnets, or `loopback`, `linklocal`, `uniquelocal`. */
	readonly trustProxy: readonly string[];
	readonly rateLimits: {
		/** Operations a minute; 0 turns the limit off. */
		readonly perUser: number;
		readonly perAddress: number;
		/** Also for callers on the server's own machine. */
		readonly local: boolean;
	};
	readonly limits: {
		readonly depth: number;
		readonly aliases: number;
		readonly tokens: number;
		readonly complexity: number;
		readonly bodyBytes: number;
		readonly subscriptionsPerSocket: number;
	};
	readonly log: { readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent" };
}
