/**
 * The built program over files, Redis, MongoDB and Python's byte code, all filled as the field's programs do, and what lies
 * there told without it.
 */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect } from "@jest/globals";
import { eventually } from "./eventually.js";
import {
	countRedis,
	fillForeignMongodb,
	fillForeignRedis,
	fillMongodb,
	fillRedis,
	mongodbKeys,
	mongodbKeysBefore,
	redisKeysBefore,
} from "./field-data.js";
import { filesOf, keysCachedBefore } from "./independent-count.js";
import type { startMongodb, TestMongodb } from "./mongodb.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, type startRedis } from "./redis.js";
import { startServer, type TestServer } from "./server.js";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.js";
import { folderForAll } from "./temporary.js";
import { generateTree, keyOf } from "./tree.js";

const LARGE = process.env.SOAK === "1";
const FILES = LARGE ? 200_000 : 300;
export const KEYS = LARGE ? 1_000_000 : 1_500;
const DOCUMENTS = LARGE ? 1_000_000 : 1_500;
export const BYTE_CODE = 30;
export const LOAD_MS = LARGE ? 1_800_000 : 30_000;

export const LAYERS = `query ($fresh: Boolean, $backends: [BackendKind!]) {
	cacheStats(fresh: $fresh, backends: $backends) { totalEntries byBackend { backend available entries bytes hits misses error asOf } }
}`;
export interface Layer {
	readonly backend: string;
	readonly available: boolean;
	readonly entries: number;
	readonly bytes: number;
	readonly hits: number | null;
	readonly error: string | null;
	readonly asOf: string;
}
export interface Layers {
	readonly cacheStats: { readonly totalEntries: number; readonly byBackend: readonly Layer[] };
}
interface Page {
	readonly cacheDetails: {
		readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
		readonly nodes: readonly { readonly id: string; readonly key: string; readonly backend: string; readonly place: string }[];
	};
}
export type ListedEntry = Page["cacheDetails"]["nodes"][number];
export interface JobAnswer {
	readonly job: {
		readonly id: string;
		readonly status: string;
		readonly createdAt: string;
		readonly progress: {
			readonly byBackend: readonly {
				readonly backend: string;
				readonly status: string;
				readonly deletedEntries: number;
				readonly error: string | null;
			}[];
		};
	};
}
export const JOB = "job { id status createdAt progress { byBackend { backend status deletedEntries error } } }";

type Keys = Readonly<Record<"FILE" | "REDIS" | "MONGODB", ReadonlySet<string>>>;

export interface AllLayers {
	/** Folder of the file cache. */
	readonly root: string;
	/** Folder of the byte code. */
	readonly code: string;
	readonly redis: RedisServer;
	readonly mongodb: TestMongodb;
	readonly database: ReturnType<TestMongodb["newDatabase"]>;
	/** Between the program and Redis. */
	readonly toRedis: TcpProxy;
	readonly server: TestServer;
	layers(fresh?: boolean): Promise<ReadonlyMap<string, Layer>>;
	ofLayer(backend: string): Promise<Layer>;
	/** Every entry of the layers that tell an age, without the program under test. */
	everything(): Promise<Keys>;
	everythingBefore(time: Date): Promise<Keys>;
	/** The job when it has ended. */
	ended(id: string): Promise<JobAnswer["job"]>;
	allPages(order: string): Promise<ListedEntry[]>;
}

/** Called inside of `describe`: started before its tests and stopped after them. */
export function allLayersForAll(start: { readonly redis: typeof startRedis; readonly mongodb: typeof startMongodb }): AllLayers {
	const root = folderForAll();
	const code = folderForAll();
	const dataDir = folderForAll();
	let redis: RedisServer;
	let mongodb: TestMongodb;
	let database: ReturnType<TestMongodb["newDatabase"]>;
	let toRedis: TcpProxy;
	let server: TestServer;

	beforeAll(async () => {
		[redis, mongodb] = await Promise.all([
			start.redis({ users: { warden: NO_KEYS_NO_FLUSH }, config: { "notify-keyspace-events": "KA" } }),
			start.mongodb({ own: true }),
		]);
		database = mongodb.newDatabase();
		const nowMs = Date.now();
		generateTree(root, FILES);
		for (let i = 0; i < BYTE_CODE; i++) {
			execFileSync("/bin/sh", [
				"-c",
				'mkdir -p "$1/__pycache__" && echo byte-code > "$1/__pycache__/m$2.cpython-311.pyc"',
				"sh",
				code,
				String(i),
			]);
		}
		await Promise.all([fillRedis(redis.client, { entries: KEYS, nowMs }), fillMongodb(database.db, { entries: DOCUMENTS, nowMs })]);
		await Promise.all([fillForeignRedis(redis.client), fillForeignMongodb(database.db)]);
		toRedis = await openTcpProxy({ port: redis.port });
		server = await startServer({
			CACHE_DIR: root,
			PYTHON_ROOTS: code,
			DATA_DIR: dataDir,
			// What lies beside the cache on its servers is compared byte by byte, and the way to Redis is cut while jobs run.
			QUEUE_ENGINE: "embedded",
			REDIS_URL: `redis://warden:secret@127.0.0.1:${toRedis.port}/0`,
			MONGODB_URI: database.uri,
		});
	}, LOAD_MS * 2);

	afterAll(async () => {
		await server?.stop();
		await toRedis?.close();
		await Promise.all([redis?.stop(), mongodb?.stop()]);
	});

	async function layers(fresh = false): Promise<ReadonlyMap<string, Layer>> {
		const { data, errors } = await server.query<Layers>(LAYERS, { fresh });
		expect(errors).toBeUndefined();
		return new Map(data.cacheStats.byBackend.map((layer) => [layer.backend, layer]));
	}

	async function ofLayer(backend: string): Promise<Layer> {
		return (await layers()).get(backend) as Layer;
	}

	async function everything(): Promise<Keys> {
		return {
			FILE: new Set(filesOf(root).map(keyOf)),
			REDIS: new Set((await countRedis(redis.client)).keys),
			MONGODB: new Set(await mongodbKeys(database.db)),
		};
	}

	async function everythingBefore(time: Date): Promise<Keys> {
		return {
			FILE: new Set(keysCachedBefore(root, time)),
			REDIS: new Set(await redisKeysBefore(redis.client, time)),
			MONGODB: new Set(await mongodbKeysBefore(database.db, time)),
		};
	}

	async function ended(id: string): Promise<JobAnswer["job"]> {
		return eventually(
			async () => {
				const { data } = await server.query<JobAnswer>(`query ($id: ID!) { ${JOB.replace("job", "job(id: $id)")} }`, { id });
				expect(["QUEUED", "RUNNING"]).not.toContain(data.job.status);
				return data.job;
			},
			{ withinMs: LOAD_MS },
		);
	}

	async function allPages(order: string): Promise<ListedEntry[]> {
		const nodes: ListedEntry[] = [];
		const document = `query ($after: String) { cacheDetails(first: 200, after: $after, orderBy: ${order}) {
			pageInfo { hasNextPage endCursor } nodes { id key backend place } } }`;
		for (let after: string | null = null; ; ) {
			const page: Page["cacheDetails"] = (await server.query<Page>(document, { after })).data.cacheDetails;
			nodes.push(...page.nodes);
			if (!page.pageInfo.hasNextPage) return nodes;
			after = page.pageInfo.endCursor;
		}
	}

	return {
		root,
		code,
		get redis() {
			return redis;
		},
		get mongodb() {
			return mongodb;
		},
		get database() {
			return database;
		},
		get toRedis() {
			return toRedis;
		},
		get server() {
			return server;
		},
		layers,
		ofLayer,
		everything,
		everythingBefore,
		ended,
		allPages,
	};
}
