import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { REST_ROUTES } from "../../src/http/rest/routes.js";
import { launchBrowser } from "../testkit/browser.js";
import { type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { inMemoryOperations } from "../testkit/in-memory-operations.js";

describe("the reference of the REST facade, in a browser", () => {
	let server: ServerUnderTest;
	let browser: Browser;
	let page: Page;
	const addresses: string[] = [];
	const complaints: string[] = [];

	beforeAll(async () => {
		server = await startServer(inMemoryOperations());
		browser = await launchBrowser();
		page = await browser.newPage();
		page.on("request", (request) => addresses.push(request.url()));
		page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
		page.on("pageerror", (error) => complaints.push(error.message));
	});
	afterAll(async () => {
		await browser.close();
		await server.close();
	});

	it("shows every call, and tries one with a token, without asking any other host or breaking its own policy", async () => {
		await page.goto(`${server.url}/api/docs`);
		const stats = page.locator("#operations-default-cacheStats");
		await stats.waitFor();
		expect(await page.locator(".opblock").count()).toBe(REST_ROUTES.length);
		await page.locator(".auth-wrapper .authorize").first().click();
		await page.locator(".auth-container input").fill(await tokenFor("VIEWER"));
		await page.locator(".auth-btn-wrapper .authorize").click();
		await page.locator(".auth-btn-wrapper .btn-done").click();
		await stats.locator(".opblock-summary-control").click();
		await stats.locator(".execute").click();
		const answer = stats.locator(".live-responses-table .response .highlight-code").first();
		await answer.waitFor();
		expect(await answer.textContent()).toContain('"message": "获取缓存统计成功"');
		expect(addresses.filter((address) => !address.startsWith(server.url) && !address.startsWith("data:"))).toEqual([]);
		expect(complaints).toEqual([]);
	});
});
