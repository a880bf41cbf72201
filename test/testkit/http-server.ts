/** The real HTTP server and tokens on a free port, over given operations. */
import { PassThrough } from "node:stream";
import pino from "pino";
import { openAuthenticator } from "../../src/auth/authenticator.js";
import { signToken } from "../../src/auth/sign-token.js";
import type { Config } from "../../src/config/config.js";
import { systemClock } from "../../src/core/clock.js";
import type { Job } from "../../src/core/job.js";
import type { Role } from "../../src/core/roles.js";
import type { HttpDeps, Timing } from "../../src/http/deps.js";
import { createHttpServer } from "../../src/http/server.js";
import type { Operations } from "../../src/operations/operations.js";

export const SECRET = "a secret that is long enough for the tests";

export const LIMITS: Config["limits"] = {
	depth: 12,
	aliases: 30,
	tokens: 2000,
	complexity: 5000,
	bodyBytes: 1_048_576,
	subscriptionsPerSocket: 100,
};

export const UNLIMITED: Config["rateLimits"] = { perUser: 0, perAddress: 0, local: false };

export const AUTH: Config["auth"] = {
	jwtSecret: null,
	jwtPublicKey: null,
	jwksUri: null,
	issuer: null,
	audience: null,
	defaultRole: "VIEWER",
	users: {},
};

export interface ServerUnderTest {
	readonly url: string;
	readonly host: string;
	readonly port: number;
	/** Lines of the log so far, parsed. */
	log(): Record<string, unknown>[];
	jobChanged(job: Job): void;
	close(graceMs?: number): Promise<void>;
}

export interface ServerOptions {
	readonly limits?: Partial<Config["limits"]>;
	readonly corsOrigins?: readonly string[];
	readonly trustProxy?: readonly string[];
	readonly rateLimits?: Config["rateLimits"];
	readonly auth?: Partial<Config["auth"]>;
	readonly timing?: Partial<Timing>;
	readonly readiness?: HttpDeps["readiness"];
}

export async function startServer(operations: Operations, options: ServerOptions = {}): Promise<ServerUnderTest> {
	const lines: string[] = [];
	const sink = new PassThrough();
	sink.on("data", (chunk: Buffer) => lines.push(...String(chunk).trimEnd().split("\n")));
	const logger = pino({ level: "debug" }, sink);
	const listeners = new Set<(job: Job) => void>();
	const server = await createHttpServer({
		config: {
			host: "127.0.0.1",
			port: 0,
			corsOrigins: options.corsOrigins ?? [],
			trustProxy: options.trustProxy ?? [],
			rateLimits: options.rateLimits ?? UNLIMITED,
			limits: { ...LIMITS, ...options.limits },
		},
		operations,
		authenticator: openAuthenticator({ ...AUTH, ...options.auth }, { secret: SECRET, clock: systemClock, log: logger }),
		logger,
		clock: systemClock,
		readiness: options.readiness ?? (async () => ({ ready: true, layers: [{ id: "b1", kind: "FILE", available: true }] })),
		catalog: { stats: () => ({ expiredEntries: 0, byType: [], byAge: [], layers: [], asOf: 0 }) },
		jobs: {
			onChange(listener) {
				listeners.add(listener);
				return () => listeners.delete(listener);
			},
		},
		...(options.timing ? { timing: options.timing } : {}),
	});
	const { url } = await server.listen();
	const { hostname, port } = new URL(url);
	return {
		url,
		host: hostname,
		port: Number(port),
		log: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
		jobChanged(job) {
			for (const listener of listeners) listener(job);
		},
		close: (graceMs = 200) => server.close(graceMs),
	};
}

export function tokenFor(role: Role, user = role.toLowerCase(), expiresIn: number | string = "1h"): Promise<string> {
	return signToken(SECRET, { user, roles: [role], expiresIn });
}

export interface GraphQLAnswer {
	readonly status: number;
	readonly headers: Headers;
	readonly body: {
		readonly data?: Record<string, unknown> | null;
		readonly errors?: readonly { readonly message: string; readonly path?: unknown; readonly extensions: Record<string, unknown> }[];
		readonly extensions?: Record<string, unknown>;
	};
}

/** One query over HTTP. */
export async function ask(
	url: string,
	query: string,
	{ token, variables, headers = {} }: { token?: string; variables?: Record<string, unknown>; headers?: Record<string, string> } = {},
): Promise<GraphQLAnswer> {
	const response = await fetch(`${url}/graphql`, {
		method: "POST",
		headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
		body: JSON.stringify({ query, variables }),
	});
	return { status: response.status, headers: response.headers, body: (await response.json()) as GraphQLAnswer["body"] };
}
