/** Schedules in the process: with a clock that goes when told to, over the real store, engine and audit log. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { CacheBackend } from "../../src/backends/backend.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import { openEmbeddedCoordination } from "../../src/coordination/embedded.js";
import type { Call } from "../../src/core/actor.js";
import { systemClock } from "../../src/core/clock.js";
import type { BackendKind } from "../../src/core/entry.js";
import { hasEnded, type Job } from "../../src/core/job.js";
import type { Role } from "../../src/core/roles.js";
import type { JobHandler } from "../../src/jobs/port.js";
import { openEmbeddedModels } from "../../src/models/embedded/embedded-models.js";
import { createOperations } from "../../src/operations/create-operations.js";
import type { Operations, WorkflowOperations } from "../../src/operations/operations.js";
import { cleanupHandler } from "../../src/operations/removal-handlers.js";
import { scheduledRun } from "../../src/operations/schedules.js";
import { type Scheduler, startScheduler } from "../../src/schedules/scheduler.js";
import { callOf, forward, frozenClock } from "../testkit/calls.js";
import { entryOf, scannedCatalog, writeEntry } from "../testkit/catalog.js";
import { callCommand } from "../testkit/cli.js";
import { type Embedded, openEmbedded } from "../testkit/embedded.js";
import { codeOf, gate } from "../testkit/promises.js";
import { quarantineOf } from "../testkit/quarantine.js";
import { startServer, TEST_SECRET } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

const NIGHTLY = { name: "nightly", cron: "0 3 * * *", timeZone: "Asia/Shanghai", cleanup: { olderThanDays: 7, types: ["news"] } };
const [OLD, NEW] = ["AAPL_news_0123456789ab", "MSFT_news_0123456789ab"] as const;
const HOUR = 3_600_000;
/** 2026-01-15 12:00 UTC; three in the morning in Shanghai is 19:00 UTC. */
const START = Date.UTC(2026, 0, 15, 12);

/** What no schedule needs. */
async function noLoading({ store }: Embedded) {
	const { configs: modelConfigs, capabilities } = await openEmbeddedModels({ store, clock: systemClock, initial: [] });
	const coordination = openEmbeddedCoordination();
	return { writers: new Map(), loaders: new Map(), coordination, modelConfigs, capabilities, capabilityTtlMs: 1000 };
}

function callAs(user: string, role: Role): Call {
	const call = callOf(user);
	return { ...call, actor: { ...call.actor, roles: [role] } };
}

describe("schedules", () => {
	const alice = callAs("alice", "OPERATOR");
	const admin = callAs("root", "ADMIN");
	let dataDir: string;
	let root: string;
	let clock: ReturnType<typeof frozenClock>;
	let embedded: Embedded;
	let operations: Omit<Operations, keyof WorkflowOperations>;
	let scheduler: Scheduler;
	let backend: CacheBackend;
	/** Jobs wait here before they begin. */
	let held: Promise<void>;

	async function open(): Promise<void> {
		const catalog = await scannedCatalog({ root, clock });
		const backends: ReadonlyMap<BackendKind, CacheBackend> = new Map([["FILE", backend]]);
		// The handler reads its plans from the engine's own store, which is opened with it.
		let plans: Embedded["plans"] | null = null;
		const { keeper } = quarantineOf([{ name: "cache", path: root }], clock, () => embedded);
		const cleanup = cleanupHandler({
			quarantine: keeper,
			catalog,
			backends,
			plans: { save: async () => undefined, find: async (id) => plans?.find(id) ?? null, shared: null, close: async () => undefined },
		});
		const waiting: JobHandler<unknown> = {
			...(cleanup as JobHandler<unknown>),
			run: async (context) => {
				await held;
				return (cleanup as JobHandler<unknown>).run(context as never);
			},
		};
		embedded = await openEmbedded({ dataDir, clock, handlers: [waiting] });
		plans = embedded.plans;
		operations = createOperations({
			...embedded,
			...(await noLoading(embedded)),
			catalog,
			backends,
			quarantine: keeper,
			clock,
			maxBytes: null,
		});
		scheduler = startScheduler({ ...embedded, clock, run: scheduledRun(operations), log: quiet, everyMs: 3_600_000 });
	}
	const quiet = { info: () => undefined, error: () => undefined };
	async function close(): Promise<void> {
		await scheduler.close();
		await embedded.close();
	}
	beforeEach(async () => {
		dataDir = temporaryFolder();
		root = temporaryFolder();
		clock = frozenClock(START);
		held = Promise.resolve();
		backend = openFileBackend({ roots: [{ name: "cache", path: root }], clock });
		writeEntry(root, OLD, { folder: "us_news", extension: "txt", metadata: { cached_at: "2026-01-01T00:00:00" } });
		writeEntry(root, NEW, { folder: "us_news", extension: "txt", metadata: { cached_at: "2026-01-15T11:00:00" } });
		await open();
	});
	afterEach(async () => {
		await close();
		await backend.close();
	});

	async function jobsOf(user: string): Promise<Job[]> {
		return (await embedded.jobs.list({ requestedBy: user }, forward(50))).items.map(({ node }) => node);
	}
	async function allEnded(): Promise<void> {
		for (const { id } of (await embedded.jobs.list({}, forward(50))).items.map(({ node }) => node)) {
			const job = await embedded.jobs.waitForEnd(id, 60_000);
			expect(hasEnded(job.status)).toBe(true);
		}
		await scheduler.runDue();
	}

	it("run when they are due in their zone, as their owner, and say when they run next and how the last run ended", async () => {
		const made = await operations.createSchedule(alice, NIGHTLY);
		expect(made).toMatchObject({ nextRunAt: START + 7 * HOUR, lastRun: null, ownerId: "alice", paused: false });
		clock.advance(7 * HOUR - 1);
		await scheduler.runDue();
		expect(await jobsOf("alice")).toEqual([]);
		clock.advance(1);
		await scheduler.runDue();
		await scheduler.runDue();
		await allEnded();
		const [job, ...others] = await jobsOf("alice");
		expect(others).toEqual([]);
		expect(job).toMatchObject({ kind: "CLEANUP", status: "SUCCEEDED", origin: "SCHEDULE", input: NIGHTLY.cleanup });
		const [after] = await operations.schedules(alice);
		expect(after).toMatchObject({
			nextRunAt: START + 31 * HOUR,
			lastRun: { at: START + 7 * HOUR, jobId: job?.id, status: "SUCCEEDED", error: null },
		});
		const catalog = await scannedCatalog({ root });
		expect(await entryOf(catalog, OLD)).toBeUndefined();
		expect(await entryOf(catalog, NEW)).toBeDefined();
		const entries = (await embedded.audit.page({}, forward(10))).items.map(({ node }) => [
			node.action,
			node.origin,
			node.success,
			node.userId,
		]);
		expect(entries).toEqual([
			["cleanup", "SCHEDULE", true, "alice"],
			["createSchedule", "GRAPHQL", true, "alice"],
		]);
	});

	it("survive a restart; what was missed is made up for by one run", async () => {
		await operations.createSchedule(alice, NIGHTLY);
		await close();
		clock.advance(72 * HOUR);
		await open();
		await scheduler.runDue();
		await allEnded();
		expect(await jobsOf("alice")).toHaveLength(1);
		expect((await operations.schedules(alice))[0]).toMatchObject({ nextRunAt: START + 79 * HOUR, lastRun: { status: "SUCCEEDED" } });
	});

	it("make one job a run, however many processes see that it is due", async () => {
		await operations.createSchedule(alice, { ...NIGHTLY, cron: "0 * * * *" });
		const others = Array.from({ length: 3 }, () =>
			startScheduler({ ...embedded, clock, run: scheduledRun(operations), log: quiet, everyMs: 3_600_000 }),
		);
		for (let hour = 1; hour <= 3; hour++) {
			clock.advance(HOUR);
			await Promise.all([scheduler, ...others].map((one) => one.runDue()));
			await allEnded();
			expect(await jobsOf("alice")).toHaveLength(hour);
		}
		for (const other of others) await other.close();
	});

	it("finish a run that a crash cut short before its job was accepted", async () => {
		const { id } = await operations.createSchedule(alice, NIGHTLY);
		const at = clock.now();
		await embedded.schedules.change(id, { lastRun: { at, jobId: null, status: "QUEUED", error: null } });
		clock.advance(30_000);
		await scheduler.runDue();
		expect(await jobsOf("alice")).toEqual([]);
		clock.advance(60_000);
		await scheduler.runDue();
		await scheduler.runDue();
		await allEnded();
		expect(await jobsOf("alice")).toHaveLength(1);
		expect((await embedded.schedules.get(id))?.lastRun).toMatchObject({ at, status: "SUCCEEDED" });
	});

	it("leave a run out while the last one goes on", async () => {
		const release = gate();
		held = release.opened;
		const { id } = await operations.createSchedule(alice, { ...NIGHTLY, cron: "0 * * * *" });
		for (let hour = 0; hour < 3; hour++) {
			clock.advance(HOUR);
			await scheduler.runDue();
		}
		expect(await jobsOf("alice")).toHaveLength(1);
		expect(await embedded.schedules.get(id)).toMatchObject({ nextRunAt: START + 4 * HOUR, lastRun: { at: START + HOUR } });
		release.open();
		await allEnded();
		clock.advance(HOUR);
		await scheduler.runDue();
		await allEnded();
		expect(await jobsOf("alice")).toHaveLength(2);
	});

	it("are paused, changed, run at once and deleted, each in the audit log", async () => {
		const { id } = await operations.createSchedule(alice, { ...NIGHTLY, paused: true });
		clock.advance(48 * HOUR);
		await scheduler.runDue();
		expect(await jobsOf("alice")).toEqual([]);
		const { job, schedule } = await operations.runScheduleNow(admin, id);
		expect(job).toMatchObject({ requestedBy: "root", origin: "SCHEDULE" });
		expect(schedule).toMatchObject({ nextRunAt: null, lastRun: { jobId: job.id } });
		await allEnded();
		expect((await operations.schedules(admin))[0]?.lastRun).toMatchObject({ status: "SUCCEEDED" });
		const resumed = await operations.updateSchedule(alice, id, { paused: false, cron: "30 * * * *", name: null });
		expect(resumed).toMatchObject({ name: "nightly", nextRunAt: START + 48 * HOUR + HOUR / 2, input: NIGHTLY.cleanup });
		expect(await operations.updateSchedule(alice, id, { name: "half past", cleanup: { types: ["x"] } })).toMatchObject({
			name: "half past",
			input: { types: ["x"] },
			nextRunAt: resumed.nextRunAt,
		});
		await operations.deleteSchedule(alice, id);
		expect(await operations.schedules(admin)).toEqual([]);
		const page = await embedded.audit.page({ actionTypes: ["schedule_management"] }, forward(10));
		expect(page.items.map(({ node }) => [node.action, node.success])).toEqual(
			["deleteSchedule", "updateSchedule", "updateSchedule", "runScheduleNow", "createSchedule"].map((action) => [action, true]),
		);
	});

	it("are for OPERATORs, each his own; a wrong one is refused by name", async () => {
		const { id } = await operations.createSchedule(alice, NIGHTLY);
		const bob = callAs("bob", "OPERATOR");
		const viewer = callAs("vera", "VIEWER");
		expect(await codeOf(operations.createSchedule(viewer, NIGHTLY))).toBe("FORBIDDEN");
		expect([await operations.schedules(bob), (await operations.schedules(admin)).length]).toEqual([[], 1]);
		expect(await operations.node(bob, id)).toBeNull();
		expect(await operations.node(alice, id)).toMatchObject({ kind: "schedule", schedule: { id } });
		for (const refused of [
			operations.updateSchedule(bob, id, { paused: true }),
			operations.deleteSchedule(bob, id),
			operations.runScheduleNow(bob, id),
			operations.deleteSchedule(alice, "s0"),
		])
			expect(await codeOf(refused)).toBe("NOT_FOUND");
		for (const wrong of [
			{ cron: "61 * * * *" },
			{ timeZone: "Mars/Base" },
			{ name: " " },
			{ cleanup: { types: [] } },
			{ cleanup: { olderThanDays: 0 } },
			{ cleanup: { planId: "p1" } },
		]) {
			expect(await codeOf(operations.createSchedule(alice, { ...NIGHTLY, ...wrong } as typeof NIGHTLY))).toBe("BAD_USER_INPUT");
			expect(await codeOf(operations.updateSchedule(alice, id, wrong as Partial<typeof NIGHTLY>))).toBe("BAD_USER_INPUT");
		}
		expect(await embedded.schedules.list(null)).toHaveLength(1);
	});

	it("work through a server: created over GraphQL, run by the command line", async () => {
		const env = { CACHE_DIR: root, DATA_DIR: temporaryFolder(), CACHE_TIMEZONE: "UTC", JWT_SECRET: TEST_SECRET };
		const server = await startServer(env);
		try {
			const { data } = await server.query<{ createSchedule: { schedule: { id: string; nextRunAt: string } } }>(
				"mutation ($i: CreateScheduleInput!) { createSchedule(input: $i) { schedule { id nextRunAt lastRun { at } } } }",
				{ i: NIGHTLY },
			);
			const { id, nextRunAt } = data.createSchedule.schedule;
			expect(nextRunAt).toMatch(/T19:00:00.000Z$/);
			const run = await callCommand(["schedules", "run", id, "--json"], { env });
			expect([run.code, (JSON.parse(run.out) as { status: string }).status]).toEqual([0, "SUCCEEDED"]);
		} finally {
			await server.stop();
		}
		const list = await callCommand(["schedules", "--json"], { env });
		expect(JSON.parse(list.out)).toEqual([
			expect.objectContaining({ name: "nightly", lastRun: expect.objectContaining({ status: "SUCCEEDED" }) }),
		]);
		const bad = await callCommand(["schedules", "create", "--name", "x", "--cron", "never"], { env });
		expect(bad.code).toBe(2);
	});
});
