/** The table of errors, walked through every way in: each code has one meaning, two languages, and no way out for what caused it. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { errorsPage } from "../../scripts/errors-page.js";
import type { Host } from "../../src/cli/host.js";
import { CachewardenError, ERRORS, type ErrorCode, restStatusOf } from "../../src/core/errors.js";
import { type Locale, say } from "../../src/core/messages/catalogue.js";
import { inProcessSession } from "../../src/http/in-process-session.js";
import { buildApiSchema } from "../../src/schema/build.js";
import { callCommand } from "../testkit/cli.js";
import { ask, type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { inMemoryOperations } from "../testkit/in-memory-operations.js";
import { callRest } from "../testkit/rest.js";
import { temporaryFolder } from "../testkit/temporary.js";

const CODES = Object.keys(ERRORS) as ErrorCode[];
const LANGUAGES: readonly Locale[] = ["zh", "en"];
const QUERY = "{ cacheStats { totalEntries } }";

const operations = inMemoryOperations();
let server: ServerUnderTest;
let token: string;
beforeAll(async () => {
	server = await startServer(operations);
	token = await tokenFor("ADMIN");
});
afterAll(() => server.close());

const causeOf = (code: ErrorCode): string => `hunter2 in /root/of/nothing made ${code}`;
const failWith = (code: ErrorCode): void => operations.failNext(new CachewardenError(code, undefined, { cause: new Error(causeOf(code)) }));
const textOf = (code: ErrorCode, locale: Locale): string => say(locale, { key: ERRORS[code].message, facts: {} });

/** What the log holds of one request, beside the line that every request has. */
function logged(lines: readonly Record<string, unknown>[], requestId: string): string {
	return JSON.stringify(lines.filter((line) => String(line.requestId).startsWith(requestId) && line.msg !== "request"));
}

function expectCause(code: ErrorCode, lines: readonly Record<string, unknown>[], requestId: string): void {
	if (ERRORS[code].status >= 500) expect(logged(lines, requestId)).toContain(causeOf(code));
}

describe.each(LANGUAGES)("every code in %s", (locale) => {
	it.each(CODES)("%s over GraphQL", async (code) => {
		failWith(code);
		const requestId = `graphql-${locale}-${code}`;
		const { status, body } = await ask(server.url, QUERY, { token, headers: { "accept-language": locale, "x-request-id": requestId } });
		expect(status).toBe(ERRORS[code].status);
		expect(body.errors).toEqual([
			{
				message: textOf(code, locale),
				path: ["cacheStats"],
				locations: expect.anything(),
				extensions: { code, requestId, http: { status: ERRORS[code].status } },
			},
		]);
		expect(JSON.stringify(body)).not.toContain("hunter2");
		expectCause(code, server.log(), requestId);
	});

	it.each(CODES)("%s over REST", async (code) => {
		failWith(code);
		const requestId = `rest-${locale}-${code}`;
		const headers = { "accept-language": locale, "x-request-id": requestId };
		const answer = await callRest(server.url, "/api/cache/stats", { token, headers });
		expect([answer.status, answer.headers.get("x-request-id")]).toEqual([restStatusOf(code), requestId]);
		const message = textOf(code, locale);
		expect(answer.body).toEqual({ success: false, data: null, message, detail: message, code, timestamp: expect.any(String) });
		expectCause(code, server.log(), requestId);
	});

	it.each(CODES)("%s over the command line", async (code) => {
		failWith(code);
		const lines: { facts: object; message: string }[] = [];
		const host = {
			openLocalSession: async () =>
				inProcessSession({
					schema: buildApiSchema(),
					operations,
					caller: {
						actor: { id: "root", username: "root", roles: ["ADMIN"], tokenExpiresAt: null, sessionId: null },
						origin: "CLI",
						ipAddress: null,
						userAgent: null,
						locale,
					},
					log: { error: (facts, message) => lines.push({ facts, message }), info: (facts, message) => lines.push({ facts, message }) },
					close: async () => undefined,
				}),
		} as unknown as Host;
		const env = { DATA_DIR: temporaryFolder(), CACHE_DIR: temporaryFolder(), LANG: locale === "zh" ? "zh_CN.UTF-8" : "en_US.UTF-8" };
		const { code: exit, out, err } = await callCommand(["stats", "--json"], { env, host });
		expect(exit).toBe(ERRORS[code].exit);
		expect(JSON.parse(out)).toEqual({ error: { code, message: textOf(code, locale) } });
		expect(err).toContain(textOf(code, locale));
		expect(out + err).not.toContain("hunter2");
		if (ERRORS[code].status < 500) return;
		expect(lines).toHaveLength(1);
		expect(lines[0]?.facts).toMatchObject({ code, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/), err: { message: causeOf(code) } });
	});
});

it("carries every code over WebSocket as over HTTP", async () => {
	const client = createClient({
		url: `${server.url.replace("http", "ws")}/graphql`,
		webSocketImpl: WebSocket,
		retryAttempts: 0,
		connectionParams: { Authorization: `Bearer ${token}` },
	});
	for (const code of CODES) {
		failWith(code);
		for await (const result of client.iterate({ query: QUERY })) {
			expect(result.errors).toMatchObject([
				{ message: textOf(code, "en"), extensions: { code, http: { status: ERRORS[code].status }, requestId: expect.any(String) } },
			]);
			expectCause(code, server.log(), String(result.errors?.[0]?.extensions?.requestId));
		}
	}
	await client.dispose();
});

it("has the words of the original system for its failures", () => {
	expect(
		["CACHE_STATS_FAILED", "CACHE_CLEANUP_FAILED", "CACHE_CLEAR_FAILED", "UNAUTHENTICATED", "FORBIDDEN"].map((code) => [
			restStatusOf(code as ErrorCode),
			textOf(code as ErrorCode, "zh"),
		]),
	).toEqual([
		[500, "获取缓存统计失败"],
		[500, "清理缓存失败"],
		[500, "清空缓存失败"],
		[401, "未授权"],
		[403, "权限不足"],
	]);
});

it("is written down as it is: npm run errors", () => {
	expect(readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8")).toBe(errorsPage());
});
