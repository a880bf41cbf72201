/** Changes of the model configuration through the built server: kept, refused, rolled back. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { runCommand } from "../testkit/cli.js";
import { startServer, startServerAs, type TestServer, testToken } from "../testkit/server.js";
import { heldFolder, removeHeldFolders, temporaryFolder } from "../testkit/temporary.js";

interface Model {
	readonly name: string;
	readonly provider: string;
	readonly capabilityLevel: number;
	readonly roles: readonly string[];
	readonly features: readonly string[];
	readonly enabled: boolean;
}
interface Change {
	readonly status: string;
	readonly config: { readonly version: number; readonly updatedBy: string; readonly models: readonly Model[] };
	readonly steps: readonly {
		readonly name: string;
		readonly status: string;
		readonly durationMs: number | null;
		readonly error: string | null;
	}[];
	readonly error: { readonly code: string; readonly message: string } | null;
	readonly job: { readonly id: string; readonly kind: string; readonly status: string };
}

const MODEL = "name provider capabilityLevel roles features enabled";
const CHANGE = `mutation ($input: UpdateModelConfigInput!) { updateModelConfig(input: $input) {
	status config { version updatedBy models { ${MODEL} } } steps { name status durationMs error } error { code message } job { id kind status } } }`;

function model(name: string, capabilityLevel = 3, change: Partial<Model> = {}): Model {
	return { name, provider: "openai", capabilityLevel, roles: ["analyst"], features: ["tools"], enabled: true, ...change };
}

async function change(server: TestServer, expectedVersion: number, models: readonly Model[], token?: string) {
	const answer = await server.query<{ updateModelConfig: Change }>(CHANGE, { input: { expectedVersion, models } }, token);
	return { ...answer, change: answer.data?.updateModelConfig };
}

async function capability(server: TestServer, name: string): Promise<Model | null> {
	const answer = await server.query<{ modelCapability: Model | null }>(
		`query ($name: String!) { modelCapability(model: $name) { ${MODEL} } }`,
		{ name },
		await testToken("VIEWER"),
	);
	expect(answer.errors).toBeUndefined();
	return answer.data.modelCapability;
}

async function inForce(server: TestServer): Promise<{ version: number; models: readonly Model[] }> {
	const answer = await server.query<{ modelConfig: { version: number; models: readonly Model[] } }>(
		`{ modelConfig { version models { ${MODEL} } } }`,
	);
	return answer.data.modelConfig;
}

async function audited(server: TestServer, jobId: string) {
	const answer = await server.query<{
		auditLog: { nodes: { success: boolean; errorCode: string | null; actionType: string; details: Record<string, unknown> }[] };
	}>("query ($id: ID) { auditLog(filter: { jobId: $id }) { nodes { success errorCode actionType details } } }", { id: jobId });
	return answer.data.auditLog.nodes;
}

describe("a change of the model configuration", () => {
	let server: TestServer;
	let environment: Record<string, string>;

	beforeAll(async () => {
		const config = join(heldFolder(), "cachewarden.yaml");
		writeFileSync(config, JSON.stringify({ models: { initial: [{ name: "gpt-3.5", provider: "openai", capabilityLevel: 2 }] } }));
		environment = { CACHE_DIR: heldFolder(), DATA_DIR: heldFolder(), CONFIG_FILE: config };
		server = await startServer(environment);
	});

	afterAll(async () => {
		await server.stop();
		removeHeldFolders();
	});

	it("begins with what the configuration file names, as version 0", async () => {
		expect(await inForce(server)).toEqual({
			version: 0,
			models: [{ name: "gpt-3.5", provider: "openai", capabilityLevel: 2, roles: [], features: [], enabled: true }],
		});
	});

	it("is saved, tested and in force at once for whoever reads; steps and difference are in the audit log", async () => {
		expect(await capability(server, "gpt-3.5")).toMatchObject({ capabilityLevel: 2 });
		const models = [model("gpt-3.5", 1), model("gpt-4", 4), model("gpt-5", 5, { enabled: false })];
		const { change: made } = await change(server, 0, models);
		expect(made).toMatchObject({
			status: "APPLIED",
			error: null,
			config: { version: 1, updatedBy: "admin", models },
			job: { kind: "CONFIG_CHANGE" },
		});
		expect(made?.steps.map(({ name, status }) => [name, status])).toEqual(
			["save", "clear-cache", "reload", "test", "apply"].map((name) => [name, "SUCCEEDED"]),
		);
		expect(made?.steps.every(({ durationMs }) => typeof durationMs === "number")).toBe(true);
		expect(await capability(server, "gpt-3.5")).toMatchObject({ capabilityLevel: 1 });
		const [entry] = await audited(server, made?.job.id as string);
		expect(entry).toMatchObject({ success: true, actionType: "config_management" });
		expect(entry?.details).toMatchObject({
			from: 0,
			to: 1,
			difference: {
				added: ["gpt-4", "gpt-5"],
				removed: [],
				changed: [{ name: "gpt-3.5", before: { capabilityLevel: 2 }, after: { capabilityLevel: 1 } }],
			},
		});
	});

	it("follows the field's rules: an aggregator's name falls back, an unknown model is null", async () => {
		for (const name of ["gpt-4", "openai/gpt-4", "router/openai/gpt-4"]) expect(await capability(server, name)).toEqual(model("gpt-4", 4));
		for (const name of ["gpt-6", "openai/", "", "/", "gpt-4/other"]) expect(await capability(server, name)).toBeNull();
		expect(await capability(server, "gpt-5")).toMatchObject({ enabled: false });
	});

	it("is refused when it was made from another version, when its level is none, and when two models have one name", async () => {
		const before = await inForce(server);
		const late = await change(server, 0, [model("late")]);
		expect(late.errors?.[0]).toMatchObject({ extensions: { code: "CONFLICT" }, message: expect.stringContaining("version 1") });
		for (const wrong of [[model("m", 0)], [model("m", 6)], [model("m"), model("m", 2)], [model("")]])
			expect((await change(server, 1, wrong)).errors?.[0]?.extensions.code).toBe("BAD_USER_INPUT");
		expect((await change(server, 1, [model("m")], await testToken("OPERATOR"))).errors?.[0]?.extensions.code).toBe("FORBIDDEN");
		expect(await inForce(server)).toEqual(before);
	});

	it("of two that are made from one version, lets one be in force, and tells the other", async () => {
		const { version } = await inForce(server);
		const both = await Promise.all(["a", "b"].map((name) => change(server, version, [model(name)])));
		const applied = both.filter((one) => one.change?.status === "APPLIED");
		expect([applied.length, both.flatMap(({ errors }) => errors?.[0]?.extensions.code ?? [])]).toEqual([1, ["CONFLICT"]]);
		expect((await inForce(server)).models).toEqual(applied[0]?.change?.config.models);
	});

	it("can be made and read from the command line", async () => {
		const { version } = await inForce(server);
		const file = join(temporaryFolder(), "models.yaml");
		const lines = [
			`expectedVersion: ${version}`,
			"models:",
			"  - { name: qwen, provider: dashscope, capabilityLevel: 3, roles: [], features: [] }",
		];
		writeFileSync(file, lines.join("\n"));
		const env = { ...environment, JWT_SECRET: "a test secret that is long enough for HS256" };
		const applied = await runCommand(["models", "--apply", file], { env });
		expect([applied.code, applied.out]).toEqual([0, expect.stringContaining("qwen")]);
		const shown = await runCommand(["models", "--model", "ali/qwen", "--json"], { env });
		expect(JSON.parse(shown.out)).toMatchObject({ name: "qwen", capabilityLevel: 3, enabled: true });
	});
});

describe("a change whose test fails", () => {
	let server: TestServer | undefined;
	afterEach(() => server?.stop());

	it("is rolled back: the version before is in force, whole, and the audit log says which layer it was", async () => {
		const uid = process.getuid?.() === 0 ? 65_534 : null;
		const [root, dataDir] = [temporaryFolder(), temporaryFolder()];
		mkdirSync(join(root, "metadata"));
		if (uid !== null) chownSync(dataDir, uid, uid);
		server = await startServerAs(uid, { CACHE_DIR: root, DATA_DIR: dataDir });
		chmodSync(root, 0o777);
		const { change: first } = await change(server, 0, [model("gpt-4", 4)]);
		expect(first?.status).toBe("APPLIED");
		// Readable, so it is available; not writable.
		chmodSync(root, 0o555);
		const { change: second } = await change(server, 1, [model("gpt-4", 5)]);
		chmodSync(root, 0o777);
		expect(second).toMatchObject({
			status: "ROLLED_BACK",
			error: { code: "CONFIG_TEST_FAILED" },
			config: { version: 1, models: [model("gpt-4", 4)] },
		});
		expect(second?.error?.message).toContain("FILE");
		expect(second?.steps.map(({ name, status }) => [name, status])).toEqual([
			["save", "SUCCEEDED"],
			["clear-cache", "SUCCEEDED"],
			["reload", "SUCCEEDED"],
			["test", "FAILED"],
			["apply", "CANCELLED"],
			["roll-back", "SUCCEEDED"],
			["reload-previous", "SUCCEEDED"],
		]);
		expect(await capability(server, "gpt-4")).toEqual(model("gpt-4", 4));
		expect(await audited(server, second?.job.id as string)).toMatchObject([{ success: false, errorCode: "CONFIG_TEST_FAILED" }]);
		const { change: third } = await change(server, 1, [model("gpt-4", 5)]);
		// The version that was rolled back keeps its number.
		expect(third).toMatchObject({ status: "APPLIED", config: { version: 3 } });
	});
});
