/** Two servers on one queue, as their users see them: the built program over a real Redis and a real MongoDB. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { callCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { countDataFiles } from "../testkit/independent-count.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type RedisServer, startRedis } from "../testkit/redis.js";
import { startServer, TEST_SECRET, type TestServer, testToken } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

const CLEAR = "mutation { clear(input: { confirm: true, backends: [FILE] }) { job { id } } }";
const JOB = "query ($id: ID!) { job(id: $id) { id status requestedBy progress { deletedEntries sequence } } }";

interface JobAnswer {
	readonly job: { readonly status: string; readonly progress: { readonly deletedEntries: number } } | null;
}

describe("two servers on one queue", () => {
	const root = temporaryFolder();
	let redis: RedisServer;
	let mongodb: TestMongodb;
	let servers: TestServer[] = [];
	let env: Record<string, string>;
	beforeAll(async () => {
		[redis, mongodb] = await Promise.all([startRedis(), startMongodb()]);
		generateTree({ root, entries: 300 });
		env = {
			CACHE_DIR: root,
			QUEUE_REDIS_URL: redis.url,
			AUDIT_MONGODB_URI: mongodb.newDatabase().uri,
			AUDIT_SECRET: "the secret of a test",
			JWT_SECRET: TEST_SECRET,
			CACHE_TIMEZONE: "UTC",
		};
		servers = await Promise.all([1, 2].map(() => startServer({ ...env, DATA_DIR: temporaryFolder() })));
	});
	afterAll(async () => {
		await Promise.all(servers.map((server) => server.stop()));
		await redis.stop();
		await mongodb.stop();
	});

	it("show each other's jobs, clear exactly once, and leave one entry in the audit log and no key behind", async () => {
		const [one, two] = servers as [TestServer, TestServer];
		const there = countDataFiles(root).entries;
		const { id } = (await one.query<{ clear: { job: { id: string } } }>(CLEAR)).data.clear.job;
		for (const server of [one, two])
			await eventually(
				async () => {
					const { job } = (await server.query<JobAnswer>(JOB, { id })).data;
					expect(job).toMatchObject({ status: "SUCCEEDED", progress: { deletedEntries: there } });
				},
				{ withinMs: 20_000 },
			);
		expect(countDataFiles(root).entries).toBe(0);
		const audit = await two.query<{ auditLog: { totalCount: number; nodes: { success: boolean }[] } }>(
			"query ($id: ID!) { auditLog(filter: { jobId: $id }) { totalCount nodes { success } } }",
			{ id },
		);
		expect(audit.data.auditLog).toEqual({ totalCount: 1, nodes: [{ success: true }] });
		const stats = await two.query("{ queueStats { engine queued running completed workers mine { pending } } }");
		expect(stats.data).toEqual({
			queueStats: { engine: "bullmq", queued: 0, running: 0, completed: 1, workers: 4, mine: { pending: 0 } },
		});
		expect(await redis.client.exists("user:admin:pending", "user:admin:processing", "global:pending")).toBe(0);
		expect(await redis.client.hget(`task:${id}:progress`, "status")).toBe("SUCCEEDED");
	}, 60_000);

	it("show the engine's page to operators, who may look and not touch", async () => {
		const [one] = servers as [TestServer];
		const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") =>
			fetch(new URL(path, one.url), { method, headers, redirect: "manual" });
		const bearer = async (role: string) => ({ authorization: `Bearer ${await testToken(role)}` });
		expect((await ask("/queues/", { accept: "text/html" })).headers.get("location")).toBe("/queues/sign-in");
		expect((await ask("/queues/api/queues")).status).toBe(401);
		expect((await ask("/queues/api/queues", await bearer("VIEWER"))).status).toBe(403);
		expect((await ask("/queues/session", await bearer("VIEWER"), "POST")).status).toBe(403);
		const signedIn = await ask("/queues/session", await bearer("OPERATOR"), "POST");
		expect(signedIn.headers.get("set-cookie")).toMatch(/; Path=\/queues; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
		const cookie = { cookie: (signedIn.headers.get("set-cookie") ?? "").split(";")[0] as string };
		const page = await ask("/queues/", cookie);
		expect([page.status, page.headers.get("content-security-policy")]).toEqual([200, expect.stringContaining("default-src 'none'")]);
		for (const [, file] of (await page.text()).matchAll(/src="(static\/[^"]+)"/g))
			expect((await ask(`/queues/${file}`, cookie)).status).toBe(200);
		const { queues } = (await (await ask("/queues/api/queues", cookie)).json()) as { queues: { name: string; readOnlyMode: boolean }[] };
		expect(queues.map(({ readOnlyMode }) => readOnlyMode)).toEqual(queues.map(() => true));
		expect(queues.length).toBeGreaterThan(1);
		const clean = `/queues/api/queues/${queues[0]?.name}/clean/completed`;
		expect((await ask(clean, await bearer("ADMIN"), "PUT")).status).toBe(403);
		// The cookie is for this page only.
		expect((await ask("/graphql?query={viewer{id}}", { ...cookie, "apollo-require-preflight": "1" })).status).not.toBe(200);
	}, 60_000);

	it("and a command on the same configuration sees them too", async () => {
		const { code, out } = await callCommand(["jobs", "--json"], { env: { ...env, DATA_DIR: temporaryFolder() } });
		expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ totalCount: 1 })]);
	}, 60_000);
});
