/** C3 to C6, C9, A1, A2: what happens to the audit log and its streams when MongoDB is away, frozen, or forgets. */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { AuditEntry, AuditLog } from "../../src/audit/port.js";
import { auditStream } from "../../src/live/audit-stream.js";
import { forward, intentOf, outcomeOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { killAll, linesOf } from "../testkit/lines-of.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { type MongodbAuditSetup, type OpenedAudit, openTestAudit } from "../testkit/mongodb-audit.js";
import { codeOf } from "../testkit/promises.js";
import { openTcpProxy, type TcpProxy } from "../testkit/tcp-proxy.js";
import { temporaryFolder } from "../testkit/temporary.js";

const LONG = process.env.SOAK === "1";
const FROZEN_MS = LONG ? 60_000 : 6_000;
const SOON = { withinMs: 20_000 };

interface Line {
	readonly opened?: true;
	readonly recorded?: string;
	readonly startedAt?: number;
	readonly refused?: string;
}

describe("the audit log while MongoDB fails", () => {
	let mongodb: TestMongodb;
	let proxy: TcpProxy;
	const opened: OpenedAudit[] = [];
	const mounted: string[] = [];
	beforeAll(async () => {
		mongodb = await startMongodb({ own: true, testCommands: true });
		proxy = await openTcpProxy({ port: mongodb.nodes[0]?.port as number });
	});
	afterEach(async () => {
		mongodb.nodes[0]?.thaw();
		proxy.thaw();
		await proxy.accept();
		await killAll();
		for (const one of opened.splice(0)) await one.close();
		for (const path of mounted.splice(0)) spawnSync("umount", ["-l", path]);
	});
	afterAll(async () => {
		await proxy.close();
		await mongodb.stop();
	});

	/** A database by its own address, and by one that leads through the proxy. */
	function database() {
		const { name, uri, db } = mongodb.newDatabase();
		return { uri, db, through: `mongodb://127.0.0.1:${proxy.port}/${name}?directConnection=true` };
	}

	async function open(setup: Omit<MongodbAuditSetup, "dataDir"> & { readonly dataDir?: string }): Promise<OpenedAudit> {
		const one = await openTestAudit({ dataDir: temporaryFolder(), ...setup });
		opened.push(one);
		return one;
	}

	async function record(audit: AuditLog, count: number, user = "alice"): Promise<string[]> {
		const tickets: string[] = [];
		for (let i = 0; i < count; i++) {
			const ticket = await audit.begin(intentOf(user, { details: { i } }));
			await audit.end(ticket, outcomeOf());
			tickets.push(ticket);
		}
		return tickets;
	}

	function heardBy(audit: AuditLog): (number | null)[] {
		const heard: (number | null)[] = [];
		audit.onAppended(({ entry }) => heard.push(entry.sequence));
		return heard;
	}

	async function all(audit: AuditLog): Promise<AuditEntry[]> {
		return (await audit.page({}, forward(200))).items.map(({ node }) => node).reverse();
	}

	async function problems(audit: AuditLog) {
		return (await audit.verify({ since: null, until: null })).problems;
	}

	const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

	it("A1: keeps what was recorded meanwhile, also when the process is killed before MongoDB is back, once each and with its time", async () => {
		const { uri, through } = database();
		const dataDir = temporaryFolder();
		const child = linesOf<Line>("audit-child.ts", [through, dataDir]);
		const recorded = (): Line[] => child.lines.filter((line) => line.recorded !== undefined);
		await child.line(({ recorded: ticket }) => ticket !== undefined);
		await eventually(() => expect(recorded().length).toBeGreaterThan(3), SOON);
		await proxy.refuse();
		const before = recorded().length;
		await eventually(() => expect(recorded().length).toBeGreaterThan(before + 20), SOON);
		child.process.kill("SIGKILL");
		await child.ended;
		await proxy.accept();
		const { audit } = await open({ uri, dataDir });
		const known = recorded();
		const entries = await eventually(async () => {
			const found: AuditEntry[] = [];
			for (let cursor = (await audit.page({}, forward(1))).liveCursor.replace(/\d+$/, "0"); ; ) {
				const some = await audit.readAfter(cursor, 200);
				if (some.length === 0) break;
				found.push(...some.map(({ entry }) => entry));
				cursor = some.at(-1)?.cursor as string;
			}
			expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(known.map(({ recorded: id }) => id as string)));
			return found;
		}, SOON);
		expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
		// At most one was under way: its end was not answered, or it was cut short.
		expect(entries.length - known.length).toBeLessThanOrEqual(1);
		const times = new Map(entries.map(({ id, timestamp }) => [id, timestamp]));
		for (const { recorded: id, startedAt } of known) expect(times.get(id as string)).toBe(startedAt);
		expect(await problems(audit)).toEqual([]);
	});

	it("A2: refuses operations when neither MongoDB nor the disk takes them", async () => {
		const megabyte = 1 << 20;
		const disk = temporaryFolder();
		const mountable = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${4 * megabyte}`, "tmpfs", disk]).status === 0;
		if (mountable) mounted.push(disk);
		await proxy.refuse();
		const { through } = database();
		// Without the right to mount, the limit of file sizes stands in: every write beyond it fails as on a full disk.
		const shell = mountable ? "" : `trap '' XFSZ; ulimit -f ${(2 * megabyte) / 512};`;
		const child = linesOf<Line>("audit-child.ts", [through, disk, "40000", String(mountable ? megabyte : 0)], { shell });
		const { refused } = await child.line((line) => line.refused !== undefined);
		expect(refused).toBe("AUDIT_UNAVAILABLE");
		expect(child.lines.filter(({ recorded }) => recorded !== undefined).length).toBeGreaterThan(5);
	});

	it("is recorded into the spool while MongoDB is away from the start, and is all there when it comes", async () => {
		const { through } = database();
		await proxy.refuse();
		const { audit } = await open({ uri: through });
		const heard = heardBy(audit);
		await record(audit, 5);
		expect(await codeOf(audit.page({}, forward(5)))).toBe("BACKEND_UNAVAILABLE");
		await proxy.accept();
		await eventually(async () => expect((await all(audit)).map(({ sequence }) => sequence)).toEqual(upTo(5)), SOON);
		await eventually(() => expect(heard).toEqual(upTo(5)), SOON);
		await record(audit, 2);
		expect(heard).toEqual(upTo(7));
		expect(await problems(audit)).toEqual([]);
	});

	it(`C3: answers within bounds while MongoDB is frozen for ${FROZEN_MS / 1000} s, and recovers unaided`, async () => {
		const { uri } = database();
		const { audit } = await open({ uri });
		const heard = heardBy(audit);
		await record(audit, 2);
		const thawed = new Promise((thaw) => setTimeout(thaw, FROZEN_MS));
		mongodb.nodes[0]?.freeze();
		await record(audit, 3);
		expect(await codeOf(audit.page({}, forward(5)))).toBe("BACKEND_UNAVAILABLE");
		await record(audit, 3);
		await thawed;
		mongodb.nodes[0]?.thaw();
		await eventually(() => expect(heard).toEqual(upTo(8)), SOON);
		expect((await all(audit)).length).toBe(8);
		await record(audit, 1);
		expect(await problems(audit)).toEqual([]);
	});

	it("C4: goes on from its place when MongoDB was away longer than a server is looked for", async () => {
		const { uri, through } = database();
		const writer = await open({ uri });
		const { audit, feed } = await open({ uri: through });
		const heard = heardBy(audit);
		await record(writer.audit, 3);
		await eventually(() => expect(heard).toEqual(upTo(3)), SOON);
		await proxy.refuse();
		await eventually(() => expect(feed.state().restarts).toBeGreaterThan(1), SOON);
		await record(writer.audit, 300);
		await proxy.accept();
		await eventually(() => expect(heard).toEqual(upTo(303)), SOON);
		expect(feed.state().kind).toBe("stream");
	});

	it("C5: begins anew when history is lost, and nobody misses an entry", async () => {
		const { uri, through } = database();
		const writer = await open({ uri });
		const { audit, feed, logged } = await open({ uri: through });
		const heard = heardBy(audit);
		await record(writer.audit, 3);
		await eventually(() => expect(heard).toEqual(upTo(3)), SOON);
		await proxy.refuse();
		await record(writer.audit, 5);
		const lost = { failCommands: ["aggregate"], errorCode: 286, appName: "cachewarden" };
		await mongodb.failPoint("failCommand", { times: 1 }, lost);
		await proxy.accept();
		await eventually(() => expect(heard).toEqual(upTo(8)), SOON);
		const { restarts } = feed.state();
		await record(writer.audit, 5);
		await eventually(() => expect(heard).toEqual(upTo(13)), SOON);
		expect(feed.state()).toMatchObject({ kind: "stream", restarts });
		expect(logged.some((line) => line.includes("286"))).toBe(true);
		await mongodb.failPoint("failCommand", "off");
	});

	it("tells its own seals once when it was not answered whether they are there", async () => {
		const { uri, db } = database();
		const { audit, logged } = await open({ uri });
		const heard = heardBy(audit);
		await record(audit, 2);
		const unanswered = { failCommands: ["insert"], namespace: `${db.databaseName}.operation_log_seals`, appName: "cachewarden" };
		await mongodb.failPoint("failCommand", { times: 1 }, { ...unanswered, writeConcernError: { code: 64, errmsg: "waiting timed out" } });
		await record(audit, 1);
		await eventually(() => expect(heard).toEqual(upTo(3)), { withinMs: 5_000 });
		expect(logged.some((line) => line.includes("could not be sealed"))).toBe(true);
		await record(audit, 2);
		expect(heard).toEqual(upTo(5));
		expect(await problems(audit)).toEqual([]);
	});

	it("C6: is followed also after a watched collection, and after the whole database, was dropped", async () => {
		const { uri, db } = database();
		const { audit } = await open({ uri });
		const heard = heardBy(audit);
		await record(audit, 2);
		await db.collection("operation_logs").drop();
		await record(audit, 2);
		expect(heard).toEqual(upTo(4));
		await db.dropDatabase();
		await record(audit, 2);
		await eventually(() => expect(heard).toEqual(upTo(6)), SOON);
	});

	it("C9: has one cursor on the server for 2,000 subscribers", async () => {
		const { uri, db } = database();
		const { audit } = await open({ uri });
		const streams = Array.from({ length: 2_000 }, () => auditStream(audit, null, () => true, 100));
		const first = Promise.all(streams.map((stream) => stream.next()));
		await record(audit, 1);
		expect(new Set((await first).map(({ value }) => value.entry.sequence))).toEqual(new Set([1]));
		const cursors = await mongodb.client
			.db("admin")
			.aggregate([{ $currentOp: { idleCursors: true, allUsers: true } }, { $match: { ns: { $regex: `^${db.databaseName}\\.` } } }])
			.toArray();
		const streaming = cursors.filter(({ cursor }) => JSON.stringify(cursor?.originatingCommand ?? {}).includes("$changeStream"));
		expect(streaming).toHaveLength(1);
		for (const stream of streams) await stream.return?.();
	});

	it("keeps aside what MongoDB refuses for good, names it, and brings everything else to its place", async () => {
		const { uri, db } = database();
		const dataDir = temporaryFolder();
		const { audit, logged } = await open({ uri, dataDir });
		await record(audit, 2);
		await db.command({ collMod: "operation_logs", validator: { user_id: { $ne: "mallory" } } });
		const [refused] = await record(audit, 1, "mallory");
		await record(audit, 3);
		await eventually(async () => expect((await all(audit)).map(({ userId }) => userId)).toEqual(Array(5).fill("alice")), SOON);
		const kept = readFileSync(join(dataDir, "audit.spool.refused"), "utf8").trimEnd().split("\n");
		expect(kept.map((line) => JSON.parse(line))).toMatchObject([
			{ reason: expect.stringContaining("validation"), record: { content: { id: refused } } },
		]);
		expect(logged.some((line) => line.includes("refuses this entry") && line.includes(refused as string))).toBe(true);
		await eventually(() => expect(statSync(join(dataDir, "audit.spool")).size).toBe(0), SOON);
		expect(await problems(audit)).toEqual([]);
		await record(audit, 1);
		expect((await all(audit)).length).toBe(6);
	});

	it("tells the administrator's file and command what it signed", async () => {
		const { uri } = database();
		const folder = temporaryFolder();
		const checkpointFile = join(folder, "second.checkpoints");
		const told = join(folder, "told");
		const { audit, close } = await openTestAudit({ uri, dataDir: temporaryFolder(), checkpointFile, checkpointCommand: `cat > ${told}` });
		await record(audit, 3);
		await close();
		expect(readFileSync(checkpointFile, "utf8")).toContain('"sequence":3');
		await eventually(() => expect(readFileSync(told, "utf8")).toMatch(/"head":.* [0-9a-f]{64}\n$/), SOON);
	});
});
