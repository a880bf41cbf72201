import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { mongodbChecks } from "../../src/cli/doctor/mongodb.js";
import { loadConfig } from "../../src/config/load.js";
import { callCommand } from "../testkit/cli.js";
import { fillStocks } from "../testkit/documents.js";
import { freePort } from "../testkit/free-port.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { temporaryFolder } from "../testkit/temporary.js";

interface Report {
	readonly healthy: boolean;
	readonly checks: readonly { readonly id: string; readonly level: string; readonly message: string; readonly remedy: string | null }[];
}

const user = { name: "warden", password: "p@ss:w/rd" };
let set: TestMongodb;
let standalone: TestMongodb;
beforeAll(async () => {
	[set, standalone] = await Promise.all([startMongodb(), startMongodb({ members: 0, user })]);
});
afterAll(async () => {
	await set.stop();
	await standalone.stop();
});

let env: Record<string, string>;
beforeEach(() => {
	env = { CACHE_DIR: temporaryFolder(), DATA_DIR: join(temporaryFolder(), "state"), CACHE_TIMEZONE: "UTC", PORT: "0" };
});

async function findings(uri: string) {
	const { code, out } = await callCommand(["doctor", "--json"], { env: { ...env, MONGODB_URI: uri } });
	expect(out).not.toContain("p@ss");
	const { checks } = JSON.parse(out) as Report;
	return { code, out, checks: checks.filter(({ id }) => id.startsWith("mongodb")) };
}

describe("doctor, on the MongoDB layer", () => {
	it("finds nothing wrong with a replica set whose collections have their index", async () => {
		const { uri, db } = set.newDatabase();
		await fillStocks(db.collection("stock_data"), 3);
		await db.collection("stock_data").createIndex({ created_at: 1 });
		const { code, checks } = await findings(uri);
		expect(checks).toMatchObject([
			{ id: "mongodb", level: "ok", message: expect.stringMatching(/^MongoDB \d+\.\d+\.\d+ answers at mongodb:/) },
		]);
		expect(code).toBe(0);
	});

	it("says which collection has no index on created_at, and how to make it", async () => {
		const { uri, db } = set.newDatabase();
		await fillStocks(db.collection("stock_data"), 3);
		const { code, checks } = await findings(uri);
		expect(checks[1]).toMatchObject({ id: "mongodb:index:stock_data", level: "warning", remedy: expect.stringContaining("createIndex") });
		expect(code).toBe(0);
	});

	it("says that a standalone reports no changes, and how to make it a replica set", async () => {
		const { checks } = await findings(standalone.newDatabase().uri.replace("?", "?authSource=admin&"));
		expect(checks[1]).toMatchObject({ id: "mongodb:changes", level: "warning", remedy: expect.stringContaining("rs.initiate()") });
	});

	it("names a wrong password and its remedy, without showing it", async () => {
		const { code, checks, out } = await findings(standalone.uri.replace(encodeURIComponent(user.password), "another-password"));
		expect(checks).toMatchObject([{ id: "mongodb", level: "fault", remedy: expect.stringContaining("user and password") }]);
		expect(out).not.toContain("another-password");
		expect(code).toBe(1);
	});

	it("names the rights that a user lacks, and how to grant them", async () => {
		await standalone.client
			.db("admin")
			.command({ createUser: "reader", pwd: "reader", roles: [{ role: "read", db: "quotes" }], writeConcern: { w: 1 } });
		const { checks } = await findings(standalone.uri.replace(/\/\/.*@/, "//reader:reader@").replace("/?", "/quotes?authSource=admin&"));
		expect(checks[1]).toMatchObject({ id: "mongodb:rights", level: "fault", remedy: expect.stringContaining("readWrite") });
		expect(checks[1]?.message).toContain("stock_data: remove");
		expect(checks[1]?.message).not.toContain("stock_data: find");
	});

	it("names a server that cannot be reached", async () => {
		const { code, checks } = await findings(`mongodb://127.0.0.1:${await freePort()}`);
		expect(checks).toMatchObject([{ id: "mongodb", level: "fault", message: expect.stringContaining("ECONNREFUSED") }]);
		expect(checks[0]?.remedy).toContain("MONGODB_URI");
		expect(code).toBe(1);
	});

	it.each([
		["4.2.24", "fault"],
		["3.6.8", "fault"],
		["4.4.0", "ok"],
		["10.0.1", "ok"],
	])("takes MongoDB %s for: %s", (version, level) => {
		const config = loadConfig({ env: { ...env, MONGODB_URI: "mongodb://localhost" }, cwd: temporaryFolder() });
		const found = { location: "mongodb://localhost/x", failure: null, version, reportsChanges: true, unindexed: [], missingRights: [] };
		expect(mongodbChecks(found, config, () => "")).toMatchObject([{ level }]);
	});
});
