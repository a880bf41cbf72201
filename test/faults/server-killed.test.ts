import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../testkit/eventually.js";
import { filesOf, keysCachedBefore } from "../testkit/independent-count.js";
import { startServer, type TestServer } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { generateTree, keyOf } from "../testkit/tree.js";

const SOAK = process.env.SOAK === "1";
const KILLS = SOAK ? 20 : 3;
const ENTRIES = SOAK ? 100_000 : 4_000;
const TIMEOUT_MS = SOAK ? 3_600_000 : 240_000;
/** About as long as the cleanup takes: kills fall before, into and after it. */
const SPREAD_MS = SOAK ? 12_000 : 600;
const WEEK_MS = 7 * 86_400_000;

interface JobState {
	readonly job: {
		readonly status: string;
		readonly createdAt: string;
		readonly attempts: number;
		readonly progress: {
			readonly deletedEntries: number;
			readonly failedEntries: number;
			readonly skippedEntries: number;
			readonly total: number;
		};
	};
}
interface AuditPage {
	readonly auditLog: {
		readonly liveCursor: string;
		readonly totalCount: number;
		readonly nodes: readonly { readonly id: string; readonly sequence: number; readonly jobId: string | null }[];
	};
}
interface Added {
	readonly auditLogAdded: { readonly cursor: string; readonly node: { readonly id: string; readonly sequence: number } };
}
const LOG =
	"query ($first: Int, $job: ID) { auditLog(first: $first, filter: { jobId: $job }) { liveCursor totalCount nodes { id sequence jobId } } }";

describe("A server that is killed in the middle of a cleanup", () => {
	let server: TestServer | undefined;
	afterEach(async () => {
		await server?.stop("SIGKILL");
		server = undefined;
	});

	it(
		`finishes the job at the next start, counts once, leaves nothing half, and its log is followed without gap or repeat (${KILLS} kills)`,
		async () => {
			const root = temporaryFolder();
			const environment = { CACHE_DIR: root, DATA_DIR: temporaryFolder(), LOG_LEVEL: "warn" };
			const followed: string[] = [];
			let cursor: string | undefined;
			for (let kill = 1; kill <= KILLS; kill++) {
				// Each cleanup has the same work to do, however many came before.
				for (const folder of readdirSync(root)) rmSync(join(root, folder), { recursive: true });
				generateTree(root, ENTRIES, kill);
				server = await startServer(environment);
				cursor ??= (await server.query<AuditPage>(LOG, { first: 1 })).data.auditLog.liveCursor;
				await server.query("{ cacheStats(fresh: true) { totalEntries } }");
				const before = new Set(filesOf(root).map(keyOf));
				const accepted = await server.query<{ cleanup: { job: { id: string } } }>(
					"mutation { cleanup(input: { olderThanDays: 7 }) { job { id } } }",
				);
				const { id } = accepted.data.cleanup.job;
				await once(AbortSignal.timeout(Math.floor(Math.random() * SPREAD_MS)), "abort");
				await server.stop("SIGKILL");

				server = await startServer(environment);
				const again = server;
				const { job } = await eventually(
					async () => {
						const { data } = await again.query<JobState>(
							"query ($id: ID!) { job(id: $id) { status createdAt attempts progress { deletedEntries failedEntries skippedEntries total } } }",
							{ id },
						);
						expect(["QUEUED", "RUNNING"]).not.toContain(data.job.status);
						return data;
					},
					{ withinMs: 120_000, everyMs: 100 },
				);
				expect(job.status).toBe("SUCCEEDED");
				const left = filesOf(root);
				const kept = new Set(left.map(keyOf));
				expect(left.length).toBe(2 * kept.size);
				expect(job.progress).toMatchObject({ deletedEntries: before.size - kept.size, failedEntries: 0, skippedEntries: 0 });
				expect(keysCachedBefore(root, new Date(Date.parse(job.createdAt) - WEEK_MS))).toEqual([]);

				const log = await again.query<AuditPage>(LOG, { first: 10, job: id });
				expect(log.data.auditLog.nodes).toHaveLength(1);
				const verified = await again.query<{ auditVerify: { valid: boolean; checked: number } }>("{ auditVerify { valid checked } }");
				expect(verified.data.auditVerify).toMatchObject({ valid: true });

				const entries = verified.data.auditVerify.checked - followed.length;
				for await (const { auditLogAdded } of again.subscribe<Added>(
					"subscription ($after: String) { auditLogAdded(after: $after) { cursor node { id sequence } } }",
					{ after: cursor },
				)) {
					followed.push(auditLogAdded.node.id);
					cursor = auditLogAdded.cursor;
					if (followed.length === verified.data.auditVerify.checked) break;
				}
				expect(entries).toBeGreaterThan(0);
				await server.stop();
			}
			server = await startServer(environment);
			const all = await server.query<AuditPage>(LOG, { first: 200 });
			expect(all.data.auditLog.nodes.map((entry) => entry.id).reverse()).toEqual(followed);
			expect(all.data.auditLog.totalCount).toBe(followed.length);
		},
		TIMEOUT_MS,
	);
});
