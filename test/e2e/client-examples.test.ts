/** The programs in examples/, as somebody would run them: a page in a real browser, a script in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { generateTree } from "../../bench/generate-tree.js";
import { launchBrowser } from "../testkit/browser.js";
import { eventually } from "../testkit/eventually.js";
import { keysCachedBefore } from "../testkit/independent-count.js";
import { startServer, type TestServer, testToken } from "../testkit/server.js";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const DAY_MS = 86_400_000;
const ENTRIES = 400;

const folder = mkdtempSync(join(tmpdir(), "cachewarden-examples-"));
const root = join(folder, "cache");
let pages: Server;
let origin: string;
let env: Record<string, string>;
let server: TestServer;
let script: ChildProcess | undefined;
let browser: Browser;

beforeAll(async () => {
	mkdirSync(root);
	generateTree({ root, entries: ENTRIES });
	const { outputFiles } = await build({ entryPoints: [join(EXAMPLES, "browser/page.ts")], bundle: true, format: "esm", write: false });
	const files: Record<string, readonly [type: string, text: string]> = {
		"/": ["text/html", readFileSync(join(EXAMPLES, "browser/index.html"), "utf8")],
		"/page.js": ["text/javascript", outputFiles[0]?.text ?? ""],
		"/favicon.ico": ["image/x-icon", ""],
	};
	pages = createServer((request, response) => {
		const [type, text] = files[request.url ?? ""] ?? ["text/plain", "not here"];
		response.writeHead(200, { "content-type": type }).end(text);
	});
	await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
	origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
	env = { CACHE_DIR: root, DATA_DIR: join(folder, "state"), LOG_LEVEL: "warn", CORS_ORIGINS: origin };
	server = await startServer(env);
	browser = await launchBrowser();
});
afterAll(async () => {
	script?.kill("SIGKILL");
	await browser?.close();
	await server.stop();
	pages.close();
	rmSync(folder, { recursive: true, force: true });
});

async function restart(): Promise<void> {
	const { port } = new URL(server.url);
	await server.stop("SIGKILL");
	server = await startServer({ ...env, PORT: port });
}

/** One entry of the audit log. */
async function write(): Promise<void> {
	await server.query("mutation { cleanup(input: { olderThanDays: 3650, wait: true }) { job { id } } }");
}

function older(days: number): number {
	return keysCachedBefore(root, new Date(Date.now() - days * DAY_MS)).length;
}

describe("examples/node/tidy.mjs", () => {
	it("shows statistics, executes a plan, watches it, and follows the audit log across a restart until Ctrl-C", async () => {
		const wanted = older(10);
		const running = spawn(process.execPath, [join(EXAMPLES, "node/tidy.mjs"), server.url, "10"], {
			env: { PATH: process.env.PATH ?? "", CACHEWARDEN_TOKEN: await testToken("ADMIN", "ann") },
			stdio: ["ignore", "pipe", "inherit"],
		});
		script = running;
		let out = "";
		running.stdout.setEncoding("utf8").on("data", (text: string) => {
			out += text;
		});
		const lines = (): string[] => out.trimEnd().split("\n");
		const audit = (): string[] => lines().filter((line) => line.startsWith("audit"));
		await eventually(() => expect(audit()).toEqual(["audit 1 ann cleanup done"]), { withinMs: 20_000 });
		expect(lines()[0]).toMatch(new RegExp(`^${ENTRIES} entries, \\d+ bytes$`));
		expect(lines()[1]).toMatch(new RegExp(`^${wanted} of them, \\d+ bytes, are older than 10 days$`));
		expect(out).toContain(`SUCCEEDED 100 % ${wanted} deleted`);
		await restart();
		await write();
		await eventually(() => expect(audit()).toEqual(["audit 1 ann cleanup done", "audit 2 admin cleanup done"]), { withinMs: 20_000 });
		expect(out).toContain("broken");
		const ended = once(running, "exit");
		running.kill("SIGINT");
		expect(await ended).toEqual([0, null]);
	});
});

describe("examples/browser", () => {
	const complaints: string[] = [];

	async function signIn(page: Page, token: string): Promise<void> {
		await page.fill("[name=url]", server.url);
		await page.fill("[name=token]", token);
		await page.click("#sign-in button");
	}

	it("does the same in a page of another origin, and goes on after a restart and with a new token", async () => {
		const page = await browser.newPage();
		page.on("pageerror", (error) => complaints.push(error.message));
		await page.goto(origin);
		const text = (id: string) => page.textContent(id);
		const audit = () => page.locator("#audit li").allTextContents();
		const { data } = await server.query<{ cacheStats: { totalEntries: number } }>("{ cacheStats(fresh: true) { totalEntries } }");
		const first = 3;
		await signIn(page, await testToken("ADMIN", "bea", "4s"));
		await eventually(async () => expect(await text("#stats")).toContain(`${data.cacheStats.totalEntries} entries`), { withinMs: 20_000 });

		const wanted = older(5);
		await page.fill("[name=days]", "5");
		await page.click("[name=preview]");
		await eventually(async () => expect(await text("#plan")).toContain(`${wanted} entries`), { withinMs: 10_000 });
		await page.click("[name=execute]");
		await eventually(async () => expect(await text("#state")).toBe(`SUCCEEDED: ${wanted} deleted`), { withinMs: 10_000 });
		expect(await page.locator("#progress").evaluate((bar: HTMLProgressElement) => bar.value)).toBe(100);
		await eventually(async () => expect(await audit()).toEqual([`${first} bea cleanup done`]), { withinMs: 10_000 });
		await eventually(async () => expect(await text("#stats")).toContain(`${data.cacheStats.totalEntries - wanted} entries`), {
			withinMs: 10_000,
		});

		await eventually(async () => expect(await text("#connection")).toContain("give a new token"), { withinMs: 20_000 });
		await write();
		await page.fill("[name=token]", await testToken("ADMIN", "bea"));
		await page.locator("[name=token]").blur();
		await eventually(async () => expect(await audit()).toHaveLength(2), { withinMs: 10_000 });
		await restart();
		await write();
		await eventually(
			async () =>
				expect(await audit()).toEqual([`${first + 2} admin cleanup done`, `${first + 1} admin cleanup done`, `${first} bea cleanup done`]),
			{ withinMs: 20_000 },
		);
		expect(await text("#connection")).toBe("connected");
		expect(complaints).toEqual([]);
	});
});
