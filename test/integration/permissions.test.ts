/** Fault S8: every role × every operation × every way in, each tried for real on real adapters. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { generateTree } from "../../bench/generate-tree.js";
import { type Session, SessionError } from "../../src/client/session.js";
import { OPERATIONS, type OperationName, ROLES, type Role } from "../../src/core/roles.js";
import { inProcessSession } from "../../src/http/in-process-session.js";
import { REST_ROUTES } from "../../src/http/rest/routes.js";
import { buildApiSchema } from "../../src/schema/build.js";
import { callCommand } from "../testkit/cli.js";
import { ask, type ServerUnderTest, startServer, tokenFor } from "../testkit/http-server.js";
import { openRealOperations, type RealOperations } from "../testkit/real-operations.js";
import { callRest } from "../testkit/rest.js";

const ENTRIES = 120;
const SCHEDULES = 20;
/** One person under every role, so that what is his is visible to each. */
const USER = "alice";
const MONTHLY = '{ name: "monthly", cron: "0 3 1 * *", cleanup: { types: ["none"] } }';
/** Nobody on this machine, who would see the schema whatever his role. */
const FROM_AFAR = { "x-forwarded-for": "198.51.100.7" };

interface Cell {
	/** Written here anew and not taken from the table: who must be let through. */
	readonly least: Role;
	/** What is asked over GraphQL, over the network and in the process. */
	readonly document: string;
	readonly variables?: () => Record<string, unknown>;
	readonly rest?: () => readonly [method: string, path: string];
	/** Answered with a file. */
	readonly file?: string;
	readonly command?: () => readonly string[];
	/** The code of a call that is let through, where it cannot come to anything. */
	readonly comesTo?: string;
	/** Of the command, when it is let through. */
	readonly exit?: number;
}

let folder: string;
let root: string;
let spare: string;
let real: RealOperations;
let server: ServerUnderTest;
/** Ids of entries that are there; each deletion takes one. */
let entries: string[];
let endedJob: string;
let auditCursor: string;
let schedule: string;
/** Ids of schedules that are there; each deletion takes one. */
let spareSchedules: string[];
const entryId = (): string => entries.at(-1) as string;

const CELLS: Record<OperationName, Cell> = {
	viewer: { least: "VIEWER", document: "{ viewer { id } }" },
	node: { least: "VIEWER", document: "query ($id: ID!) { node(id: $id) { id } }", variables: () => ({ id: entryId() }) },
	cacheStats: {
		least: "VIEWER",
		document: "{ cacheStats { totalEntries } }",
		rest: () => ["GET", "/api/cache/stats"],
		command: () => ["stats"],
	},
	cacheDetails: {
		least: "VIEWER",
		document: "{ cacheDetails(first: 1) { totalCount nodes { id } } }",
		rest: () => ["GET", "/api/cache/details"],
		command: () => ["details"],
	},
	cacheEntry: { least: "VIEWER", document: "query ($id: ID!) { cacheEntry(id: $id) { id } }", variables: () => ({ id: entryId() }) },
	entryPreview: {
		least: "OPERATOR",
		document: "query ($id: ID!) { cacheEntry(id: $id) { preview { mediaType } } }",
		variables: () => ({ id: entryId() }),
	},
	backendInfo: { least: "VIEWER", document: "{ backendInfo { system } }", rest: () => ["GET", "/api/cache/backend-info"] },
	cleanupPreview: {
		least: "VIEWER",
		document: "{ cleanupPreview(input: { olderThanDays: 7 }) { planId sample(first: 1) { id } } }",
		command: () => ["cleanup", "--dry-run"],
	},
	job: {
		least: "VIEWER",
		document: "query ($id: ID!) { job(id: $id) { id failures { totalCount } } }",
		variables: () => ({ id: endedJob }),
		rest: () => ["GET", `/api/cache/jobs/${endedJob}`],
		command: () => ["job", endedJob],
	},
	jobs: { least: "VIEWER", document: "{ jobs { totalCount } }", command: () => ["jobs"] },
	queueStats: { least: "VIEWER", document: "{ queueStats { queued } }" },
	auditLog: {
		least: "VIEWER",
		document: "{ auditLog { totalCount } }",
		file: "/audit/export?format=jsonl",
		command: () => ["audit"],
	},
	auditStats: { least: "VIEWER", document: "{ auditStats { total } }" },
	auditVerify: { least: "ADMIN", document: "{ auditVerify { valid } }", command: () => ["audit", "verify"] },
	cacheStatsHistory: {
		least: "VIEWER",
		document: '{ cacheStatsHistory(since: "2026-01-01T00:00:00Z", bucket: DAY) { at } }',
	},
	introspection: { least: "ADMIN", document: "{ __schema { queryType { name } } }" },
	cleanup: {
		least: "OPERATOR",
		document: "mutation { cleanup(input: { olderThanDays: 3000, wait: true }) { job { id } } }",
		rest: () => ["DELETE", "/api/cache/cleanup?days=30"],
		command: () => ["cleanup", "--days", "3000"],
	},
	clear: {
		least: "ADMIN",
		document: 'mutation { clear(input: { confirm: true, types: ["none"], wait: true }) { job { id } } }',
		rest: () => ["DELETE", "/api/cache/clear"],
		command: () => ["clear", "--yes"],
	},
	deleteEntries: {
		least: "OPERATOR",
		document: "mutation ($ids: [ID!]!) { deleteEntries(ids: $ids) { deletedIds } }",
		variables: () => ({ ids: [entries.pop()] }),
		command: () => ["delete", entries.pop() as string],
	},
	quarantine: { least: "VIEWER", document: "{ quarantine { jobId } }", command: () => ["restore"] },
	restoreJob: {
		least: "OPERATOR",
		document: "mutation ($id: ID!) { restoreJob(id: $id) { job { id } } }",
		variables: () => ({ id: endedJob }),
		command: () => ["restore", endedJob],
		comesTo: "CONFLICT",
		exit: 1,
	},
	modelConfig: { least: "VIEWER", document: "{ modelConfig { version } }", command: () => ["models"] },
	modelCapability: { least: "VIEWER", document: '{ modelCapability(model: "gpt-4") { name } }' },
	refresh: {
		least: "OPERATOR",
		document: 'mutation { refresh(input: { symbols: ["none"] }) { job { id } } }',
		rest: () => ["POST", "/api/cache/refresh"],
		comesTo: "BAD_USER_INPUT",
	},
	warmUp: {
		least: "OPERATOR",
		document: 'mutation { warmUp(input: { loader: "none", symbols: ["A"] }) { job { id } } }',
		rest: () => ["POST", "/api/cache/warm-up"],
		comesTo: "BAD_USER_INPUT",
	},
	syncDataSource: {
		least: "OPERATOR",
		document: 'mutation { syncDataSource(input: { source: "none" }) { job { id } } }',
		comesTo: "BAD_USER_INPUT",
	},
	reportDataSourceSync: {
		least: "OPERATOR",
		document: 'mutation { reportDataSourceSync(input: { source: "none", success: true }) { job { id } } }',
		comesTo: "BAD_USER_INPUT",
	},
	updateModelConfig: {
		least: "ADMIN",
		document: "mutation { updateModelConfig(input: { expectedVersion: 7, models: [] }) { status } }",
		comesTo: "CONFLICT",
	},
	cancelJob: {
		least: "OPERATOR",
		document: "mutation ($id: ID!) { cancelJob(id: $id) { job { id } } }",
		variables: () => ({ id: endedJob }),
		command: () => ["cancel", endedJob],
		// It had ended before, and not by being cancelled.
		exit: 1,
	},
	retryJob: {
		least: "OPERATOR",
		document: "mutation ($id: ID!) { retryJob(id: $id) { job { id } } }",
		variables: () => ({ id: endedJob }),
		comesTo: "CONFLICT",
	},
	schedules: { least: "VIEWER", document: "{ schedules { id } }", command: () => ["schedules"] },
	createSchedule: {
		least: "OPERATOR",
		document: `mutation { createSchedule(input: ${MONTHLY}) { schedule { id } } }`,
		command: () => ["schedules", "create", "--name", "monthly", "--cron", "0 3 1 * *"],
	},
	updateSchedule: {
		least: "OPERATOR",
		document: "mutation ($id: ID!) { updateSchedule(id: $id, input: { paused: true }) { schedule { id } } }",
		variables: () => ({ id: schedule }),
		command: () => ["schedules", "pause", schedule],
	},
	deleteSchedule: {
		least: "OPERATOR",
		document: "mutation ($id: ID!) { deleteSchedule(id: $id) { deletedId } }",
		variables: () => ({ id: spareSchedules.pop() }),
		command: () => ["schedules", "delete", spareSchedules.pop() as string],
	},
	runScheduleNow: {
		least: "OPERATOR",
		document: "mutation ($id: ID!) { runScheduleNow(id: $id) { job { id } } }",
		variables: () => ({ id: schedule }),
		command: () => ["schedules", "run", schedule],
	},
	cleanupProgress: {
		least: "VIEWER",
		document: "subscription ($id: ID) { cleanupProgress(jobId: $id) { jobId } }",
		variables: () => ({ id: endedJob }),
	},
	jobProgress: {
		least: "VIEWER",
		document: "subscription ($id: ID) { jobProgress(jobId: $id) { jobId } }",
		variables: () => ({ id: endedJob }),
		command: () => ["job", endedJob, "--follow"],
	},
	auditLogAdded: {
		least: "VIEWER",
		document: "subscription ($after: String) { auditLogAdded(after: $after) { cursor } }",
		variables: () => ({ after: auditCursor }),
	},
	backendStatusChanged: { least: "VIEWER", document: "subscription { backendStatusChanged { id available } }" },
	cacheStatsChanged: { least: "VIEWER", document: "subscription { cacheStatsChanged(minIntervalMs: 100) { totalEntries } }" },
};

const NAMES = Object.keys(CELLS) as OperationName[];
const isSubscription = (name: OperationName): boolean => OPERATIONS[name].kind === "subscription";
let trees = 0;

/** New entries, which totals follow and deletions can take. */
async function refill(): Promise<void> {
	generateTree({ root, entries: ENTRIES, seed: ++trees });
	await real.catalog.refresh(null);
	entries = (await real.catalog.slice(0, ENTRIES)).entries.map(({ id }) => id);
}

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "cachewarden-permissions-"));
	root = join(folder, "cache");
	spare = join(folder, "spare");
	generateTree({ root, entries: 1, seed: 99 });
	real = await openRealOperations(root, spare, join(folder, "state"));
	await refill();
	server = await startServer(real.operations);
	const token = await tokenFor("ADMIN", USER);
	const before = await ask(server.url, "{ auditLog { liveCursor } }", { token });
	auditCursor = (before.body.data as { auditLog: { liveCursor: string } }).auditLog.liveCursor;
	const cleanup = await ask(server.url, "mutation { cleanup(input: { olderThanDays: 3000, wait: true }) { job { id status } } }", {
		token,
	});
	endedJob = (cleanup.body.data as { cleanup: { job: { id: string } } }).cleanup.job.id;
	const ids: string[] = [];
	// The refused ways of deletion take one each, too.
	for (let made = 0; made < SCHEDULES; made++) {
		const { body } = await ask(server.url, `mutation { createSchedule(input: ${MONTHLY}) { schedule { id } } }`, { token });
		ids.push((body.data as { createSchedule: { schedule: { id: string } } }).createSchedule.schedule.id);
	}
	[schedule, ...spareSchedules] = ids as [string, ...string[]];
});
afterAll(async () => {
	await server.close();
	await real.close();
	rmSync(folder, { recursive: true, force: true });
});

/** Null is nobody. */
type Caller = Role | null;
type Way = (cell: Cell, caller: Caller, name: OperationName) => Promise<string>;

const tokenOf = async (caller: Caller): Promise<string | undefined> => (caller === null ? undefined : tokenFor(caller, USER));
const codeOf = (errors: readonly { readonly extensions?: unknown }[] | undefined): string =>
	errors?.[0] === undefined ? "OK" : String((errors[0].extensions as { code?: unknown }).code);

/** What makes events of a subscription that has none to tell at once. */
const CHANGES: Partial<Record<OperationName, () => void>> = {
	cacheStatsChanged: () => generateTree({ root, entries: 1, seed: ++trees }),
	backendStatusChanged: () => (existsSync(spare) ? rmSync(spare, { recursive: true }) : mkdirSync(spare)),
};

/** Waits for the first event of a subscription. */
async function firstOf(events: AsyncIterator<unknown>, name: OperationName): Promise<void> {
	const change = CHANGES[name];
	const changes = change === undefined ? undefined : setInterval(change, 100);
	try {
		await events.next();
	} finally {
		clearInterval(changes);
		await events.return?.();
	}
}

const overHttp: Way = async ({ document, variables }, caller) => {
	const token = await tokenOf(caller);
	const { body } = await ask(server.url, document, {
		headers: FROM_AFAR,
		...(token ? { token } : {}),
		...(variables ? { variables: variables() } : {}),
	});
	return codeOf(body.errors);
};

class AfarSocket extends WebSocket {
	constructor(url: string, protocol: string) {
		super(url, protocol, { headers: FROM_AFAR });
	}
}

const overSocket: Way = async ({ document, variables }, caller, name) => {
	const token = await tokenOf(caller);
	const client = createClient({
		url: `${server.url.replace("http", "ws")}/graphql`,
		webSocketImpl: AfarSocket,
		retryAttempts: 0,
		...(token ? { connectionParams: { Authorization: `Bearer ${token}` } } : {}),
	});
	let outcome = "OK";
	const results = client.iterate({ query: document, ...(variables ? { variables: variables() } : {}) });
	try {
		await firstOf(
			{
				async next() {
					const item = await results.next();
					if (!item.done) outcome = codeOf(item.value.errors);
					return item;
				},
				return: async () => results.return?.() as Promise<IteratorResult<unknown>>,
			},
			name,
		);
		return outcome;
	} catch (error) {
		// The socket of who shows no token is closed before anything can be asked.
		if ((error as { code?: number }).code === 4403) return "UNAUTHENTICATED";
		return codeOf(error as { extensions: unknown }[]);
	} finally {
		await client.dispose();
	}
};

const overRest: Way = async ({ rest }, caller) => {
	const [method, path] = rest?.() ?? ["", ""];
	const token = await tokenOf(caller);
	const { status, body } = await callRest(server.url, path, { method, ...(token ? { token } : {}) });
	if (body.success) return "OK";
	expect(status).toBe({ UNAUTHENTICATED: 401, FORBIDDEN: 403 }[String(body.code)] ?? status);
	return String(body.code);
};

const asFile: Way = async ({ file }, caller) => {
	const token = await tokenOf(caller);
	const headers = { ...FROM_AFAR, ...(token ? { authorization: `Bearer ${token}` } : {}) };
	const response = await fetch(`${server.url}${file}`, { headers });
	const text = await response.text();
	if (response.ok) {
		expect(text).toContain(`"userId":"${USER}"`);
		return "OK";
	}
	const { code } = JSON.parse(text) as { readonly code: string };
	expect(response.status).toBe({ UNAUTHENTICATED: 401, FORBIDDEN: 403 }[code]);
	return code;
};

const inProcess: Way = async ({ document, variables }, caller, name) => {
	const session: Session = inProcessSession({
		schema: buildApiSchema(),
		operations: real.operations,
		caller: {
			actor: caller === null ? null : { id: USER, username: USER, roles: [caller], tokenExpiresAt: null, sessionId: null },
			origin: "CLI",
			ipAddress: null,
			userAgent: null,
			locale: "en",
		},
		log: { error: () => undefined, info: () => undefined },
		close: async () => undefined,
	});
	try {
		if (isSubscription(name)) await firstOf(session.subscribe(document as never, variables?.() as never), name);
		else await session.execute(document as never, variables?.() as never);
		return "OK";
	} catch (error) {
		if (!(error instanceof SessionError)) throw error;
		return error.code;
	}
};

const commandLine: Way = async ({ command, exit = 0 }, caller) => {
	const token = await tokenOf(caller);
	const flags = ["--url", server.url, "--json", ...(token ? ["--token", token] : [])];
	const { code, out } = await callCommand([...(command?.() ?? []), ...flags], { env: { DATA_DIR: join(folder, "other") } });
	const error = /"error": *\{[^}]*"code": *"(\w+)"/s.exec(out)?.[1] ?? null;
	expect({ error, code }).toEqual({ error, code: error === null ? exit : 1 });
	return error ?? "OK";
};

const WAYS: readonly { readonly way: string; readonly call: Way; readonly has: (cell: Cell, name: OperationName) => boolean }[] = [
	{ way: "GraphQL over HTTP", call: overHttp, has: (_, name) => !isSubscription(name) },
	{ way: "GraphQL over WebSocket", call: overSocket, has: () => true },
	{ way: "REST", call: overRest, has: ({ rest }) => rest !== undefined },
	{ way: "a file over HTTP", call: asFile, has: ({ file }) => file !== undefined },
	{ way: "in the process", call: inProcess, has: () => true },
	{ way: "the command line", call: commandLine, has: ({ command }) => command !== undefined },
];

function expected({ least, comesTo = "OK" }: Cell, caller: Caller, name: OperationName, way: string): string {
	// Who runs the program may read its source, too.
	if (name === "introspection" && way === "in the process") return "OK";
	if (caller === null) return "UNAUTHENTICATED";
	return ROLES.indexOf(caller) >= ROLES.indexOf(least) ? comesTo : "FORBIDDEN";
}

describe("the matrix of permissions", () => {
	it("has a row for every operation, and REST for every route", () => {
		expect(NAMES.sort()).toEqual((Object.keys(OPERATIONS) as OperationName[]).sort());
		const overRest = NAMES.filter((name) => CELLS[name].rest !== undefined);
		expect(overRest.sort()).toEqual([...new Set(REST_ROUTES.map(({ operation }) => operation))].sort());
	});

	describe.each([...WAYS])("$way", ({ way, call, has }) => {
		const rows = NAMES.filter((name) => has(CELLS[name], name));

		it.each(rows)("%s", async (name) => {
			const outcomes: Record<string, string> = {};
			const wanted: Record<string, string> = {};
			for (const caller of [null, ...ROLES]) {
				if (entries.length < 10) await refill();
				outcomes[String(caller)] = await call(CELLS[name], caller, name);
				wanted[String(caller)] = expected(CELLS[name], caller, name, way);
				if (name === "clear") await refill();
			}
			expect(outcomes).toEqual(wanted);
		});
	});

	it("records who was refused a change, and by which way he came", async () => {
		const token = await tokenFor("ADMIN", "root");
		const query = '{ auditLog(first: 200, filter: { userId: "alice", success: false }) { nodes { origin action errorCode } } }';
		const { body } = await ask(server.url, query, { token });
		const refused = (body.data as { auditLog: { nodes: { origin: string; action: string; errorCode: string }[] } }).auditLog.nodes
			.filter(({ errorCode }) => errorCode === "FORBIDDEN")
			.map(({ origin, action }) => `${origin} ${action}`);
		for (const origin of ["GRAPHQL", "CLI"])
			for (const action of NAMES.filter((name) => OPERATIONS[name].kind === "mutation")) expect(refused).toContain(`${origin} ${action}`);
		for (const action of ["cleanup", "clear"]) expect(refused).toContain(`REST ${action}`);
	});
});
