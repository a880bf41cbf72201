/**
 * GraphQL over HTTP, requests a second and processor time a request, side by side: the server with tokens, limits, policy and a log line a request on,
 * against plain Apollo on Fastify over the same schema, resolvers and data with none of them. Each server is a process of its own;
 * the two are loaded by turns, and the median of the ratios counts. Where other work disturbs the clock, the processor time still tells.
 *
 * Usage: graphql.ts [SECONDS=5] [ROUNDS=5] [CONNECTIONS=50]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import autocannon from "autocannon";
import fastify from "fastify";
import { pino } from "pino";
import { openAuthenticator } from "../src/auth/authenticator.js";
import { systemClock } from "../src/core/clock.js";
import { createHttpServer } from "../src/http/server.js";
import { buildApiSchema } from "../src/schema/build.js";
import type { GraphContext } from "../src/schema/context.js";
import { AUTH, LIMITS, SECRET, tokenFor } from "../test/testkit/http-server.js";
import { inMemoryOperations } from "../test/testkit/in-memory-operations.js";

const QUERIES = {
	"Q1 small object": "{ cacheStats { totalEntries totalBytes } }",
	"Q2 20 edges x 6 fields": "{ cacheDetails(first: 20) { edges { node { id key type size createdAt status } } } }",
} as const;
const WARM_UP_SECONDS = 2;
/** Counting is part of the work, being refused is not. */
const NEVER_REACHED = { perUser: Number.MAX_SAFE_INTEGER, perAddress: Number.MAX_SAFE_INTEGER, local: true };
const SERVERS = ["plain", "ours"] as const;
type ServerName = (typeof SERVERS)[number];

function operationsOf() {
	const operations = inMemoryOperations();
	// They note each call for the tests; nothing may grow here.
	setInterval(() => operations.calls.splice(0), 50).unref();
	return operations;
}

async function servePlain(): Promise<string> {
	const actor = { id: "admin", username: "admin", roles: ["ADMIN"], tokenExpiresAt: null, sessionId: null } as const;
	const call = { actor, origin: "GRAPHQL", requestId: "r", ipAddress: null, userAgent: null, locale: "en" } as const;
	const context: GraphContext = { call, operations: operationsOf() };
	const apollo = new ApolloServer<GraphContext>({ schema: buildApiSchema() });
	await apollo.start();
	const app = fastify();
	app.post("/graphql", fastifyApolloHandler(apollo, { context: async () => context }));
	return app.listen({ host: "127.0.0.1", port: 0 });
}

async function serveOurs(): Promise<string> {
	const logger = pino({ level: "info" }, pino.destination({ fd: 2, sync: false }));
	const server = await createHttpServer({
		config: { host: "127.0.0.1", port: 0, corsOrigins: [], trustProxy: [], rateLimits: NEVER_REACHED, limits: LIMITS },
		operations: operationsOf(),
		authenticator: openAuthenticator(AUTH, { secret: SECRET, clock: systemClock, log: logger }),
		logger,
		clock: systemClock,
		readiness: async () => ({ ready: true, layers: [] }),
		catalog: { stats: () => ({ expiredEntries: 0, byType: [], byAge: [], layers: [], asOf: 0 }) },
		jobs: { onChange: () => () => undefined },
	});
	return (await server.listen()).url;
}

interface Child {
	readonly url: string;
	readonly process: ChildProcess;
}

async function start(name: ServerName, log: string): Promise<Child> {
	const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), "serve", name], {
		env: { ...process.env, NODE_ENV: "production" },
		stdio: ["ignore", "pipe", openSync(log, "w"), "ipc"],
	});
	const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
	return { url: String(line).trim(), process: child };
}

/** Microseconds of processor time that the server has used so far. */
async function usedBy(child: ChildProcess): Promise<number> {
	const answer = once(child, "message") as Promise<[NodeJS.CpuUsage]>;
	child.send("cpu");
	const [{ user, system }] = await answer;
	return user + system;
}

interface Load {
	readonly perSecond: number;
	readonly microseconds: number;
}

async function load({ url, process: child }: Child, query: string, token: string, seconds: number, connections: number): Promise<Load> {
	const before = await usedBy(child);
	const { requests, non2xx, errors } = await autocannon({
		url: `${url}/graphql`,
		method: "POST",
		headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
		body: JSON.stringify({ query }),
		connections,
		duration: seconds,
	});
	if (non2xx + errors > 0) throw new Error(`${non2xx} answers were failures, ${errors} did not come`);
	return { perSecond: requests.average, microseconds: ((await usedBy(child)) - before) / requests.total };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function report(title: string, { plain, ours }: Record<ServerName, readonly Load[]>): void {
	const ratios = ours.map(({ perSecond }, round) => perSecond / (plain[round]?.perSecond ?? Number.NaN));
	const cheaper = ours.map(({ microseconds }, round) => (plain[round]?.microseconds ?? Number.NaN) / microseconds);
	for (const [name, loads] of [
		["plain Apollo", plain],
		["cachewarden", ours],
	] as const)
		console.log(
			`${title}: ${name} ${median(loads.map(({ perSecond }) => perSecond)).toFixed(0)} requests/s, ${median(loads.map(({ microseconds }) => microseconds)).toFixed(0)} µs of processor each`,
		);
	const listed = ratios.map((ratio) => ratio.toFixed(2)).join(", ");
	console.log(`${title}: ratio of requests/s ${median(ratios).toFixed(2)} (${listed}), of processor time ${median(cheaper).toFixed(2)}`);
}

async function compare(seconds: number, rounds: number, connections: number): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "cachewarden-bench-"));
	const [plain, ours] = await Promise.all(SERVERS.map((name) => start(name, join(folder, `${name}.log`))));
	if (!plain || !ours) throw new Error("a server did not start");
	const children = { plain, ours };
	const token = await tokenFor("ADMIN");
	try {
		for (const [title, query] of Object.entries(QUERIES)) {
			const measured: Record<ServerName, Load[]> = { plain: [], ours: [] };
			for (const child of Object.values(children)) await load(child, query, token, WARM_UP_SECONDS, connections);
			for (let round = 0; round < rounds; round++)
				for (const name of SERVERS) measured[name].push(await load(children[name], query, token, seconds, connections));
			report(title, measured);
		}
	} finally {
		for (const { process: child } of Object.values(children)) child.kill();
		rmSync(folder, { recursive: true, force: true });
	}
}

const [first, second, third] = process.argv.slice(2);
if (first === "serve") {
	process.on("message", () => process.send?.(process.cpuUsage()));
	console.log(await (second === "plain" ? servePlain() : serveOurs()));
} else await compare(Number(first ?? 5), Number(second ?? 5), Number(third ?? 50));
