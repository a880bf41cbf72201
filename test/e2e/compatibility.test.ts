/** A client that was written for the original system, with the original's tokens, against a fresh server over its file cache. */
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { SignJWT } from "jose";
import { originalPageContract, originalToken, type ServedLayers, serveLayers } from "../contract/original-page.js";
import { fileLayer } from "../testkit/cache-layer.js";
import { OriginalFrontend, Toast } from "../testkit/original-frontend.js";
import { TEST_SECRET } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

originalPageContract({ name: "the file layer alone", starts: [fileLayer], redis: false, mongodb: false });

const toastOf = async (call: Promise<unknown>): Promise<[number | undefined, string]> => {
	const toast = await call.then(
		() => new Toast("no toast", 200),
		(error: unknown) => error as Toast,
	);
	return [toast.status, toast.message];
};

describe("the original's page and tokens", () => {
	let served: ServedLayers | undefined;
	afterEach(async () => {
		await served?.close();
		served = undefined;
	});

	async function serverOver(environment?: Record<string, string>): Promise<ServedLayers["server"]> {
		served = await serveLayers([fileLayer], environment);
		return served.server;
	}

	it("shows what went wrong as it always did, and touches nothing then", async () => {
		const { url, query } = await serverOver();
		const page = new OriginalFrontend(url, await originalToken("admin"));
		const before = await served?.count();
		for (const days of [0, 31, -1, "x", 1.5]) {
			const [status, text] = await toastOf(page.cleanupOldCache(days));
			expect([status, text]).toEqual([422, expect.stringContaining("days")]);
		}
		for (const [number, size] of [
			[0, 20],
			[1, 0],
			[1, 101],
			["x", 20],
		])
			expect((await toastOf(page.getCacheDetails(number, size)))[0]).toBe(422);
		const ended = new OriginalFrontend(url, await originalToken("admin", Math.floor(Date.now() / 1000) - 10));
		const strange = new OriginalFrontend(url, await originalToken("admin", "1h", "some other secret, also long enough"));
		const broken = new OriginalFrontend(url, "nonsense");
		const endless = await new SignJWT({})
			.setProtectedHeader({ alg: "HS256" })
			.setSubject("admin")
			.sign(new TextEncoder().encode(TEST_SECRET));
		for (const stranger of [ended, strange, broken, new OriginalFrontend(url, endless)]) {
			expect(await toastOf(stranger.getCacheStats())).toEqual([401, "未授权"]);
			expect(await toastOf(stranger.clearAllCache())).toEqual([401, "未授权"]);
		}
		expect(await served?.count()).toEqual(before);
		const { data } = await query<{ auditLog: { nodes: readonly Record<string, unknown>[] } }>(
			"{ auditLog(first: 10) { nodes { username origin action success errorCode details } } }",
		);
		const refused = { username: "admin", origin: "REST", action: "cleanup", success: false, errorCode: "BAD_USER_INPUT" };
		expect(data.auditLog.nodes).toMatchObject(["1.5", "x", "-1", "31", "0"].map((days) => ({ ...refused, details: { days } })));
	});

	it("is told in the words of the table when no layer can be read, and nothing is followed to where it leads", async () => {
		const { environment, count } = await fileLayer(20);
		const link = join(temporaryFolder(), "cache");
		symlinkSync(environment.CACHE_DIR as string, link);
		const { url, query } = await serverOver({ CACHE_DIR: link, AUTH_DEFAULT_ROLE: "ADMIN" });
		const page = new OriginalFrontend(url, await originalToken("admin"));
		expect(await toastOf(page.getCacheStats())).toEqual([500, "获取缓存统计失败"]);
		expect(await toastOf(page.cleanupOldCache(7))).toEqual([500, "清理缓存失败"]);
		expect(await toastOf(page.clearAllCache())).toEqual([500, "清空缓存失败"]);
		expect((await count()).entries).toBe(20);
		const { data } = await query<{ auditLog: { nodes: readonly Record<string, unknown>[] } }>(
			"{ auditLog(first: 2) { nodes { action success jobId } } }",
		);
		const failed = { success: false, jobId: expect.any(String) };
		expect(data.auditLog.nodes).toMatchObject([
			{ ...failed, action: "clear" },
			{ ...failed, action: "cleanup" },
		]);
		const { errors } = await query("{ cacheStats { totalEntries } }");
		expect(errors?.[0]).toMatchObject({ extensions: { code: "CACHE_STATS_FAILED", http: { status: 500 } } });
	});

	it("has the role that users names, else the default one, which may only look unless it is set", async () => {
		const config = join(temporaryFolder(), "cachewarden.yaml");
		writeFileSync(config, "users:\n  boss: ADMIN\n  helper: OPERATOR\n");
		const { url } = await serverOver({ CONFIG_FILE: config });
		const as = async (user: string): Promise<OriginalFrontend> => new OriginalFrontend(url, await originalToken(user));
		const [boss, helper, guest] = [await as("boss"), await as("helper"), await as("guest")];
		expect((await guest.getCacheStats()).success).toBe(true);
		expect(await toastOf(guest.cleanupOldCache(7))).toEqual([403, "权限不足"]);
		expect((await helper.cleanupOldCache(7)).success).toBe(true);
		expect(await toastOf(helper.clearAllCache())).toEqual([403, "权限不足"]);
		expect((await boss.clearAllCache()).success).toBe(true);
	});
});
