/** The original's page over the layers that are servers: each alone, and all together. */
import { originalPageContract } from "../contract/original-page.js";
import { fileLayer, type StartLayer } from "../testkit/cache-layer.js";
import {
	countMongodb,
	countRedis,
	fillForeignMongodb,
	fillForeignRedis,
	fillMongodb,
	fillRedis,
	foreignMongodb,
	foreignRedis,
	mongodbKeys,
	mongodbKeysBefore,
	redisKeysBefore,
} from "../testkit/field-data.js";
import { startMongodb } from "../testkit/mongodb.js";
import { NO_KEYS_NO_FLUSH, startRedis } from "../testkit/redis.js";

/** Under an account that may neither list all keys nor flush. */
const redisLayer: StartLayer = async (entries) => {
	const redis = await startRedis({ users: { warden: NO_KEYS_NO_FLUSH } });
	await fillRedis(redis.client, { entries, nowMs: Date.now() });
	await fillForeignRedis(redis.client);
	return {
		// What lies beside the cache is compared byte by byte.
		environment: { REDIS_URL: redis.urlFor("warden", "secret"), QUEUE_ENGINE: "embedded" },
		count: () => countRedis(redis.client),
		keysBefore: (moment) => redisKeysBefore(redis.client, moment),
		keys: async () => (await countRedis(redis.client)).keys.sort(),
		foreign: () => foreignRedis(redis.client),
		close: () => redis.stop(),
	};
};

/** Other keys than in Redis, so that each stands for itself in the list. */
const mongodbLayer: StartLayer = async (entries) => {
	const mongodb = await startMongodb();
	const { db, uri } = mongodb.newDatabase();
	await fillMongodb(db, { entries, nowMs: Date.now(), seed: 2 });
	await fillForeignMongodb(db);
	return {
		environment: { MONGODB_URI: uri },
		count: () => countMongodb(db),
		keysBefore: (moment) => mongodbKeysBefore(db, moment),
		keys: () => mongodbKeys(db),
		foreign: () => foreignMongodb(db),
		close: () => mongodb.stop(),
	};
};

originalPageContract({ name: "Redis alone", starts: [redisLayer], redis: true, mongodb: false });
originalPageContract({ name: "MongoDB alone", starts: [mongodbLayer], redis: false, mongodb: true });
originalPageContract({ name: "all layers together", starts: [fileLayer, redisLayer, mongodbLayer], redis: true, mongodb: true });
