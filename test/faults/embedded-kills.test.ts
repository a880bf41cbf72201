/** Q11 and the kills of Q1 and Q2 on the embedded engine: processes get SIGKILL while they delete real files. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { progressTotals } from "../../src/core/job.js";
import { openEmbedded } from "../testkit/embedded.js";
import { killAll, type Lines, linesOf } from "../testkit/lines-of.js";
import { temporaryFolder } from "../testkit/temporary.js";

const SOAK = process.env.SOAK === "1";
const KILLS = SOAK ? 20 : 3;
const FILES = SOAK ? 5000 : 600;
const BYTES = 10;

interface Line {
	readonly job?: { readonly id: string; readonly status: string; readonly sequence: number; readonly deletedEntries: number };
	readonly heard?: { readonly cursor: string; readonly id: string };
	readonly removed?: number;
	readonly cacheDir?: string;
	readonly ended?: string;
}

describe("an embedded server that is killed", () => {
	afterEach(() => killAll());

	function filled(): string {
		const cacheDir = temporaryFolder();
		for (let i = 0; i < FILES; i++) writeFileSync(join(cacheDir, `entry${String(i).padStart(5, "0")}`), "x".repeat(BYTES));
		return cacheDir;
	}

	function child(dataDir: string, cacheDir: string, cursor: string, operations: number, ...more: string[]): Lines<Line> {
		return linesOf<Line>("embedded-child.ts", [dataDir, cacheDir, cursor, String(operations), ...more]);
	}

	/** Kills it at a random moment of its newest job, mostly within a batch. */
	async function killSomewhere(running: Lines<Line>, cacheDir: string): Promise<void> {
		const after = Math.floor(Math.random() * (FILES / 5) * 0.9);
		let seen = 0;
		await running.line((line) => {
			if (line.removed !== undefined && line.cacheDir === cacheDir) seen++;
			return seen > after || line.ended !== undefined;
		});
		running.process.kill("SIGKILL");
		expect(["SIGKILL", 0]).toContain(await running.ended);
	}

	function cursorOf({ lines }: Lines<Line>, before: string): string {
		return lines.findLast(({ heard }) => heard !== undefined)?.heard?.cursor ?? before;
	}

	it("finishes its jobs at the next start, counts each entry once, and its followers miss and repeat nothing", async () => {
		const dataDir = temporaryFolder();
		const lines: Line[] = [];
		const folders: string[] = [];
		let cursor = "";
		for (let start = 0; start <= KILLS; start++) {
			const cacheDir = filled();
			folders.push(cacheDir);
			const running = child(dataDir, cacheDir, cursor, 300);
			if (start < KILLS) await killSomewhere(running, cacheDir);
			else expect([await running.ended, running.lines.at(-1)]).toEqual([0, { ended: "SUCCEEDED" }]);
			lines.push(...running.lines);
			cursor = cursorOf(running, cursor);
		}
		for (const folder of folders) expect(readdirSync(folder)).toEqual([]);

		const { jobs, audit, history, close } = await openEmbedded({ dataDir });
		try {
			const list = await jobs.list({}, { direction: "backward", limit: 100, cursor: null });
			expect(list.items.map(({ node }) => node.status)).toEqual(folders.map(() => "SUCCEEDED"));
			// A kill may come a moment too late for its job, but not each time.
			expect(list.items.map(({ node }) => node.attempts)).toContain(2);
			for (const { node } of list.items) {
				expect(progressTotals(node)).toMatchObject({
					deletedEntries: FILES,
					freedBytes: FILES * BYTES,
					failedEntries: 0,
					skippedEntries: 0,
				});
				const entries = await audit.page({ jobId: node.id }, { direction: "forward", limit: 5, cursor: null });
				const expected = expect.objectContaining({ deletedEntries: FILES, freedBytes: FILES * BYTES });
				expect(entries.items.map((item) => item.node.details)).toEqual([expected]);
				const states = lines.flatMap(({ job }) => (job?.id === node.id ? job : []));
				const sequences = states.map(({ sequence }) => sequence);
				expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
				const deleted = states.map(({ deletedEntries }) => deletedEntries);
				expect(deleted).toEqual([...deleted].sort((a, b) => a - b));
			}
			await history.record({ at: Date.now(), totalEntries: 0, totalBytes: 0, byType: [], hits: null, misses: null });
			const days = await history.points(0, Date.now(), "DAY");
			expect(days.reduce((sum, { deletedEntries }) => sum + deletedEntries, 0)).toBe((KILLS + 1) * FILES);
			expect((await audit.verify({ since: null, until: null })).problems).toEqual([]);
			const logged: string[] = [];
			for (let at: string | null = null; ; ) {
				const page = await audit.page({}, { direction: "forward", limit: 200, cursor: at });
				logged.unshift(...page.items.map(({ node }) => node.id).reverse());
				at = page.items.at(-1)?.cursor ?? null;
				if (!page.hasNextPage) break;
			}
			// The last process may end before its follower wrote the newest ones down.
			const heard = lines.flatMap((line) => line.heard?.id ?? []);
			expect(heard).toEqual(logged.slice(0, heard.length));
			expect(logged.length - heard.length).toBeLessThanOrEqual(2);
		} finally {
			await close();
		}
	}, 300_000);

	it("Q2: gives a job up after its third death; it is in the audit log, and can be retried", async () => {
		const dataDir = temporaryFolder();
		const cacheDir = filled();
		for (let death = 0; death < 3; death++) {
			const running = child(dataDir, cacheDir, "", 0);
			await running.line(({ job }) => job?.status === "RUNNING" && job.deletedEntries > death * 100);
			running.process.kill("SIGKILL");
			await running.ended;
		}
		const { jobs, audit, close } = await openEmbedded({ dataDir });
		let sequence: number;
		try {
			const [item] = (await jobs.list({}, { direction: "forward", limit: 5, cursor: null })).items;
			expect(item?.node).toMatchObject({ status: "FAILED", attempts: 3, error: { code: "INTERRUPTED" } });
			sequence = item?.node.progress.sequence ?? 0;
			const entries = await audit.page({ jobId: item?.node.id as string }, { direction: "forward", limit: 5, cursor: null });
			expect(entries.items.map(({ node }) => [node.success, node.errorCode])).toEqual([[false, "INTERRUPTED"]]);
		} finally {
			await close();
		}
		const retried = child(dataDir, cacheDir, "", 0, "retry");
		expect(await retried.ended).toBe(0);
		expect(retried.lines.at(-1)).toEqual({ ended: "SUCCEEDED" });
		const states = retried.lines.flatMap(({ job }) => job ?? []);
		expect(states[0]?.sequence).toBeGreaterThan(sequence);
		expect(readdirSync(cacheDir)).toEqual([]);
	}, 120_000);
});
