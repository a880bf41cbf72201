/** Servers whose jobs are recorded apart must not work on one queue: each would drop the other's. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../testkit/eventually.js";
import { type RedisServer, startRedis } from "../testkit/redis.js";
import { startServer, type TestServer } from "../testkit/server.js";
import { folderForAll } from "../testkit/temporary.js";

const OWNER = "bull:cachewarden-fair:owner";
const CLEAR = "mutation { clear(input: { confirm: true, backends: [FILE], wait: true }) { job { status } } }";

describe("one queue and two servers without MongoDB", () => {
	const [root, first, second] = [folderForAll(), folderForAll(), folderForAll()];
	let redis: RedisServer;
	const servers = new Set<TestServer>();
	beforeAll(async () => {
		redis = await startRedis();
	});
	afterEach(async () => {
		for (const server of servers) server.process.kill("SIGCONT");
		await Promise.all([...servers].map((server) => server.stop()));
		servers.clear();
	});
	afterAll(() => redis.stop());

	async function serverOn(dataDir: string): Promise<TestServer> {
		const server = await startServer({
			CACHE_DIR: root,
			DATA_DIR: dataDir,
			QUEUE_REDIS_URL: redis.url,
		});
		servers.add(server);
		return server;
	}
	async function end(server: TestServer, signal: NodeJS.Signals): Promise<void> {
		servers.delete(server);
		await server.stop(signal);
	}

	it("the second does not start while the first lives, and says what to do; whoever comes back to his own starts at once", async () => {
		const one = await serverOn(first);
		await expect(serverOn(second)).rejects.toThrow(/Another server works on the queue at .*MONGODB_URI.*queue\.enginePrefix/);
		await end(one, "SIGKILL");
		expect(await redis.client.exists(OWNER)).toBe(1);
		const again = await serverOn(first);
		expect((await again.query(CLEAR)).data).toEqual({ clear: { job: { status: "SUCCEEDED" } } });
		// Ended in order it leaves the queue to others.
		await end(again, "SIGTERM");
		expect(await redis.client.exists(OWNER)).toBe(0);
		const other = await serverOn(second);
		await end(other, "SIGKILL");
		// Who died is not waited for longer than it may seem to live.
		expect((await (await serverOn(first)).query(CLEAR)).data).toEqual({ clear: { job: { status: "SUCCEEDED" } } });
	}, 90_000);

	it("one that was frozen while another took the queue refuses work when it wakes up", async () => {
		const one = await serverOn(first);
		one.process.kill("SIGSTOP");
		const two = await serverOn(second);
		one.process.kill("SIGCONT");
		await eventually(
			async () => {
				const { errors } = await one.query(CLEAR);
				expect(errors?.[0]).toMatchObject({
					message: expect.stringContaining("Another server works on the queue"),
					extensions: { code: "QUEUE_UNAVAILABLE" },
				});
			},
			{ withinMs: 20_000, everyMs: 200 },
		);
		expect((await two.query(CLEAR)).data).toEqual({ clear: { job: { status: "SUCCEEDED" } } });
	}, 90_000);
});
