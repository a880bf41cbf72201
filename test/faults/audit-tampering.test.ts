/** A3: the log's file is changed by another program; verification names what it did. */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import Database from "libsql";
import type { AuditProblem } from "../../src/audit/port.js";
import { intentOf, outcomeOf } from "../testkit/calls.js";
import { type Embedded, openEmbedded } from "../testkit/embedded.js";
import { temporaryFolder } from "../testkit/temporary.js";

const ENTRIES = 20;

describe("an audit log that somebody changes from outside", () => {
	let dataDir: string;
	let embedded: Embedded | null = null;

	async function closed(): Promise<void> {
		await embedded?.close();
		embedded = null;
	}

	async function opened(secret?: string): Promise<Embedded> {
		await closed();
		embedded = await openEmbedded({ dataDir, ...(secret === undefined ? {} : { secret }) });
		return embedded;
	}

	async function record(count: number): Promise<void> {
		for (let i = 0; i < count; i++) {
			const ticket = await (embedded as Embedded).audit.begin(intentOf("alice", { details: { i } }));
			await (embedded as Embedded).audit.end(ticket, outcomeOf());
		}
	}

	/** Another program opens the same file while the server runs. */
	function outside(sql: string): void {
		const file = new Database(join(dataDir, "store.db"), { timeout: 5 });
		file.exec(sql);
		file.close();
	}

	function idOf(sequence: number): string {
		const file = new Database(join(dataDir, "store.db"));
		const [row] = file.prepare("SELECT id FROM audit_entries WHERE sequence = ?").all([sequence]) as { id: string }[];
		file.close();
		return row?.id as string;
	}

	async function problems(): Promise<readonly Pick<AuditProblem, "kind" | "sequence" | "entryId">[]> {
		const verified = await (embedded as Embedded).audit.verify({ since: null, until: null });
		return verified.problems.map(({ kind, sequence, entryId }) => ({ kind, sequence, entryId }));
	}

	beforeEach(async () => {
		dataDir = temporaryFolder();
		await opened();
		await record(ENTRIES);
		expect(await problems()).toEqual([]);
	});

	afterEach(() => closed());

	it.each([
		["the user's name", "username = 'mallory'"],
		["the outcome", "success = 0"],
		["the details", `details = '{"i":99}'`],
		["the time", "timestamp = timestamp - 1"],
		["the hash", `hash = '${"0".repeat(64)}'`],
		["details to something that is no JSON", "details = 'x'"],
	])("names an entry of which %s was edited", async (_what, change) => {
		outside(`UPDATE audit_entries SET ${change} WHERE sequence = 7`);
		expect(await problems()).toEqual([{ kind: "EDITED", sequence: 7, entryId: idOf(7) }]);
		await opened();
		expect(await problems()).toEqual([{ kind: "EDITED", sequence: 7, entryId: idOf(7) }]);
	});

	it("names an edited first and last entry", async () => {
		outside("UPDATE audit_entries SET action = 'clear' WHERE sequence IN (1, 20)");
		expect(await problems()).toEqual([
			{ kind: "EDITED", sequence: 1, entryId: idOf(1) },
			{ kind: "EDITED", sequence: 20, entryId: idOf(20) },
		]);
	});

	it("names entries that were deleted, in runs", async () => {
		outside("DELETE FROM audit_entries WHERE sequence IN (1, 5, 9, 10, 11)");
		expect(await problems()).toEqual([
			{ kind: "MISSING", sequence: 1, entryId: null },
			{ kind: "MISSING", sequence: 5, entryId: null },
			{ kind: "MISSING", sequence: 9, entryId: null },
		]);
	});

	it("tells an edited entry from a deleted one beside it", async () => {
		outside("UPDATE audit_entries SET user_id = 'x' WHERE sequence = 6; DELETE FROM audit_entries WHERE sequence = 7");
		expect(await problems()).toEqual(
			expect.arrayContaining([
				{ kind: "EDITED", sequence: 6, entryId: idOf(6) },
				{ kind: "MISSING", sequence: 7, entryId: null },
			]),
		);
		expect(await problems()).toHaveLength(2);
	});

	it("names an entry that was put behind the last one, also after the log went on", async () => {
		const copy = `INSERT INTO audit_entries SELECT sequence + 1, 'aforged', user_id, username, session_id, origin, action_type, action,
			details, success, error_code, error_message, duration_ms, ip_address, user_agent, request_id, job_id, timestamp, hash, hash
			FROM audit_entries WHERE sequence = ${ENTRIES}`;
		outside(copy);
		const forged = { kind: "INSERTED", sequence: ENTRIES + 1, entryId: "aforged" };
		expect(await problems()).toEqual([forged]);
		await record(3);
		expect(await problems()).toEqual([forged]);
	});

	it("names an inserted entry also when it was there before the log was opened", async () => {
		outside(`INSERT INTO audit_entries SELECT 500, 'aforged', user_id, username, session_id, origin, action_type, action, details, success,
			error_code, error_message, duration_ms, ip_address, user_agent, request_id, job_id, timestamp, previous_hash, hash
			FROM audit_entries WHERE sequence = 3`);
		await opened();
		await record(2);
		expect(await problems()).toEqual([{ kind: "INSERTED", sequence: 500, entryId: "aforged" }]);
	});

	it("sees a cut tail although what is left is whole, also after the log went on", async () => {
		const last = idOf(ENTRIES);
		outside(`DELETE FROM audit_entries WHERE sequence = ${ENTRIES}`);
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: ENTRIES, entryId: last }]);
		outside("DELETE FROM audit_entries WHERE sequence > 15");
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: 16, entryId: null }]);
		await opened();
		expect(embedded?.logged.join()).toContain("missing from the end");
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: 16, entryId: null }]);
		await record(2);
		expect(await problems()).toEqual([{ kind: "MISSING", sequence: 16, entryId: null }]);
	});

	it("sees that the whole log was emptied", async () => {
		outside("DELETE FROM audit_entries");
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: 1, entryId: null }]);
	});

	it("sees a store that was put back to an older copy", async () => {
		await closed();
		copyFileSync(join(dataDir, "store.db"), join(dataDir, "copy.db"));
		await opened();
		await record(5);
		await closed();
		for (const name of ["store.db-wal", "store.db-shm"]) rmSync(join(dataDir, name), { force: true });
		copyFileSync(join(dataDir, "copy.db"), join(dataDir, "store.db"));
		await opened();
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: ENTRIES + 1, entryId: null }]);
	});

	it("says that checkpoints were removed or changed, and keeps saying it", async () => {
		const checkpoints = join(dataDir, "audit.checkpoints");
		await closed();
		const kept = readFileSync(checkpoints, "utf8");
		rmSync(checkpoints);
		await opened();
		await record(1);
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: ENTRIES, entryId: null }]);
		await opened();
		expect(await problems()).toEqual([{ kind: "TAIL_CUT", sequence: ENTRIES, entryId: null }]);
		writeFileSync(checkpoints, kept.replaceAll(`"sequence":${ENTRIES}`, `"sequence":${ENTRIES - 1}`));
		expect(await problems()).toContainEqual({ kind: "EDITED", sequence: null, entryId: null });
	});

	it("trusts no entry under another secret, and keeps the checkpoints of the first", async () => {
		await opened("another secret");
		const named = new Set((await problems()).map(({ entryId }) => entryId));
		for (let sequence = 1; sequence <= ENTRIES; sequence++) expect(named).toContain(idOf(sequence));
		expect(readdirSync(dataDir).filter((name) => name.startsWith("audit.checkpoints.rejected"))).toHaveLength(1);
	});
});
