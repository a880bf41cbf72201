import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../testkit/browser.js";
import { eventually } from "../testkit/eventually.js";
import { countDataFiles } from "../testkit/independent-count.js";
import { generateTree } from "../testkit/tree.js";

const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
const LINK = /^\s*(http:\S+\/playground#token=(\S+))$/m;
const ENTRIES = 300;

describe("the playground of a server that was started for the first time", () => {
	const folder = mkdtempSync(join(tmpdir(), "cachewarden-playground-"));
	const root = join(folder, "cache");
	let server: ChildProcess;
	let link: string;
	let token: string;
	let browser: Browser;
	let page: Page;
	const addresses: string[] = [];
	const complaints: string[] = [];

	beforeAll(async () => {
		generateTree(root, ENTRIES);
		server = spawn(process.execPath, [MAIN, "serve"], {
			env: {
				PATH: process.env.PATH,
				PORT: "0",
				CACHE_DIR: root,
				DATA_DIR: join(folder, "state"),
				CACHE_TIMEZONE: "UTC",
				LANG: "en_US.UTF-8",
			},
			stdio: ["ignore", "pipe", "inherit"],
		});
		let printed = "";
		server.stdout?.setEncoding("utf8").on("data", (text: string) => {
			printed += text;
		});
		const found = await eventually(
			() => {
				const match = LINK.exec(printed);
				if (!match) throw new Error(`no link was printed:\n${printed}`);
				return match;
			},
			{ withinMs: 15_000 },
		);
		[, link = "", token = ""] = found;
		browser = await launchBrowser();
		page = await browser.newPage();
		page.on("request", (request) => addresses.push(request.url()));
		page.on("websocket", (socket) => addresses.push(socket.url()));
		page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
		page.on("pageerror", (error) => complaints.push(error.message));
	});
	afterAll(async () => {
		await browser?.close();
		server?.kill();
		if (server && server.exitCode === null) await once(server, "exit");
		rmSync(folder, { recursive: true, force: true });
	});

	/** The editor writes spaces that do not break. */
	const textOf = async (selector: string, on = page) => ((await on.locator(selector).textContent()) ?? "").replaceAll("\u00a0", " ");
	const result = () => textOf(".result-window");

	async function choose(title: string): Promise<void> {
		await page.locator("#examples").selectOption({ label: title });
		await page.locator(".graphiql-query-editor", { hasText: title.replaceAll(" ", "\u00a0") }).waitFor();
	}

	it("opens by the printed link, and its first query answers with the cache's numbers", async () => {
		await page.goto(link);
		const { entries, bytes } = countDataFiles(root);
		expect(entries).toBe(ENTRIES);
		await eventually(async () => expect(await result()).toContain(`"totalEntries": ${entries}`), { withinMs: 20_000, everyMs: 100 });
		expect(await result()).toContain(`"totalBytes": ${bytes}`);
		await eventually(async () => expect(await textOf("#who")).toContain("ADMIN"), { withinMs: 5_000 });
	});

	it("takes the token out of the address bar and shows it among the headers", async () => {
		expect(page.url()).toBe(link.replace(/#.*/, ""));
		expect(await textOf(".graphiql-editor-tool")).toContain("Authorization");
	});

	it("runs a subscription that shows what others do", async () => {
		await choose("The audit log, live");
		await page.locator(".graphiql-execute-button").click();
		await page.locator(".graphiql-execute-button[aria-label^='Stop']").waitFor();
		await eventually(() => expect(addresses.some((address) => address.startsWith("ws:"))).toBe(true), { withinMs: 5_000 });
		await eventually(
			async () => {
				const answer = await fetch(new URL("/graphql", link), {
					method: "POST",
					headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
					body: JSON.stringify({ query: "mutation { cleanup(input: { olderThanDays: 3650, wait: true }) { job { status } } }" }),
				});
				expect(await answer.json()).toMatchObject({ data: { cleanup: { job: { status: "SUCCEEDED" } } } });
				expect(await result()).toContain('"action": "cleanup"');
			},
			{ withinMs: 10_000, everyMs: 250 },
		);
	});

	it("keeps the token for this window only: a reload finds it, the browser's lasting storage does not", async () => {
		expect(await page.evaluate("JSON.stringify({ ...localStorage })")).not.toContain(token);
		await page.reload();
		await eventually(async () => expect(await textOf("#who")).toContain("ADMIN"), { withinMs: 10_000 });
		await choose("Who am I, and what may I do");
		await page.locator(".graphiql-execute-button").click();
		await eventually(async () => expect(await result()).toContain('"cleanup"'), { withinMs: 10_000 });
	});

	it("says in the reader's language what is missing where there is no token", async () => {
		const context = await browser.newContext({ locale: "zh-CN" });
		const other = await context.newPage();
		await other.goto(link.replace(/#.*/, ""));
		await eventually(async () => expect(await textOf("#who", other)).toContain("还没有令牌"), { withinMs: 10_000 });
		expect(await textOf("#examples", other)).toContain("审计日志实时推送");
		await context.close();
	});

	it("loads nothing from anywhere else, and the browser has nothing to complain about", () => {
		const { host } = new URL(link);
		const foreign = addresses.filter((address) => !/^(data|blob):/.test(address) && new URL(address).host !== host);
		expect(addresses.length).toBeGreaterThan(10);
		expect(foreign).toEqual([]);
		expect(complaints).toEqual([]);
	});
});
