import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import Database from "libsql";
import { openEmbeddedPlans } from "../../src/plans/embedded.js";
import { loadOrCreateSecret } from "../../src/store/secret-file.js";
import { sortableId } from "../../src/store/sortable-id.js";
import { openStore, type Store } from "../../src/store/store.js";
import { intentOf } from "../testkit/calls.js";
import { openEmbedded } from "../testkit/embedded.js";
import { temporaryFolder } from "../testkit/temporary.js";

describe("the embedded store", () => {
	let dataDir: string;
	let store: Store | null = null;
	beforeEach(() => {
		dataDir = temporaryFolder();
	});
	afterEach(async () => {
		await store?.close();
		store = null;
	});

	it("keeps its files to this user", async () => {
		const { audit, close } = await openEmbedded({ dataDir: join(dataDir, "new") });
		await audit.begin(intentOf("alice"));
		for (const name of ["store.db", "store.db-wal", "audit.checkpoints"])
			expect([name, statSync(join(dataDir, "new", name)).mode & 0o777]).toEqual([name, 0o600]);
		expect(statSync(join(dataDir, "new")).mode & 0o777).toBe(0o700);
		await close();
	});

	it("undoes a refused call and none of those that shared its transaction", async () => {
		store = await openStore({ dataDir, warn: () => undefined });
		const plans = await openEmbeddedPlans({ store, clock: { now: () => 0 } });
		const plan = { userId: "alice", kind: "CLEANUP", selection: {}, epoch: "e", createdAt: 0, expiresAt: 1000 } as const;
		const saved = await Promise.allSettled(["a", "b", "a", "c"].map((id) => plans.save({ ...plan, id })));
		expect(saved.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
		expect(await Promise.all(["a", "b", "c"].map(async (id) => (await plans.find(id))?.id))).toEqual(["a", "b", "c"]);
	});

	it("does what was asked of it before it was closed, and refuses what comes later", async () => {
		const { audit, store: closing } = await openEmbedded({ dataDir, start: false });
		const asked = Array.from({ length: 50 }, () => audit.begin(intentOf("alice")));
		const closed = closing.close();
		await expect(audit.begin(intentOf("late"))).rejects.toMatchObject({ code: "AUDIT_UNAVAILABLE" });
		await closed;
		await Promise.all(asked);
		const again = await openEmbedded({ dataDir });
		const page = await again.audit.page({}, { direction: "forward", limit: 1, cursor: null });
		expect(page.totalCount).toBe(50);
		await again.close();
	});

	it("refuses a file that a newer program wrote", async () => {
		await (await openEmbedded({ dataDir })).close();
		const file = new Database(join(dataDir, "store.db"));
		file.exec("UPDATE schema_versions SET version = 99 WHERE module = 'audit'");
		file.close();
		await expect(openEmbedded({ dataDir })).rejects.toThrow(/version 99.*newer program/);
	});

	it("does not take a damaged file for an empty one", async () => {
		writeFileSync(join(dataDir, "store.db"), "this is no database, and it is long enough to be looked at as one");
		await expect(openStore({ dataDir, warn: () => undefined })).rejects.toMatchObject({ name: "StoreFailure", code: "SQLITE_NOTADB" });
		// The lock was given back.
		await expect(openStore({ dataDir, warn: () => undefined })).rejects.toMatchObject({ code: "SQLITE_NOTADB" });
	});
});

describe("a secret file", () => {
	it("is made once, for this user alone, also by processes that start together", async () => {
		const path = join(temporaryFolder(), "sub", "secret");
		const made = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateSecret(path)));
		expect(new Set(made.map(({ secret }) => secret)).size).toBe(1);
		expect(made.filter(({ created }) => created)).toHaveLength(1);
		expect(made[0]?.secret).toMatch(/^[\w-]{43}$/);
		expect(statSync(path).mode & 0o777).toBe(0o600);
		expect(await loadOrCreateSecret(path)).toEqual({ secret: made[0]?.secret, created: false });
	});

	it("is not replaced when it is empty", async () => {
		const path = join(temporaryFolder(), "secret");
		writeFileSync(path, "\n");
		await expect(loadOrCreateSecret(path)).rejects.toThrow(/is empty/);
	});
});

describe("sortable ids", () => {
	it("sort as their times do and hold nothing but lower-case letters and digits", () => {
		const ids = [0, 1, 999, 1e12, 1.8e12, 2 ** 45 - 1].map((at) => sortableId("j", at));
		expect([...ids].sort()).toEqual(ids);
		for (const id of ids) expect(id).toMatch(/^j[0-9a-z]{22}$/);
		expect(new Set(Array.from({ length: 1000 }, () => sortableId("a", 5))).size).toBe(1000);
	});
});
