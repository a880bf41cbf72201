import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { auditChecks } from "../../src/cli/doctor/audit.js";
import { callCommand } from "../testkit/cli.js";
import { freePort } from "../testkit/free-port.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";
import { temporaryFolder } from "../testkit/temporary.js";

interface Report {
	readonly checks: readonly { readonly id: string; readonly level: string; readonly message: string; readonly remedy: string | null }[];
}

const user = { name: "warden", password: "p@ss:w/rd" };
let standalone: TestMongodb;
beforeAll(async () => {
	standalone = await startMongodb({ members: 0, user });
});
afterAll(() => standalone.stop());

let env: Record<string, string>;
beforeEach(() => {
	env = { CACHE_DIR: temporaryFolder(), DATA_DIR: join(temporaryFolder(), "state"), CACHE_TIMEZONE: "UTC", PORT: "0" };
});

async function findings(given: Record<string, string>) {
	const { code, out } = await callCommand(["doctor", "--json"], { env: { ...env, ...given } });
	expect(out).not.toContain("p@ss");
	const { checks } = JSON.parse(out) as Report;
	return { code, out, checks: checks.filter(({ id }) => id.startsWith("audit")) };
}

describe("doctor, on the audit log's MongoDB", () => {
	it("says that one without replica set is live by polling only, and how to make it one", async () => {
		const uri = standalone.newDatabase().uri.replace("?", "?authSource=admin&");
		const { checks } = await findings({ AUDIT_MONGODB_URI: uri });
		expect(checks).toMatchObject([
			{ id: "audit", level: "ok", message: expect.stringMatching(/^the audit log's MongoDB \d+\.\d+\.\d+ answers at mongodb:/) },
			{ id: "audit:changes", level: "warning", remedy: expect.stringContaining("rs.initiate()") },
		]);
	});

	it("names a wrong password, in the setting where it stands, without showing it", async () => {
		const uri = standalone.uri.replace(encodeURIComponent(user.password), "another-password");
		const { code, checks, out } = await findings({ AUDIT_MONGODB_URI: uri });
		expect(checks).toMatchObject([{ id: "audit", level: "fault", remedy: expect.stringContaining("AUDIT_MONGODB_URI") }]);
		expect(out).not.toContain("another-password");
		expect(code).toBe(1);
	});

	it("names a server that cannot be reached, and what is going to happen meanwhile", async () => {
		const { code, checks } = await findings({ AUDIT_MONGODB_URI: `mongodb://127.0.0.1:${await freePort()}` });
		expect(checks).toMatchObject([{ id: "audit", level: "fault", message: expect.stringMatching(/ECONNREFUSED.*spool/) }]);
		expect(checks[0]?.remedy).toContain("AUDIT_MONGODB_URI");
		expect(code).toBe(1);
	});

	it("says what waits in the spool, and what MongoDB refused", async () => {
		mkdirSync(env.DATA_DIR as string);
		appendFileSync(join(env.DATA_DIR as string, "audit.spool"), "a line\n");
		appendFileSync(join(env.DATA_DIR as string, "audit.spool.refused"), "a line\n");
		const { checks } = await findings({ AUDIT_MONGODB_URI: standalone.newDatabase().uri.replace("?", "?authSource=admin&") });
		expect(checks.slice(2)).toMatchObject([
			{ id: "audit:spool", level: "warning", message: expect.stringContaining("7 bytes") },
			{ id: "audit:refused", level: "warning", message: expect.stringContaining("audit.spool.refused") },
		]);
	});

	it("has nothing to say without MongoDB, and does not look twice at that of the layer", async () => {
		expect((await findings({})).checks).toEqual([]);
		expect((await findings({ MONGODB_URI: standalone.newDatabase().uri.replace("?", "?authSource=admin&") })).checks).toEqual([]);
	});

	it.each([
		["4.2.24", "fault"],
		["4.4.0", "ok"],
	])("takes MongoDB %s for: %s", (version, level) => {
		const found = { location: "mongodb://localhost/x", failure: null, version, reportsChanges: true, missingRights: [] };
		expect(auditChecks(found, "x")).toMatchObject([{ level }]);
	});
});
