import { afterAll, beforeAll } from "@jest/globals";
import { openMongodbModels } from "../../src/backends/mongodb/model-configs.js";
import { openRedisCapabilities } from "../../src/backends/redis/capability-cache.js";
import { systemClock } from "../../src/core/clock.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, startRedis } from "../testkit/redis.js";
import { layerAt } from "../testkit/redis-layer.js";
import { capabilityCacheContract, INITIAL, modelConfigContract } from "./models.js";

let mongodb: TestMongodb;
let redis: RedisServer;

beforeAll(async () => {
	[mongodb, redis] = await Promise.all([startMongodb(), startRedis({ users: { warden: NO_KEYS_NO_FLUSH } })]);
});

afterAll(async () => {
	await Promise.all([mongodb.stop(), redis.stop()]);
});

modelConfigContract("MongoDB", async () => {
	const { name, db } = mongodb.newDatabase();
	const open = () => openMongodbModels({ uri: mongodb.uri, database: name, initial: INITIAL, clock: systemClock });
	const [here, there] = [open(), open()];
	return {
		here,
		there,
		async close() {
			await Promise.all([here.close(), there.close()]);
			await db.dropDatabase();
		},
	};
});

capabilityCacheContract("Redis", async () => {
	const { address } = layerAt(redis.urlFor("warden", "secret"));
	const [here, there] = [openRedisCapabilities({ address }), openRedisCapabilities({ address })];
	return {
		here,
		there,
		async close() {
			await Promise.all([here.close(), there.close()]);
			await redis.client.flushall();
		},
	};
});
