/** The cache layers of a configuration: how they are read, written and cleaned. */
import { realpath } from "node:fs/promises";
import { hostname } from "node:os";
import type { Logger } from "pino";
import type { CacheBackend } from "../backends/backend.js";
import { openFileBackend } from "../backends/file/file-backend.js";
import { openFileWriter } from "../backends/file/file-writer.js";
import { sweepLeftovers } from "../backends/file/sweep-leftovers.js";
import { openPythonBackend } from "../backends/python/python-backend.js";
import type { CacheWriter } from "../backends/writer.js";
import { openCatalog } from "../catalog/open-catalog.js";
import type { Catalog } from "../catalog/port.js";
import type { Config } from "../config/config.js";
import { mongodbLocation } from "../config/mongodb.js";
import { redisLocation } from "../config/redis.js";
import type { Clock } from "../core/clock.js";
import type { BackendKind } from "../core/entry.js";
import type { PlaceGroup } from "../core/place-groups.js";
import type { Opened } from "../opened.js";
import { serversOf } from "../servers.js";

/** The drivers of servers are only loaded where there are such layers. */
export async function openBackends(config: Config, clock: Clock, opened: Opened): Promise<ReadonlyMap<BackendKind, CacheBackend>> {
	const backends = new Map<BackendKind, CacheBackend>();
	if (config.cache.roots.length > 0) backends.set("FILE", openFileBackend({ roots: config.cache.roots, clock }));
	const { redis, mongodb } = config;
	if (redis.address !== null) {
		const { openRedisBackend } = await import("../backends/redis/redis-backend.js");
		backends.set("REDIS", openRedisBackend({ ...redis, address: redis.address, clock }));
	}
	if (mongodb.uri !== null) {
		const { openMongodbBackend } = await import("../backends/mongodb/mongodb-backend.js");
		backends.set("MONGODB", openMongodbBackend({ ...mongodb, uri: mongodb.uri, clock }));
	}
	if (config.python.roots.length > 0) backends.set("PYTHON", openPythonBackend({ ...config.python, clock }));
	for (const backend of backends.values()) opened.add(() => backend.close());
	return backends;
}

/** Of the layers that take values from this program; Python writes its byte code itself. */
export async function openWriters(
	config: Config,
	clock: Clock,
	log: Logger,
	opened: Opened,
): Promise<ReadonlyMap<BackendKind, CacheWriter>> {
	const { cache, redis, mongodb } = config;
	const { timeZone, timesToLiveHours } = cache;
	const writers = new Map<BackendKind, CacheWriter>();
	const files = openFileWriter({ roots: cache.roots, timeZone, clock });
	if (cache.roots.length > 0) writers.set("FILE", files);
	if (redis.address !== null) {
		const { openRedisWriter } = await import("../backends/redis/redis-writer.js");
		const { address, namespaces } = redis;
		writers.set("REDIS", openRedisWriter({ address, namespaces, settings: { timeZone, timesToLiveHours }, clock }));
	}
	if (mongodb.uri !== null) {
		const { openMongodbWriter } = await import("../backends/mongodb/mongodb-writer.js");
		writers.set("MONGODB", openMongodbWriter({ ...mongodb, uri: mongodb.uri, timeZone, timesToLiveHours }));
	}
	for (const writer of writers.values()) opened.add(() => writer.close());
	opened.add(
		sweepLeftovers(
			(olderThanMs) => files.sweep(olderThanMs),
			(count) => log.info({ files: count }, "files that a killed process had not put in place were removed"),
			(error) => log.warn({ err: error }, "files that a killed process had not put in place could not be looked for"),
		),
	);
	return writers;
}

/** Which places a process can only reach together, named so that every process that means the same names the same. */
export async function placeGroups({ cache, python, redis, mongodb, queue }: Config): Promise<readonly PlaceGroup[]> {
	const groups: PlaceGroup[] = [];
	const ofRoot = async (backend: "FILE" | "PYTHON", { name, path }: { readonly name: string; readonly path: string }): Promise<void> => {
		const where = queue.sharedRoots ? "shared" : `${hostname()} ${await realpath(path).catch(() => path)}`;
		groups.push({ backend, places: [name], identity: `${name} ${where}` });
	};
	for (const root of cache.roots) await ofRoot("FILE", root);
	if (redis.address !== null) {
		const namespaces = redis.namespaces.map(({ name, keys }) => [name, keys]);
		const identity = `${redisLocation(redis.address)} ${JSON.stringify(namespaces)}`;
		groups.push({ backend: "REDIS", places: redis.namespaces.map(({ name }) => name), identity });
	}
	if (mongodb.uri !== null) {
		const places = mongodb.collections.map(({ name }) => name);
		groups.push({ backend: "MONGODB", places, identity: `${mongodbLocation({ ...mongodb, uri: mongodb.uri })} ${JSON.stringify(places)}` });
	}
	for (const root of python.roots) await ofRoot("PYTHON", root);
	return groups;
}

export async function openIndex(config: Config, clock: Clock, log: Logger, opened: Opened, watch: boolean): Promise<Catalog> {
	const { cache, python } = config;
	const catalog = await openCatalog({
		dataDir: config.dataDir,
		places: [
			...cache.roots.map(({ name, path, layout }) => ({ backend: "FILE" as const, place: name, path, layout })),
			...python.roots.map(({ name, path }) => ({
				backend: "PYTHON" as const,
				place: name,
				path,
				layout: "python" as const,
				searchAll: python.searchAll,
			})),
		],
		servers: serversOf(config),
		settings: { timeZone: cache.timeZone, timesToLiveHours: cache.timesToLiveHours },
		watch,
		reconcileEverySeconds: config.catalog.reconcileEverySeconds,
		clock,
		log: (level, message, facts) => log[level](facts, message),
	});
	opened.add(() => catalog.close());
	return catalog;
}
