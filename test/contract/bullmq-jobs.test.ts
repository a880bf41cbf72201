import { afterAll, beforeAll, describe } from "@jest/globals";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type OpenQueue, openQueue } from "../testkit/queue.js";
import { type RedisServer, redisPrograms, startRedis } from "../testkit/redis.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { jobsContract } from "./jobs.js";

const programs = await redisPrograms();

describe.each(programs)("on %s", (program) => {
	let redis: RedisServer;
	let mongodb: TestMongodb;
	beforeAll(async () => {
		[redis, mongodb] = await Promise.all([startRedis({ program }), startMongodb()]);
	});
	afterAll(async () => {
		await redis.stop();
		await mongodb.stop();
	});

	for (const records of ["MongoDB", "the embedded store"])
		jobsContract(`BullMQ, with records in ${records}`, () => {
			const dataDir = temporaryFolder();
			const db = records === "MongoDB" ? mongodb.newDatabase().db : null;
			let emptied = false;
			let queue: OpenQueue | null = null;
			async function close(): Promise<void> {
				await queue?.close();
				queue = null;
			}
			return {
				async open(options) {
					await close();
					if (!emptied) await redis.client.flushdb();
					emptied = true;
					queue = await openQueue({ redisUrl: redis.url, dataDir, db, ...options });
					return queue;
				},
				close,
			};
		});
});
