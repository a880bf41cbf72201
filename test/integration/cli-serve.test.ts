import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type RunningCommand, startCommand } from "../testkit/cli.js";
import { eventually } from "../testkit/eventually.js";
import { temporaryFolder } from "../testkit/temporary.js";

/** Of a tree that has changed since; it is at once there after `npm test` has built. */
const BUILD_MS = 120_000;

let cwd: string;
let running: RunningCommand | undefined;
let npm: ChildProcess | undefined;
beforeEach(() => {
	cwd = temporaryFolder();
});
afterEach(async () => {
	running?.process.kill("SIGKILL");
	await running?.ended;
	running = undefined;
	// Its group, so that nothing stays behind whatever became of it; gone already when the test has ended it.
	if (npm?.pid !== undefined && npm.exitCode === null && npm.signalCode === null) process.kill(-npm.pid, "SIGKILL");
	npm = undefined;
});

/** Starts `serve` in an empty folder; gives what it printed once it listens. */
async function serve(...args: string[]): Promise<string> {
	const command = startCommand(["serve", "--port", "0", ...args], { cwd, env: { LOG_LEVEL: "warn" } });
	running = command;
	return eventually(
		() => {
			if (command.process.exitCode !== null) throw new Error(command.err());
			expect(command.out()).toMatch(/DATA_DIR|token|"url"/);
			return command.out();
		},
		{ withinMs: 20_000 },
	);
}

async function stop(signal: NodeJS.Signals): Promise<number | null> {
	running?.process.kill(signal);
	return (await running?.ended)?.code ?? null;
}

describe("serve", () => {
	it("runs on nothing but defaults, and gives the link for this machine's administrator on the first start only", async () => {
		const first = await serve();
		const [, url, token] = /(http:\/\/127\.0\.0\.1:\d+)\/playground#token=(\S+)/.exec(first) ?? [];
		expect(statSync(join(cwd, "data/cache")).isDirectory()).toBe(true);
		expect(statSync(join(cwd, "data/cachewarden")).mode & 0o777).toBe(0o700);
		expect((await fetch(`${url}/playground`)).status).toBe(200);
		const response = await fetch(`${url}/graphql`, {
			method: "POST",
			headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
			body: JSON.stringify({ query: "{ viewer { roles } cacheStats(fresh: true) { totalEntries } }" }),
		});
		expect(await response.json()).toMatchObject({ data: { viewer: { roles: ["ADMIN"] }, cacheStats: { totalEntries: 0 } } });
		expect(await stop("SIGINT")).toBe(0);

		const second = await serve();
		expect(second).not.toContain("#token=");
		expect(second).toContain("cachewarden token --user NAME --role ADMIN");
		expect(await stop("SIGTERM")).toBe(0);
	});

	it("prints one line for programs with --json, with the address that it really has", async () => {
		const line = await serve("--json");
		const { url, pid } = JSON.parse(line) as { url: string; pid: number };
		expect(pid).toBe(running?.process.pid);
		expect((await fetch(`${url}/healthz`)).ok).toBe(true);
		expect(await stop("SIGTERM")).toBe(0);
		expect(running?.out()).toBe(line);
	});

	it(
		"is what npm start runs, and ends with the npm that started it",
		async () => {
			const started = spawn("npm", ["start", "--", "--port", "0", "--json"], {
				cwd: fileURLToPath(new URL("../../", import.meta.url)),
				env: { ...process.env, CACHE_DIR: temporaryFolder(), DATA_DIR: temporaryFolder(), LOG_LEVEL: "warn" },
				stdio: ["ignore", "pipe", "ignore"],
				detached: true,
			});
			npm = started;
			let out = "";
			started.stdout.on("data", (chunk: Buffer) => {
				out += String(chunk);
			});
			const url = await eventually(() => (JSON.parse(/^\{.*\}$/m.exec(out)?.[0] ?? "") as { url: string }).url, {
				withinMs: 50_000,
				everyMs: 200,
			});
			expect((await fetch(`${url}/healthz`)).ok).toBe(true);
			started.kill("SIGTERM");
			await eventually(() => expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed"), { withinMs: 10_000 });
		},
		2 * BUILD_MS,
	);

	it("does not make a root that was named: it may be a disk that is not mounted", async () => {
		const named = join(cwd, "mnt");
		const command = startCommand(["serve", "--port", "0", "--json"], { cwd, env: { CACHE_DIR: named, LOG_LEVEL: "error" } });
		running = command;
		await eventually(() => expect(command.out()).toContain("url"), { withinMs: 20_000 });
		expect(existsSync(named)).toBe(false);
	});
});
