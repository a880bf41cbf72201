/** What every audit log must do, whatever it is kept in. */
import { afterEach, describe, expect, it } from "@jest/globals";
import type { AuditEntry, AuditLog } from "../../src/audit/port.js";
import type { Clock } from "../../src/core/clock.js";
import { DAY_MS, HOUR_MS } from "../../src/core/clock.js";
import { forward, frozenClock, intentOf, outcomeOf } from "../testkit/calls.js";
import { eventually } from "../testkit/eventually.js";
import { codeOf } from "../testkit/promises.js";

export interface AuditHarness {
	/** Opens the same log again when called again; what was open before is closed first. */
	open(options?: { readonly clock?: Clock; readonly keepDays?: number; readonly ownedTickets?: readonly string[] }): Promise<AuditLog>;
	close(): Promise<void>;
}

async function record(
	audit: AuditLog,
	user: string,
	change: Parameters<typeof intentOf>[1] = {},
	outcome: Parameters<typeof outcomeOf>[0] = {},
) {
	const ticket = await audit.begin(intentOf(user, change));
	await audit.end(ticket, outcomeOf(outcome));
	return ticket;
}

async function all(audit: AuditLog): Promise<AuditEntry[]> {
	return (await audit.page({}, forward(200))).items.map(({ node }) => node);
}

export function auditContract(name: string, makeHarness: () => AuditHarness): void {
	describe(`the audit log, ${name}`, () => {
		let harness: AuditHarness;
		async function opened(options?: Parameters<AuditHarness["open"]>[0]): Promise<AuditLog> {
			harness = makeHarness();
			return harness.open(options);
		}
		afterEach(() => harness.close());

		it("holds one entry for an operation, with what was asked and what became of it", async () => {
			const audit = await opened();
			const ticket = await audit.begin(intentOf("alice", { startedAt: 1_000_000 }));
			expect(await all(audit)).toEqual([]);
			await audit.end(ticket, outcomeOf({ details: { deletedEntries: 3 }, jobId: "j1", finishedAt: 1_000_250 }));
			const [entry, ...others] = await all(audit);
			expect(others).toEqual([]);
			expect(entry).toMatchObject({
				userId: "alice",
				username: "alice",
				origin: "GRAPHQL",
				actionType: "cache_operation",
				action: "cleanup",
				details: { olderThanDays: 7, deletedEntries: 3 },
				success: true,
				errorCode: null,
				errorMessage: null,
				durationMs: 250,
				ipAddress: "192.0.2.7",
				userAgent: "test",
				requestId: "request-of-alice",
				jobId: "j1",
				timestamp: 1_000_000,
				sequence: 1,
			});
			expect(entry?.id).toMatch(/^a[a-z0-9]+$/);
			expect(entry?.hash).toMatch(/^[0-9a-f]{64}$/);
			expect(await audit.get(entry?.id as string)).toEqual(entry);
			expect(await audit.get("a0")).toBeNull();
		});

		it("keeps why an operation failed", async () => {
			const audit = await opened();
			await record(audit, "bob", {}, { success: false, error: { code: "FORBIDDEN", said: { key: "error.forbidden", facts: {} } } });
			expect((await all(audit))[0]).toMatchObject({
				success: false,
				errorCode: "FORBIDDEN",
				errorMessage: { key: "error.forbidden", facts: {} },
			});
		});

		it("is not changed by a second end of the same ticket, nor by the end of one that was withdrawn", async () => {
			const audit = await opened();
			const ticket = await record(audit, "alice");
			await audit.end(ticket, outcomeOf({ success: false }));
			const withdrawn = await audit.begin(intentOf("alice"));
			await audit.withdraw(withdrawn);
			await audit.end(withdrawn, outcomeOf());
			expect((await all(audit)).map(({ success }) => success)).toEqual([true]);
		});

		it("pages newest first, forward and backward, with the total and what lies beyond", async () => {
			const audit = await opened();
			for (let i = 1; i <= 7; i++) await record(audit, "alice", { details: { i } });
			const first = await audit.page({}, forward(3));
			expect(first.items.map(({ node }) => node.sequence)).toEqual([7, 6, 5]);
			expect(first).toMatchObject({ hasNextPage: true, hasPreviousPage: false, totalCount: 7 });
			const second = await audit.page({}, forward(3, first.items.at(-1)?.cursor));
			expect(second.items.map(({ node }) => node.sequence)).toEqual([4, 3, 2]);
			expect(second).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
			const last = await audit.page({}, { direction: "backward", limit: 3, cursor: null });
			expect(last.items.map(({ node }) => node.sequence)).toEqual([3, 2, 1]);
			expect(last).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
			const before = await audit.page({}, { direction: "backward", limit: 2, cursor: last.items[0]?.cursor as string });
			expect(before.items.map(({ node }) => node.sequence)).toEqual([5, 4]);
			expect(before).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
			expect(await codeOf(audit.page({}, forward(3, "nonsense")))).toBe("BAD_USER_INPUT");
		});

		it("is filtered by user, type, success, time, job and keyword", async () => {
			const audit = await opened();
			const at = 1_700_000_000_000;
			await record(audit, "alice", { startedAt: at, details: { symbols: ["BRK.B"], note: "清理旧缓存" } }, { jobId: "j1" });
			await record(audit, "bob", { startedAt: at + 1000, actionType: "config_management", action: "updateModelConfig" });
			const failure = {
				code: "PERMISSION_DENIED",
				said: { key: "error.permissionDenied", facts: { path: "us_stocks/A%B_c.csv" } },
			} as const;
			await record(audit, "Carol", { startedAt: at + 2000, details: {} }, { success: false, error: failure });
			async function users(filter: Parameters<AuditLog["page"]>[0]): Promise<string[]> {
				const page = await audit.page(filter, forward(10));
				expect(page.totalCount).toBe(page.items.length);
				return page.items.map(({ node }) => node.userId).reverse();
			}
			expect(await users({ userId: "bob" })).toEqual(["bob"]);
			expect(await users({ actionTypes: ["config_management", "data_import"] })).toEqual(["bob"]);
			expect(await users({ actionTypes: [] })).toEqual([]);
			expect(await users({ success: false })).toEqual(["Carol"]);
			expect(await users({ since: at + 1000 })).toEqual(["bob", "Carol"]);
			expect(await users({ since: at, until: at + 999 })).toEqual(["alice"]);
			expect(await users({ jobId: "j1" })).toEqual(["alice"]);
			expect(await users({ foreign: true })).toEqual([]);
			expect(await users({ foreign: false })).toHaveLength(3);
			for (const keyword of ["brk.b", "K.", "旧缓存", "旧缓", "旧"])
				expect([keyword, await users({ keyword })]).toEqual([keyword, ["alice"]]);
			expect(await users({ keyword: "MODELconfig" })).toEqual(["bob"]);
			expect(await users({ keyword: "carol" })).toEqual(["Carol"]);
			expect(await users({ keyword: "a%b_C" })).toEqual(["Carol"]);
			expect(await users({ keyword: "没有删除" })).toEqual(["Carol"]);
			expect(await users({ keyword: '"' })).toEqual(["alice", "bob"]);
			expect(await users({ keyword: '" OR "bob' })).toEqual([]);
			expect(await users({ keyword: "旧旧" })).toEqual([]);
			expect(await users({ keyword: "alice", success: false })).toEqual([]);
		});

		it("never holds tokens, passwords and secrets", async () => {
			const audit = await opened();
			const details = {
				apiKey: "k-12345678",
				headers: { Authorization: "Bearer abc.def.ghi-jkl" },
				list: [{ password: "hunter22" }],
				url: "redis://user:hunter22@cache:6379/0",
				said: "sent Bearer abcdefghijklmnop with it",
				jwt: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
				kept: "symbol BRK.B",
			};
			await record(audit, "alice", { details }, { details: { client_secret: "hunter22" } });
			const text = JSON.stringify(await all(audit));
			for (const secret of ["k-12345678", "abc.def", "hunter22", "abcdefghijklmnop", "eyJ"]) expect(text).not.toContain(secret);
			expect(text).toContain("symbol BRK.B");
			expect(text).toContain("cache:6379");
		});

		it("counts by outcome, by type, and by the hour in the zone that was asked for", async () => {
			const audit = await opened();
			const noon = Date.UTC(2026, 2, 1, 12, 10);
			await record(audit, "alice", { startedAt: noon });
			await record(audit, "alice", { startedAt: noon + HOUR_MS }, { success: false });
			await record(audit, "bob", { startedAt: noon, actionType: "data_import" });
			const stats = await audit.stats({}, "UTC");
			expect(stats).toMatchObject({ total: 3, succeeded: 2, failed: 1 });
			expect(stats.byActionType).toEqual([
				{ actionType: "cache_operation", count: 2 },
				{ actionType: "data_import", count: 1 },
			]);
			expect(stats.byHour).toHaveLength(24);
			expect(stats.byHour[12]).toEqual({ hour: 12, count: 2 });
			expect((await audit.stats({}, "Asia/Shanghai")).byHour[21]).toEqual({ hour: 21, count: 1 });
			expect((await audit.stats({}, "Asia/Kathmandu")).byHour[17]).toEqual({ hour: 17, count: 2 });
			expect((await audit.stats({ userId: "bob" }, "UTC")).total).toBe(1);
			expect(await codeOf(audit.stats({}, "Mars/Olympus"))).toBe("BAD_USER_INPUT");
		});

		it("announces each entry once and in order while 256 callers write, and can be read on from any cursor", async () => {
			const audit = await opened();
			const empty = await audit.page({}, forward(1));
			expect(empty.liveCursor).toBe(await audit.head());
			const heard: (number | null)[] = [];
			const stop = audit.onAppended(({ entry }) => heard.push(entry.sequence));
			await Promise.all(Array.from({ length: 256 }, (_, i) => record(audit, `user${i}`)));
			const expected = Array.from({ length: 256 }, (_, i) => i + 1);
			expect(heard).toEqual(expected);
			const read: { cursor: string; entry: AuditEntry }[] = [];
			for (let cursor = empty.liveCursor; ; ) {
				const items = await audit.readAfter(cursor, 100);
				if (items.length === 0) break;
				read.push(...items);
				cursor = items.at(-1)?.cursor as string;
			}
			expect(read.map(({ entry }) => entry.sequence)).toEqual(expected);
			expect(await audit.readAfter(await audit.head(), 10)).toEqual([]);
			stop();
			await record(audit, "late");
			expect(heard).toHaveLength(256);
			expect(await codeOf(audit.readAfter("nonsense", 10))).toBe("BAD_USER_INPUT");
			const verified = await audit.verify({ since: null, until: null });
			expect(verified).toEqual({ checked: 257, problems: [] });
		});

		it("goes on where it stopped when it is opened again, and records what was cut short as INTERRUPTED", async () => {
			let audit = await opened();
			await record(audit, "alice");
			const cursor = await audit.head();
			await audit.begin(intentOf("bob"));
			const owned = await audit.begin(intentOf("carol"));
			audit = await harness.open({ ownedTickets: [owned] });
			const [item, ...others] = await audit.readAfter(cursor, 10);
			expect(others).toEqual([]);
			expect(item?.entry).toMatchObject({ userId: "bob", success: false, errorCode: "INTERRUPTED", durationMs: null, sequence: 2 });
			await audit.end(owned, outcomeOf());
			expect((await all(audit)).map(({ userId }) => userId)).toEqual(["carol", "bob", "alice"]);
			expect((await audit.verify({ since: null, until: null })).problems).toEqual([]);
		});

		it("forgets what is older than it keeps, stays valid, and says so to a cursor from before", async () => {
			const clock = frozenClock();
			const soon = { withinMs: 5000 };
			let audit = await opened({ clock, keepDays: 2 });
			const start = await audit.head();
			for (let i = 0; i < 3; i++) await record(audit, "old", { startedAt: clock.now() });
			const old = await audit.head();
			clock.advance(3 * DAY_MS);
			await record(audit, "new", { startedAt: clock.now() });
			audit = await harness.open({ clock, keepDays: 2 });
			await eventually(
				async () => expect((await all(audit)).map(({ userId, sequence }) => [userId, sequence])).toEqual([["new", 4]]),
				soon,
			);
			expect(await codeOf(audit.readAfter(start, 10))).toBe("CURSOR_EXPIRED");
			expect((await audit.readAfter(old, 10)).map(({ entry }) => entry.userId)).toEqual(["new"]);
			expect(await audit.verify({ since: null, until: null })).toEqual({ checked: 1, problems: [] });
			clock.advance(30 * DAY_MS);
			audit = await harness.open({ clock, keepDays: 2 });
			await eventually(async () => expect(await all(audit)).toEqual([]), soon);
			expect((await audit.verify({ since: null, until: null })).problems).toEqual([]);
			const head = await audit.head();
			await record(audit, "later", { startedAt: clock.now() });
			expect((await audit.readAfter(head, 10)).map(({ entry }) => entry.sequence)).toEqual([5]);
			expect((await audit.verify({ since: null, until: null })).problems).toEqual([]);
		});

		it("verifies the part of it that was asked for", async () => {
			const audit = await opened();
			for (let i = 0; i < 5; i++) await record(audit, "alice", { startedAt: 1000 * i });
			expect(await audit.verify({ since: 1000, until: 3000 })).toEqual({ checked: 3, problems: [] });
			expect(await audit.verify({ since: 9000, until: null })).toEqual({ checked: 0, problems: [] });
		});
	});
}
