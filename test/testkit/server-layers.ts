/** Layers that are servers, as the composition root hands them to the catalog. */
import { tmpdir } from "node:os";
import type { RedisSourceOptions } from "../../src/backends/redis/redis-source.js";
import type { ServerOptions } from "../../src/catalog/places.js";
import { loadConfig } from "../../src/config/load.js";
import { mongodbLocation } from "../../src/config/mongodb.js";
import { redisLocation } from "../../src/config/redis.js";
import { SETTINGS } from "./catalog.js";

/** Worker threads take adapters from the build. */
function built(module: string): string {
	return new URL(`../../dist/backends/${module}`, import.meta.url).href;
}

/** With the field's namespaces. */
export function redisLayer(url: string): ServerOptions {
	const { address, ...redis } = loadConfig({ env: { REDIS_URL: url }, cwd: tmpdir() }).redis;
	if (address === null) throw new Error("the address was not taken");
	return redisLayerOf({ ...redis, address, settings: SETTINGS });
}

export function redisLayerOf(options: RedisSourceOptions): ServerOptions {
	return {
		backend: "REDIS",
		location: redisLocation(options.address),
		places: options.namespaces.map(({ name }) => name),
		module: built("redis/redis-source.js"),
		options,
	};
}

/** With the field's collections. */
export function mongodbLayer(uri: string): ServerOptions {
	const { mongodb } = loadConfig({ env: { MONGODB_URI: uri }, cwd: tmpdir() });
	return {
		backend: "MONGODB",
		location: mongodbLocation({ uri, database: mongodb.database }),
		places: mongodb.collections.map(({ name }) => name),
		module: built("mongodb/mongodb-source.js"),
		options: { ...mongodb, uri, ...SETTINGS },
	};
}
