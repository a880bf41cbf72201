/** A server that is killed while it takes entries into quarantine, and again while it brings them back. */
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../testkit/eventually.js";
import { filesOf } from "../testkit/independent-count.js";
import { readFieldTree } from "../testkit/metadata-reader.js";
import { startServer, type TestServer } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";
import { generateTree, keyOf } from "../testkit/tree.js";

const SOAK = process.env.SOAK === "1";
const ROUNDS = SOAK ? 20 : 1;
const ENTRIES = SOAK ? 50_000 : 2_000;
/** About as long as the work takes: kills fall before, into and after it. */
const SPREAD_MS = SOAK ? 8_000 : 500;
const OWN = ".cachewarden-quarantine";

interface State {
	readonly status: string;
	readonly progress: {
		readonly deletedEntries: number;
		readonly loadedEntries: number;
		readonly failedEntries: number;
		readonly skippedEntries: number;
	};
}

describe("A server that is killed while entries go into quarantine or come back", () => {
	let server: TestServer | undefined;
	afterEach(async () => {
		await server?.stop("SIGKILL");
		server = undefined;
	});

	it(
		`leaves no half entry: each is whole on one side, nothing is lost, and both jobs count once (${2 * ROUNDS} kills)`,
		async () => {
			const root = temporaryFolder();
			const environment = { CACHE_DIR: root, DATA_DIR: temporaryFolder(), LOG_LEVEL: "warn" };

			/** Starts it, lets somebody work, kills it at some moment, starts it again and waits for the end of what he began. */
			async function killed(document: string, field: string, variables: Record<string, unknown> = {}): Promise<State & { id: string }> {
				server ??= await startServer(environment);
				await server.query("{ cacheStats(fresh: true) { totalEntries } }");
				const { data } = await server.query<Record<string, { job: { id: string } }>>(document, variables);
				const id = data[field]?.job.id as string;
				await once(AbortSignal.timeout(Math.floor(Math.random() * SPREAD_MS)), "abort");
				await server.stop("SIGKILL");
				server = await startServer(environment);
				const again = server;
				const state = await eventually(
					async () => {
						const answer = await again.query<{ job: State }>(
							"query ($id: ID!) { job(id: $id) { status progress { deletedEntries loadedEntries failedEntries skippedEntries } } }",
							{ id },
						);
						expect(["QUEUED", "RUNNING"]).not.toContain(answer.data.job.status);
						return answer.data.job;
					},
					{ withinMs: 120_000, everyMs: 100 },
				);
				return { ...state, id };
			}

			for (let round = 1; round <= ROUNDS; round++) {
				for (const folder of readdirSync(root)) rmSync(join(root, folder), { recursive: true });
				generateTree(root, ENTRIES, round);
				const before = readFieldTree(root);
				const cleanup = await killed("mutation { cleanup(input: { olderThanDays: 7, quarantine: true }) { job { id } } }", "cleanup");
				const held = filesOf(join(root, OWN, cleanup.id, "entries"));
				const taken = new Set(held.map(keyOf));
				const kept = readFieldTree(root);
				expect(held.length).toBe(2 * taken.size);
				expect(kept.size + taken.size).toBe(before.size);
				expect([...kept.keys()].filter((key) => taken.has(key))).toEqual([]);
				expect(cleanup).toMatchObject({
					status: "SUCCEEDED",
					progress: { deletedEntries: taken.size, failedEntries: 0, skippedEntries: 0 },
				});
				const stats = await server?.query<{ cacheStats: unknown; quarantine: unknown }>(
					"{ cacheStats(fresh: true) { totalEntries } quarantine { jobId entries } }",
				);
				expect(stats?.data).toEqual({ cacheStats: { totalEntries: kept.size }, quarantine: [{ jobId: cleanup.id, entries: taken.size }] });

				const restore = await killed("mutation ($id: ID!) { restoreJob(id: $id) { job { id } } }", "restoreJob", { id: cleanup.id });
				expect(restore).toMatchObject({
					status: "SUCCEEDED",
					progress: { loadedEntries: taken.size, failedEntries: 0, skippedEntries: 0 },
				});
				expect(readFieldTree(root)).toEqual(before);
				expect(readdirSync(root, { recursive: true }).filter((path) => String(path).startsWith(OWN))).toEqual([]);
				const log = await server?.query<{ auditLog: { nodes: readonly unknown[] } }>(
					"query ($id: ID) { auditLog(filter: { jobId: $id }) { nodes { action success origin } } }",
					{ id: restore.id },
				);
				expect(log?.data.auditLog.nodes).toEqual([{ action: "restoreJob", success: true, origin: "GRAPHQL" }]);
			}
		},
		SOAK ? 3_600_000 : 180_000,
	);
});
