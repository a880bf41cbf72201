/** Apollo Client and urql as docs/client.md shows them, against a real server. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApolloClient } from "@apollo/client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Client as UrqlClient } from "@urql/core";
import {
	AuditLogAddedDocument,
	AuditLogDocument,
	CleanupDocument,
	JobProgressDocument,
	PreviewDocument,
	StatsDocument,
} from "cachewarden/client";
import { WebSocket } from "ws";
import { generateTree } from "../../bench/generate-tree.js";
import { connectApollo, typed as forApollo } from "../../examples/apollo/client.js";
import { connectPlainApollo } from "../../examples/apollo/plain.js";
import { connectUrql, typed as forUrql } from "../../examples/urql/client.js";
import { connectPlainUrql } from "../../examples/urql/plain.js";
import { eventually } from "../testkit/eventually.js";
import { startServer, type TestServer, testToken } from "../testkit/server.js";

const folder = mkdtempSync(join(tmpdir(), "cachewarden-clients-"));
const root = join(folder, "cache");
const env = { CACHE_DIR: root, DATA_DIR: join(folder, "state"), LOG_LEVEL: "warn" };
let server: TestServer;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
	mkdirSync(root);
	generateTree({ root, entries: 200 });
	server = await startServer(env);
});
afterEach(async () => {
	for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
	await server.stop();
	rmSync(folder, { recursive: true, force: true });
});

/** What this test needs of either library. */
interface Library {
	stats(): Promise<number | undefined>;
	plan(days: number): Promise<string>;
	execute(planId: string): Promise<string>;
	/** Statuses, to the end of the job. */
	statuses(jobId: string): Promise<string[]>;
	liveCursor(): Promise<string>;
	/** Returns the way to stop. */
	follow(after: string, onSequence: (sequence: number) => void): () => void;
}

function apolloLibrary(apollo: ApolloClient): Library {
	return {
		async stats() {
			const { data } = await apollo.query({ query: forApollo(StatsDocument), variables: { fresh: true }, fetchPolicy: "network-only" });
			return data?.cacheStats?.totalEntries;
		},
		async plan(days) {
			const { data } = await apollo.query({ query: forApollo(PreviewDocument), variables: { input: { olderThanDays: days } } });
			return data?.cleanupPreview?.planId ?? "";
		},
		async execute(planId) {
			const { data } = await apollo.mutate({ mutation: forApollo(CleanupDocument), variables: { input: { planId } } });
			return data?.cleanup.job.id ?? "";
		},
		statuses(jobId) {
			const seen: string[] = [];
			return new Promise((resolve, reject) => {
				apollo.subscribe({ query: forApollo(JobProgressDocument), variables: { jobId } }).subscribe({
					next: ({ data }) => seen.push(data?.jobProgress.status ?? ""),
					error: reject,
					complete: () => resolve(seen),
				});
			});
		},
		async liveCursor() {
			const { data } = await apollo.query({ query: forApollo(AuditLogDocument), variables: { first: 1 }, fetchPolicy: "network-only" });
			return data?.auditLog?.liveCursor ?? "";
		},
		follow(after, onSequence) {
			const following = apollo.subscribe({ query: forApollo(AuditLogAddedDocument), variables: { after } }).subscribe({
				next: ({ data }) => onSequence(data?.auditLogAdded.node.sequence ?? 0),
			});
			return () => following.unsubscribe();
		},
	};
}

function urqlLibrary(urql: UrqlClient): Library {
	return {
		async stats() {
			const { data } = await urql.query(forUrql(StatsDocument), { fresh: true }, { requestPolicy: "network-only" });
			return data?.cacheStats?.totalEntries;
		},
		async plan(days) {
			const { data } = await urql.query(forUrql(PreviewDocument), { input: { olderThanDays: days } });
			return data?.cleanupPreview?.planId ?? "";
		},
		async execute(planId) {
			const { data } = await urql.mutation(forUrql(CleanupDocument), { input: { planId } });
			return data?.cleanup.job.id ?? "";
		},
		statuses(jobId) {
			const seen: string[] = [];
			return new Promise((resolve, reject) => {
				urql.subscription(forUrql(JobProgressDocument), { jobId }).subscribe(({ data, error, hasNext }) => {
					if (error) reject(error);
					if (data) seen.push(data.jobProgress.status);
					if (!hasNext) resolve(seen);
				});
			});
		},
		async liveCursor() {
			const { data } = await urql.query(forUrql(AuditLogDocument), { first: 1 }, { requestPolicy: "network-only" });
			return data?.auditLog?.liveCursor ?? "";
		},
		follow(after, onSequence) {
			const following = urql.subscription(forUrql(AuditLogAddedDocument), { after }).subscribe(({ data }) => {
				if (data) onSequence(data.auditLogAdded.node.sequence ?? 0);
			});
			return () => following.unsubscribe();
		},
	};
}

const token = (): Promise<string> => testToken("ADMIN");

/** Each way of connecting that the page shows; whether its audit subscription comes back where it broke off. */
const WAYS: readonly (readonly [name: string, resumes: boolean, connect: () => Library])[] = [
	[
		"Apollo Client with cachewarden's client",
		true,
		() => {
			const { apollo, cachewarden } = connectApollo(server.url, token, WebSocket);
			ends.push(() => cachewarden.close());
			return apolloLibrary(apollo);
		},
	],
	[
		"Apollo Client with graphql-ws",
		false,
		() => {
			const { apollo, socket } = connectPlainApollo(server.url, token, WebSocket);
			ends.push(() => socket.dispose());
			return apolloLibrary(apollo);
		},
	],
	[
		"urql with cachewarden's client",
		true,
		() => {
			const { urql, cachewarden } = connectUrql(server.url, token, WebSocket);
			ends.push(() => cachewarden.close());
			return urqlLibrary(urql);
		},
	],
	[
		"urql with graphql-ws",
		false,
		() => {
			const { urql, socket } = connectPlainUrql(server.url, token, WebSocket);
			ends.push(() => socket.dispose());
			return urqlLibrary(urql);
		},
	],
];

describe.each(WAYS)("%s", (_name, resumes, connect) => {
	it("reads statistics, executes the plan of a preview, watches it, and follows the audit log", async () => {
		const library = connect();
		const before = await library.stats();
		const days = 13 - 3 * WAYS.findIndex(([name]) => name === _name);
		const planId = await library.plan(days);
		const cursor = await library.liveCursor();
		const jobId = await library.execute(planId);
		expect((await library.statuses(jobId)).at(-1)).toBe("SUCCEEDED");
		expect(await library.stats()).toBeLessThan(before ?? 0);

		const seen: number[] = [];
		const stop = library.follow(cursor, (sequence) => seen.push(sequence));
		await eventually(() => expect(seen).toHaveLength(1), { withinMs: 10_000 });
		if (resumes) {
			const { port } = new URL(server.url);
			await server.stop("SIGKILL");
			server = await startServer({ ...env, PORT: port });
		}
		await library.execute(await library.plan(3000 + days));
		await eventually(() => expect(seen).toHaveLength(2), { withinMs: 20_000 });
		expect(seen[1]).toBe((seen[0] ?? 0) + 1);
		stop();
	});
});

describe("tokens", () => {
	it("are renewed under Apollo Client and urql when the server refuses one, and go nowhere else", async () => {
		for (const connect of [connectApollo, connectUrql]) {
			let asked = 0;
			const { cachewarden, ...library } = connect(server.url, async () => (asked++ === 0 ? "ended" : token()), WebSocket);
			ends.push(() => cachewarden.close());
			const entries = await ("apollo" in library ? apolloLibrary(library.apollo) : urqlLibrary(library.urql)).stats();
			expect({ known: typeof entries, asked }).toEqual({ known: "number", asked: 2 });
			await expect(cachewarden.fetch("http://127.0.0.1:9/graphql")).rejects.toThrow("is not at http://127.0.0.1");
		}
	});
});
