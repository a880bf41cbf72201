/** A preview made on one server and carried out by another: exactly what was shown, or nothing. */
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import type { Catalog } from "../../src/catalog/port.js";
import { systemClock } from "../../src/core/clock.js";
import { plannedSource } from "../../src/operations/removal-source.js";
import { openMongodbPlans } from "../../src/plans/mongodb.js";
import type { Plan, PlanStore } from "../../src/plans/port.js";
import { keysCachedBefore } from "../testkit/independent-count.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type RedisServer, startRedis } from "../testkit/redis.js";
import { startServer, TEST_SECRET, type TestServer } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { keyOf } from "../testkit/tree.js";

const PREVIEW = "{ cleanupPreview(input: { olderThanDays: 7, backends: [FILE] }) { planId entries } }";
const CLEANUP = `mutation ($planId: ID!) { cleanup(input: { planId: $planId, wait: true }) { job {
	status progress { matchedEntries deletedEntries skippedEntries } error { code message }
} } }`;

interface Cleaned {
	readonly cleanup: { readonly job: { readonly status: string; readonly progress: Readonly<Record<string, number>> } };
}

describe("a plan of another server", () => {
	let redis: RedisServer;
	let mongodb: TestMongodb;
	let database: ReturnType<TestMongodb["newDatabase"]>;
	const servers: TestServer[] = [];
	beforeAll(async () => {
		[redis, mongodb] = await Promise.all([startRedis(), startMongodb()]);
	});
	beforeEach(() => {
		database = mongodb.newDatabase();
	});
	afterEach(async () => {
		await Promise.all(servers.splice(0).map((server) => server.stop()));
		await redis.client.flushdb();
	});
	afterAll(async () => {
		await redis.stop();
		await mongodb.stop();
	});

	/** Of one cluster; each with a catalog of its own. */
	async function serverOn(root: string): Promise<TestServer> {
		const server = await startServer({
			CACHE_DIR: root,
			QUEUE_REDIS_URL: redis.url,
			AUDIT_MONGODB_URI: database.uri,
			AUDIT_SECRET: "the secret of a test",
			JWT_SECRET: TEST_SECRET,
			CACHE_TIMEZONE: "UTC",
			DATA_DIR: temporaryFolder(),
		});
		servers.push(server);
		return server;
	}
	async function preview(server: TestServer): Promise<{ readonly planId: string; readonly entries: number }> {
		return (await server.query<{ cleanupPreview: { planId: string; entries: number } }>(PREVIEW)).data.cleanupPreview;
	}

	it("removes what was shown, and neither what came later nor what was rewritten, also when the first is gone", async () => {
		const root = temporaryFolder();
		generateTree({ root, entries: 400 });
		const [one, two] = await Promise.all([serverOn(root), serverOn(root)]);
		const old = keysCachedBefore(root, new Date(Date.now() - 7 * 86_400_000));
		const { planId, entries } = await preview(one);
		expect(entries).toBe(old.length);
		await one.stop();
		// As old as what was shown.
		generateTree({ root, entries: 40, seed: 2 });
		const rewritten = dataFiles(root).find((path) => old.includes(keyOf(path))) as string;
		const { atime, mtime } = statSync(rewritten);
		writeFileSync(rewritten, readFileSync(rewritten));
		utimesSync(rewritten, atime, mtime);
		const shown = new Set(old.filter((key) => key !== keyOf(rewritten)));
		const left = dataFiles(root).filter((path) => !shown.has(keyOf(path)));
		const { data } = await two.query<Cleaned>(CLEANUP, { planId });
		expect(data.cleanup.job).toMatchObject({
			status: "SUCCEEDED",
			progress: { matchedEntries: entries, deletedEntries: entries - 1, skippedEntries: 1 },
		});
		expect(dataFiles(root)).toEqual(left);
	}, 60_000);

	it("is refused, and says why, where a root of the same name is another folder; its own server carries it out", async () => {
		const [root, other] = [temporaryFolder(), temporaryFolder()];
		generateTree({ root, entries: 40 });
		generateTree({ root: other, entries: 40 });
		const one = await serverOn(root);
		const { planId, entries } = await preview(one);
		const two = await serverOn(other);
		const { errors } = await two.query(CLEANUP, { planId });
		expect(errors?.map(({ message, extensions: { code } }) => [code, message])).toEqual([
			["PLAN_STALE", expect.stringMatching(/FILE .*QUEUE_SHARED_ROOTS=true/)],
		]);
		await two.stop();
		expect(dataFiles(other)).toHaveLength(40);
		const { data } = await one.query<Cleaned>(CLEANUP, { planId });
		expect(data.cleanup.job).toMatchObject({ status: "SUCCEEDED", progress: { deletedEntries: entries } });
		expect(dataFiles(root)).toHaveLength(40 - entries);
	}, 60_000);

	it("is refused too when its job was accepted elsewhere, and when it was never written down to the end", async () => {
		const { db } = mongodb.newDatabase();
		const open = (where: string): Promise<PlanStore> => {
			const groups = [{ backend: "FILE", places: ["cache"], identity: `cache on ${where}` }] as const;
			return openMongodbPlans({ db, clock: systemClock, groups, silentMs: 300, writeFailed: () => undefined });
		};
		const [one, two] = await Promise.all([open("one host"), open("another")]);
		const plan = (id: string): Plan => {
			const createdAt = Date.now();
			return { id, userId: "a", kind: "CLEAR", selection: {}, epoch: "one's", createdAt, expiresAt: createdAt + 900_000 };
		};
		const source = (plans: PlanStore, id: string, epoch: string) =>
			plannedSource({ plans, catalog: { epoch } as Catalog }, id, "CLEAR", new AbortController().signal);
		const of = { backend: "FILE", place: "cache", type: "news", size: 1, locator: "k", fingerprint: { data: 1, metadata: null } } as const;
		await one.save(plan("whole"));
		one.shared?.write(
			plan("whole"),
			(async function* () {
				yield [{ ...of, id: "e1", key: "k" }];
			})(),
		);
		expect((await source(one, "whole", "another's"))?.epoch).toBe("plan whole");
		const refused = (key: string) => ({ code: "PLAN_STALE", said: { key } });
		await expect(source(two, "whole", "one's")).rejects.toMatchObject(refused("error.planElsewhere"));
		await one.save(plan("begun"));
		await expect(source(one, "begun", "another's")).rejects.toMatchObject(refused("error.planUnwritten"));
		expect((await source(one, "begun", "one's"))?.epoch).toBe("one's");
	}, 60_000);
});

function dataFiles(root: string): string[] {
	return readdirSync(root, { recursive: true, withFileTypes: true })
		.flatMap(({ name, parentPath }) => (/\.(csv|txt)$/.test(name) ? join(parentPath, name) : []))
		.sort();
}
