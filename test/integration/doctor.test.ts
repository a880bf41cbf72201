import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import { type CommandOptions, callCommand, runCommand } from "../testkit/cli.js";
import { startServer, TEST_SECRET, type TestServer, testToken } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

interface Report {
	readonly healthy: boolean;
	readonly checks: readonly { readonly id: string; readonly level: string; readonly message: string; readonly remedy: string | null }[];
	readonly configuration: { readonly auth: { readonly jwtSecret: string | null } } | null;
}

/** Nobody, by Linux's and macOS's usual number, when this is the superuser. */
const ORDINARY_USER = process.getuid?.() === 0 ? { uid: 65_534 } : {};

let root: string;
let env: Record<string, string>;
let server: TestServer | undefined;
let taken: Server | undefined;
beforeEach(() => {
	root = temporaryFolder();
	env = { CACHE_DIR: root, DATA_DIR: join(temporaryFolder(), "state"), CACHE_TIMEZONE: "UTC", PORT: "0" };
});
afterEach(async () => {
	await server?.stop();
	server = undefined;
	taken?.close();
	taken = undefined;
});

async function doctor(change: Record<string, string> = {}, options: CommandOptions = {}) {
	const run = "uid" in options ? runCommand : callCommand;
	const { code, out } = await run(["doctor", "--json"], { env: { ...env, ...change }, ...options });
	const report = JSON.parse(out) as Report;
	const find = (id: string) =>
		report.checks.find((check) => check.id === id && check.level !== "ok") ?? report.checks.find((check) => check.id === id);
	return { code, report, find };
}

describe("doctor", () => {
	it("checks the way to a server by its address: whether it answers, for whom it takes the token, and its layers", async () => {
		server = await startServer({ ...env, JWT_SECRET: TEST_SECRET, LOG_LEVEL: "warn" });
		const ask = async (...args: string[]) => {
			const { code, out } = await callCommand(["doctor", "--json", ...args]);
			const { checks } = JSON.parse(out) as Report;
			return { code, found: checks.map(({ id, level }) => [id, level]), messages: checks.map(({ message }) => message).join("\n") };
		};
		const good = await ask("--url", server.url, "--token", await testToken("VIEWER", "vera"));
		expect(good).toMatchObject({
			code: 0,
			found: [
				["node", "ok"],
				["server", "ok"],
				["token", "ok"],
				[expect.stringContaining("backend:"), "ok"],
			],
		});
		expect(good.messages).toContain("the token is taken: vera, VIEWER, until 20");
		expect(await ask("--url", server.url)).toMatchObject({
			code: 1,
			found: [
				["node", "ok"],
				["server", "ok"],
				["token", "fault"],
			],
		});
		expect(await ask("--url", "http://127.0.0.1:1")).toMatchObject({
			code: 1,
			found: [
				["node", "ok"],
				["server", "fault"],
			],
		});
	});

	it("finds nothing wrong with a healthy cache, before and after the first start", async () => {
		generateTree({ root, entries: 20 });
		const before = await doctor();
		expect(before.report.checks.filter((check) => check.level !== "ok")).toEqual([]);
		expect(before).toMatchObject({ code: 0, report: { healthy: true } });
		await callCommand(["stats"], { env });
		const after = await doctor();
		expect(after.report.checks.filter((check) => check.level !== "ok")).toEqual([]);
		expect(after.report.checks.map((check) => check.id)).toEqual(
			expect.arrayContaining(["node", "config", "time-zone", "data-dir", "space", "store", "port"]),
		);
	});

	it("reports every fault of the configuration, without showing secrets", async () => {
		const { code, report } = await doctor({ PORT: "x", CACHE_LAYOUT: "y", JWT_SECRET: "hunter2" });
		expect(code).toBe(1);
		expect(report.checks.filter((check) => check.level === "fault").map((check) => check.id)).toEqual([
			"config:PORT",
			"config:CACHE_LAYOUT",
			"config:JWT_SECRET",
		]);
		expect(JSON.stringify(report)).not.toContain("hunter2");
		const fine = await doctor({ JWT_SECRET: "a secret that is long enough, really" });
		expect(fine.report.configuration?.auth.jwtSecret).toBe("***");
	});

	it("names a root that is missing, a link or no folder, each with its remedy", async () => {
		const base = temporaryFolder();
		mkdirSync(join(base, "real"));
		symlinkSync(join(base, "real"), join(base, "link"));
		writeFileSync(join(base, "file"), "");
		const { code, find } = await doctor({ CACHE_DIR: ["missing", "link", "file", "real"].map((name) => join(base, name)).join(",") });
		expect(code).toBe(1);
		expect(find("cache:missing")).toMatchObject({
			level: "fault",
			remedy: `mkdir -p ${join(base, "missing")}, or correct the configuration`,
		});
		expect(find("cache:link")?.message).toContain("is a symbolic link");
		expect(find("cache:file")?.message).toContain("is not a folder");
		expect(find("cache:real")?.level).toBe("ok");
	});

	it("names folders that this user may not read or clean, and a data folder that cannot be made", async () => {
		generateTree({ root, entries: 5 });
		chmodSync(root, 0o755);
		chmodSync(join(root, "metadata"), 0o700);
		const shut = temporaryFolder();
		chmodSync(shut, 0o555);
		const { code, report } = await doctor({ DATA_DIR: join(shut, "state") }, ORDINARY_USER);
		expect(code).toBe(1);
		const messages = report.checks.filter((check) => check.level === "fault").map((check) => check.message);
		if ("uid" in ORDINARY_USER) {
			expect(messages).toContain(`this user may not read ${join(root, "metadata")}`);
			expect(messages).toContain(`this user may not remove anything from ${join(root, "us_stocks")}`);
		}
		expect(messages).toContain(`data folder ${join(shut, "state")} is missing and cannot be made`);
	});

	it("sees secrets that others may read, a secret that can be guessed, and everybody an administrator", async () => {
		await callCommand(["token", "--user", "a"], { env });
		chmodSync(join(env.DATA_DIR ?? "", "jwt-secret"), 0o644);
		const { code, find } = await doctor({ AUTH_DEFAULT_ROLE: "ADMIN" });
		expect(code).toBe(1);
		expect(find("data-dir:jwt-secret")).toMatchObject({ level: "fault", remedy: expect.stringContaining("chmod 600") });
		expect(find("config:default-role")?.level).toBe("warning");
		expect((await doctor({ JWT_SECRET: "short enough" })).find("config:jwt-secret")?.level).toBe("warning");
	});

	it("counts entries whose metadata cannot be read", async () => {
		generateTree({ root, entries: 10 });
		writeFileSync(join(root, "us_stocks", "AAPL_stock_data_0123456789ab.csv"), "1");
		writeFileSync(join(root, "metadata", "AAPL_stock_data_0123456789ab_meta.json"), '{ "symbol": "AA');
		await callCommand(["stats"], { env });
		const { code, report } = await doctor();
		expect(code).toBe(0);
		expect(report.checks.filter((check) => check.level === "warning").map((check) => check.message)).toEqual([
			expect.stringMatching(/^1 entries of .+ have metadata that cannot be read/),
		]);
	});

	it("names the port that another program has, an address that is none of ours, and a time zone that is none", async () => {
		const other = createServer();
		taken = other;
		const port = await new Promise<number>((resolve) => {
			other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
		});
		expect((await doctor({ PORT: String(port) })).find("port")).toMatchObject({
			level: "fault",
			remedy: expect.stringContaining("set PORT"),
		});
		const away = await doctor({ HOST: "192.0.2.1", PORT: "4999", JWT_SECRET: "a secret that is long enough, really" });
		expect(away.find("port")?.message).toContain("192.0.2.1 is no address of this machine");
		expect((await doctor({ TZ: "Mars/Olympus", CACHE_TIMEZONE: "" })).find("time-zone")?.level).toBe("fault");
	});

	it("asks the server that holds the store, and does not take its port for somebody else's", async () => {
		generateTree({ root, entries: 10 });
		server = await startServer({ ...env, JWT_SECRET: TEST_SECRET, LOG_LEVEL: "warn" });
		const { port } = new URL(server.url);
		const { code, find, report } = await doctor({ JWT_SECRET: TEST_SECRET, PORT: port });
		expect(find("store")?.message).toContain(server.url);
		expect(find("port")?.message).toBe(`the running server listens at ${server.url}`);
		expect(report.checks.some((check) => check.id.startsWith("backend:") && check.message.includes(root))).toBe(true);
		expect(code).toBe(0);
	});

	it("speaks Chinese, and puts each remedy below its finding", async () => {
		const { code, out } = await callCommand(["doctor"], { env: { ...env, CACHE_DIR: join(root, "none"), LANG: "zh_CN.UTF-8" } });
		expect(code).toBe(1);
		expect(out).toContain(`✘ 根目录 ${join(root, "none")} 不存在\n    → mkdir -p`);
		expect(out).toContain("存在问题");
	});
});
