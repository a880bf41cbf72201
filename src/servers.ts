import type { MongodbOptions } from "./backends/mongodb/options.js";
import type { RedisSourceOptions } from "./backends/redis/redis-source.js";
import type { ServerOptions } from "./catalog/places.js";
import type { Config } from "./config/config.js";
import { mongodbLocation } from "./config/mongodb.js";
import { redisLocation } from "./config/redis.js";
import { workerUrl } from "./core/worker-url.js";

/** The layers that are servers, as the catalog reads them: each in a thread of its own. */
export function serversOf({ cache, redis, mongodb }: Config): ServerOptions[] {
	const { timeZone, timesToLiveHours } = cache;
	const servers: ServerOptions[] = [];
	if (redis.address !== null) {
		const { address, namespaces, setNotifications } = redis;
		const options: RedisSourceOptions = { address, namespaces, settings: { timeZone, timesToLiveHours }, setNotifications };
		servers.push({
			backend: "REDIS",
			location: redisLocation(address),
			places: namespaces.map(({ name }) => name),
			module: workerUrl(import.meta.url, "./backends/redis/redis-source.js").href,
			options,
		});
	}
	if (mongodb.uri !== null) {
		const { uri, database, collections } = mongodb;
		const options: MongodbOptions = { uri, database, collections, timeZone, timesToLiveHours };
		servers.push({
			backend: "MONGODB",
			location: mongodbLocation({ uri, database }),
			places: collections.map(({ name }) => name),
			module: workerUrl(import.meta.url, "./backends/mongodb/mongodb-source.js").href,
			options,
		});
	}
	return servers;
}
