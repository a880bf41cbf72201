/** The command line over the layers that are databases, in this process's place: no server runs. */
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { runCommand } from "../testkit/cli.js";
import { countMongodb, countRedis, fillMongodb, fillRedis, mongodbKeysBefore, redisKeysBefore } from "../testkit/field-data.js";
import { countDataFiles } from "../testkit/independent-count.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, startRedis } from "../testkit/redis.js";
import { temporaryFolder } from "../testkit/temporary.js";

const DAY_MS = 86_400_000;
let redis: RedisServer;
let mongodb: TestMongodb;

beforeAll(async () => {
	[redis, mongodb] = await Promise.all([startRedis({ users: { warden: NO_KEYS_NO_FLUSH } }), startMongodb()]);
});

afterAll(async () => {
	await Promise.all([redis?.stop(), mongodb?.stop()]);
});

it("--type database cleans up Redis and MongoDB, exactly what is older, and leaves the files", async () => {
	const { db, uri } = mongodb.newDatabase();
	const root = temporaryFolder();
	generateTree({ root, entries: 50 });
	await fillRedis(redis.client, { entries: 60, nowMs: Date.now() });
	await fillMongodb(db, { entries: 60, nowMs: Date.now(), seed: 2 });
	const env = { CACHE_DIR: root, DATA_DIR: temporaryFolder(), REDIS_URL: redis.urlFor("warden", "secret"), MONGODB_URI: uri };
	const files = countDataFiles(root);
	const moment = new Date(Date.now() - 7 * DAY_MS);
	const older = { redis: await redisKeysBefore(redis.client, moment), mongodb: await mongodbKeysBefore(db, moment) };
	const before = { redis: await countRedis(redis.client), mongodb: await countMongodb(db) };
	const { code, out } = await runCommand(["cleanup", "--days", "7", "--type", "database", "--json"], { env });
	expect(code).toBe(0);
	expect(JSON.parse(out).progress.byBackend).toMatchObject([
		{ backend: "REDIS", status: "SUCCEEDED", deletedEntries: older.redis.length },
		{ backend: "MONGODB", status: "SUCCEEDED", deletedEntries: older.mongodb.length },
	]);
	expect(older.redis.length).toBeGreaterThan(0);
	expect(older.mongodb.length).toBeGreaterThan(0);
	expect((await countRedis(redis.client)).entries).toBe(before.redis.entries - older.redis.length);
	expect((await countMongodb(db)).entries).toBe(before.mongodb.entries - older.mongodb.length);
	expect(countDataFiles(root)).toEqual(files);
});
