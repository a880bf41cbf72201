/** Faults S1 to S4: the protocol, bombs, forged requests, and what strangers may learn of the schema. */
import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { getIntrospectionQuery } from "graphql";
import { auditServer } from "graphql-http";
import { CachewardenError } from "../../src/core/errors.js";
import { aliasBomb, costBomb, deepQuery, fragmentBomb, tokenBomb } from "../testkit/bombs.js";
import { type ServerUnderTest, ask as send, startServer, tokenFor } from "../testkit/http-server.js";
import { type InMemoryOperations, inMemoryOperations } from "../testkit/in-memory-operations.js";

/** A caller who is not on this machine, as a proxy in front of the server reports him. */
const STRANGER = { "x-forwarded-for": "203.0.113.9" };

let operations: InMemoryOperations;
let server: ServerUnderTest;
let viewer: string;
let admin: string;

beforeAll(async () => {
	operations = inMemoryOperations();
	server = await startServer(operations);
	[viewer, admin] = await Promise.all([tokenFor("VIEWER"), tokenFor("ADMIN")]);
});
beforeEach(() => {
	operations.calls.length = 0;
});
afterAll(() => server.close());

const ask = (query: string, options: Parameters<typeof send>[2] = {}) => send(server.url, query, options);

describe("the protocol", () => {
	it("S1: passes the GraphQL-over-HTTP audits without an error", async () => {
		const results = await auditServer({
			url: `${server.url}/graphql`,
			fetchFn: (url: string, init: RequestInit = {}) => {
				const headers = new Headers(init.headers);
				headers.set("authorization", `Bearer ${viewer}`);
				return fetch(url, { ...init, headers });
			},
		});
		expect(results.length).toBeGreaterThan(50);
		expect(results.filter(({ status }) => status === "error").map(({ name }) => name)).toEqual([]);
	});

	it("S3: refuses what a foreign page could send without asking, and a change by GET", async () => {
		const url = `${server.url}/graphql`;
		const query = JSON.stringify({ query: "{ viewer { id } }" });
		const textPlain = await fetch(url, { method: "POST", headers: { "content-type": "text/plain" }, body: query });
		const bareGet = await fetch(`${url}?query=${encodeURIComponent("{ viewer { id } }")}`);
		const mutation = encodeURIComponent('mutation { cancelJob(id: "j1") { job { id } } }');
		const getMutation = await fetch(`${url}?query=${mutation}`, { headers: { authorization: `Bearer ${admin}` } });
		expect([textPlain.status, bareGet.status, getMutation.status]).toEqual([400, 400, 405]);
		expect(getMutation.headers.get("allow")).toContain("POST");
		expect(operations.calls).toEqual([]);
	});

	it("answers other methods with 405 and the ones there are", async () => {
		const response = await fetch(`${server.url}/graphql`, { method: "PUT", body: "{}" });
		expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, POST"]);
	});
});

describe("limits", () => {
	it.each([
		["depth 50", deepQuery(50), "nests deeper than 12"],
		["600 aliases", aliasBomb(600), "aliases"],
		["1,000 aliases", aliasBomb(1000), "tokens"],
		["aliases multiplied by fragments", fragmentBomb(), "aliases"],
		["a document of 100,000 tokens", tokenBomb(100_000), "tokens"],
		["pages within pages", costBomb(), "costs"],
	])("S2: %s is refused before anything runs", async (_name, query, message) => {
		const { status, body } = await ask(query, { token: admin });
		expect(status).toBe(400);
		expect(body.data).toBeUndefined();
		expect(body.errors?.[0]?.extensions.code).toBe("TOO_COMPLEX");
		expect(body.errors?.[0]?.message).toContain(message);
		expect(operations.calls).toEqual([]);
	});

	it("tells what each query costs, by the page that is asked for", async () => {
		const page = "query Page($first: Int) { cacheDetails(first: $first) { nodes { id key } } }";
		const costs = [];
		for (const first of [1, 10, 200]) costs.push((await ask(page, { token: viewer, variables: { first } })).body.extensions?.cost);
		expect(costs).toEqual([1 + 3, 1 + 30, 1 + 600]);
	});

	it("lets a whole page of 200 entries with every plain field through", async () => {
		const query = `{ cacheDetails(first: 200) { totalCount totalBytes pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node {
			id key backend place type symbol source size createdAt createdAtSource lastAccessedAt expiresAt hitCount status } } } }`;
		expect((await ask(query, { token: viewer })).status).toBe(200);
	});
});

describe("what strangers learn of the schema", () => {
	it.each([
		["whole", getIntrospectionQuery()],
		["of one type", '{ __type(name: "Query") { name } }'],
		[
			"in a fragment of a fragment",
			"query { ...Hidden } fragment Hidden on Query { ...Deeper } fragment Deeper on Query { __schema { queryType { name } } }",
		],
		["under another name beside something innocent", "{ viewer { id } ... on Query { s: __schema { types { name } } } }"],
	])("S4: no introspection, %s, for a caller who is neither ADMIN nor on this machine", async (_how, query) => {
		const nobody = await ask(query, { headers: STRANGER });
		const somebody = await ask(query, { headers: STRANGER, token: viewer });
		expect([nobody.status, somebody.status]).toEqual([401, 403]);
		expect([nobody.body.data, somebody.body.data]).toEqual([undefined, undefined]);
		expect(operations.calls).toEqual([]);
	});

	it("S4: a page whose name was bound to this machine is a stranger too", async () => {
		const { body } = await new Promise<{ body: string }>((resolve, reject) => {
			const request = httpRequest(
				`${server.url}/graphql`,
				{ method: "POST", headers: { host: `evil.example:${server.port}`, "content-type": "application/json" } },
				(response) => text(response).then((body) => resolve({ body }), reject),
			);
			request.end(JSON.stringify({ query: "{ __schema { queryType { name } } }" }));
		});
		expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code: "UNAUTHENTICATED" } }] });
	});

	it.each([
		["a field", "{ cacheStat { totalEntries } }", undefined],
		["a selection", "{ cacheStats }", undefined],
		["an argument", "{ cacheStats(backend: [FILE]) { totalEntries } }", undefined],
		["an enum value", "query ($b: [BackendKind!]) { cacheStats(backends: $b) { totalEntries } }", { b: ["FIL"] }],
	])("S4: a typo in %s gets no suggestion, unless the caller may see the schema", async (_name, query, variables) => {
		const options = variables ? { variables } : {};
		const stranger = await ask(query, { ...options, headers: STRANGER, token: viewer });
		const known = await ask(query, { ...options, headers: STRANGER, token: admin });
		const local = await ask(query, options);
		expect([stranger.status, known.status, local.status]).toEqual([400, 400, 400]);
		expect(stranger.body.errors?.[0]?.message).not.toContain("Did you mean");
		expect(known.body.errors?.[0]?.message).toContain("Did you mean");
		expect(local.body.errors?.[0]?.message).toContain("Did you mean");
	});

	it("is open to an ADMIN from anywhere, and to this machine", async () => {
		const byAdmin = await ask(getIntrospectionQuery(), { headers: STRANGER, token: admin });
		const byLoopback = await ask(getIntrospectionQuery());
		expect([byAdmin.status, byLoopback.status]).toEqual([200, 200]);
		expect(byAdmin.body.data).toEqual(byLoopback.body.data);
	});
});

describe("errors", () => {
	it("come with a code, a request id, a status and a message in the caller's language", async () => {
		const options = { token: viewer, headers: { "accept-language": "zh-CN,zh;q=0.9", "x-request-id": "req-1" } };
		const { status, body, headers } = await ask("mutation { clear(input: { confirm: true }) { job { id } } }", options);
		expect(status).toBe(403);
		expect(headers.get("x-request-id")).toBe("req-1");
		expect(body.errors).toEqual([
			{
				message: "权限不足",
				locations: [{ line: 1, column: 12 }],
				path: ["clear"],
				extensions: { code: "FORBIDDEN", requestId: "req-1", http: { status: 403 } },
			},
		]);
	});

	it("make a request id of our own where the caller's could do harm", async () => {
		for (const given of ["x".repeat(65), "a b", "$(id)"]) {
			const { headers } = await ask("{ __typename }", { headers: { "x-request-id": given } });
			expect(headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
		}
	});

	it("one refused field leaves the others alone", async () => {
		const { status, body } = await ask("{ viewer { id } auditVerify { valid } }", { token: viewer });
		expect(status).toBe(200);
		expect(body.data).toEqual({ viewer: { id: "viewer" }, auditVerify: null });
		expect(body.errors?.map(({ extensions }) => extensions.code)).toEqual(["FORBIDDEN"]);
	});

	it.each([1, 2, 3])("tell nothing of an unexpected failure but the id under which the log has it (call %d)", async () => {
		operations.failNext(new Error("connect ECONNREFUSED redis://:hunter2@10.0.0.7"));
		const { status, body } = await ask("{ cacheStats { totalEntries } }", { token: viewer });
		expect(status).toBe(500);
		const [error] = body.errors ?? [];
		expect(JSON.stringify(body)).not.toMatch(/hunter2|ECONNREFUSED|\.ts/);
		expect(error).toMatchObject({ message: "Internal error", extensions: { code: "INTERNAL" } });
		const logged = server.log().filter(({ requestId, err }) => requestId === error?.extensions.requestId && err);
		expect(JSON.stringify(logged)).toContain("ECONNREFUSED");
	});

	it("log the cause of a layer's failure, and do not show it", async () => {
		operations.failNext(new CachewardenError("CACHE_STATS_FAILED", undefined, { cause: new Error("disk on fire") }));
		const { status, body } = await ask("{ cacheStats { totalEntries } }", { token: viewer });
		expect([status, body.errors?.[0]?.message]).toEqual([500, "Reading the cache statistics failed"]);
		expect(JSON.stringify(server.log().at(-2))).toContain("disk on fire");
	});
});

describe("a query that comes again", () => {
	const PAGE = "query Page($first: Int) { cacheDetails(first: $first) { totalCount nodes { id key } } }";
	it.each<[string, string, Parameters<typeof send>[2]?]>([
		["with data", PAGE, { variables: { first: 2 } }],
		["with a part refused", "{ viewer { id } auditVerify { valid } }"],
		["with everything refused", "mutation Wipe { clear(input: { confirm: true }) { job { id } } }"],
		["with an input that an operation refuses", PAGE, { variables: { first: 201 } }],
		["with a variable of the wrong type", PAGE, { variables: { first: "two" } }],
		["in another language", "{ auditVerify { checked } }", { headers: { "accept-language": "zh" } }],
		["as another media type", PAGE, { headers: { accept: "application/graphql-response+json" } }],
		["that asks for the schema", "{ __schema { queryType { name } } }", { headers: STRANGER }],
		["without the one operation that is named", "query A { viewer { id } } query B { viewer { id } }"],
	])("answers exactly as the first time: %s", async (_how, query, options = {}) => {
		const answers = [];
		for (let time = 0; time < 4; time++) {
			const { status, headers, body } = await ask(query, {
				token: viewer,
				...options,
				headers: { ...options.headers, "x-request-id": "again" },
			});
			answers.push({ status, body, headers: [...headers].filter(([name]) => name !== "date").sort() });
		}
		expect(answers.slice(1)).toEqual([answers[0], answers[0], answers[0]]);
	});

	it("is still measured by its variables and its caller", async () => {
		const query = "query Jobs($n: Int) { jobs(first: 200) { nodes { failures(first: $n) { nodes { id } } } } }";
		for (const n of [1, 1, 1]) expect((await ask(query, { token: viewer, variables: { n } })).status).toBe(200);
		expect((await ask(query, { token: viewer, variables: { n: 200 } })).body.errors?.[0]?.extensions.code).toBe("TOO_COMPLEX");
		expect((await ask(query, { variables: { n: 1 } })).status).toBe(401);
		const introspection = "{ __schema { mutationType { name } } }";
		for (const _ of [1, 2, 3]) expect((await ask(introspection)).status).toBe(200);
		expect((await ask(introspection, { headers: STRANGER, token: viewer })).status).toBe(403);
	});
});

describe("the log", () => {
	it("has one line a request, with who asked what, and never a token", async () => {
		const { headers } = await ask("query Totals { cacheStats { totalEntries } }", { token: viewer });
		const lines = server.log().filter(({ requestId }) => requestId === headers.get("x-request-id"));
		expect(lines).toEqual([
			expect.objectContaining({ msg: "request", user: "viewer", operation: "Totals", status: 200, durationMs: expect.any(Number) }),
		]);
		expect(JSON.stringify(server.log())).not.toContain(viewer.split(".")[1]);
	});
});
