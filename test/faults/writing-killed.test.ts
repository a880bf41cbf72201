/** Processes that are killed while they put values in place: whoever reads finds the old value or the new one, whole, and nothing else. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../testkit/eventually.js";
import { type HttpSource, sending, startHttpSource } from "../testkit/http-source.js";
import { readFieldTree } from "../testkit/metadata-reader.js";
import { startServer, type TestServer } from "../testkit/server.js";
import { temporaryFolder } from "../testkit/temporary.js";

const SOAK = process.env.SOAK === "1";
const WRITER = fileURLToPath(new URL("../testkit/writer-child.ts", import.meta.url));
const WRITER_KILLS = SOAK ? 60 : 3;
const JOB_KILLS = SOAK ? 20 : 1;
const SYMBOLS = SOAK ? 400 : 60;
const BYTES = 8_000_000;
const LONG_AGO = Date.now() / 1000 - 120;

function leftovers(root: string): string[] {
	return readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => /\.cachewarden-[0-9a-f]+\.tmp$/.test(path));
}

/** The tree as its programs read it; beside it may lie what a kill left: files on their way, and data whose metadata had not come yet. */
function readTree(root: string): ReturnType<typeof readFieldTree> {
	const described = new Set(
		(existsSync(join(root, "metadata")) ? readdirSync(join(root, "metadata")) : []).map((name) => name.replace("_meta.json", "")),
	);
	const data = readdirSync(root, { recursive: true, withFileTypes: true }).filter(({ name }) => name.endsWith(".csv"));
	const alone = data.map(({ name }) => name).filter((name) => !described.has(name.replace(".csv", "")));
	return readFieldTree(root, [...alone, ...leftovers(root).map((path) => path.slice(path.lastIndexOf("/") + 1))]);
}

let server: TestServer | undefined;
let source: HttpSource | undefined;
afterEach(async () => {
	await server?.stop("SIGKILL");
	await source?.close();
	server = undefined;
	source = undefined;
});

describe("a process that is killed while it writes a value", () => {
	it(
		"leaves the value before, and a file that nobody takes for an entry and the next start removes",
		async () => {
			const root = temporaryFolder();
			let left = 0;
			for (let kill = 0; kill < WRITER_KILLS || left === 0; kill++) {
				const child = spawn(process.execPath, ["--import", "@swc-node/register/esm-register", WRITER, root, String(BYTES)], {
					stdio: ["ignore", "pipe", "inherit"],
				});
				const exited = once(child, "exit");
				await once(child.stdout, "data");
				// The file is there for as long as writing it takes; nothing else may run here, the moment would be late.
				const givenUpAt = performance.now() + 10_000;
				while (leftovers(root).length === left && performance.now() < givenUpAt);
				child.kill("SIGKILL");
				await exited;
				left = leftovers(root).length;
				const [entry] = [...readTree(root).values()];
				expect(entry?.data).toBe((entry?.data[0] ?? "?").repeat(BYTES));
			}
			expect(left).toBeGreaterThan(0);
			// Too young to be sure that nobody is at work on it.
			for (const path of leftovers(root)) utimesSync(join(root, path), LONG_AGO, LONG_AGO);
			const young = join(root, "us_stocks", ".cachewarden-0123456789abcdef.tmp");
			const foreign = join(root, "us_stocks", ".cachewarden-of-somebody-else.tmp");
			for (const path of [young, foreign]) writeFileSync(path, "x");
			utimesSync(foreign, LONG_AGO, LONG_AGO);
			server = await startServer({ CACHE_DIR: root, DATA_DIR: temporaryFolder(), LOG_LEVEL: "warn" });
			const { data } = await server.query<{ cacheStats: unknown }>("{ cacheStats(fresh: true) { totalEntries totalBytes } }");
			expect(data.cacheStats).toEqual({ totalEntries: 1, totalBytes: BYTES });
			await eventually(() => expect(leftovers(root)).toEqual(["us_stocks/.cachewarden-0123456789abcdef.tmp"]), { withinMs: 10_000 });
			expect(readdirSync(join(root, "us_stocks"))).toContain(".cachewarden-of-somebody-else.tmp");
		},
		SOAK ? 600_000 : 120_000,
	);
});

describe.each([
	["warm-up", "mutation ($input: WarmUpInput!) { warmUp(input: $input) { job { id } } }", "warmUp"],
	["refresh", "mutation ($input: RefreshInput!) { refresh(input: $input) { job { id } } }", "refresh"],
] as const)("a server that is killed in the middle of a %s", (kind, document, field) => {
	it(
		`goes on at its next start; every entry is whole at every moment, and each is counted once (${JOB_KILLS} kills)`,
		async () => {
			let version = 1;
			source = await startHttpSource(sending("text/csv", (symbol) => `date,close\n2026-11-24,${symbol} v${version}\n`));
			const root = temporaryFolder();
			const file = join(temporaryFolder(), "cachewarden.yaml");
			const quotes = {
				kind: "http",
				url: `${source.url}/?symbol={symbol}`,
				types: ["stock_data"],
				concurrency: 2,
				allowPrivateAddresses: true,
			};
			writeFileSync(file, JSON.stringify({ loaders: { quotes: { ...quotes, requestsPerSecond: 10_000 } } }));
			const environment = { CACHE_DIR: root, DATA_DIR: temporaryFolder(), CONFIG_FILE: file, LOG_LEVEL: "warn" };
			const symbols = Array.from({ length: SYMBOLS }, (_, i) => `S${i}`);

			async function ended(id: string): Promise<{ readonly status: string; readonly progress: Record<string, number> }> {
				return eventually(
					async () => {
						const { data } = await (server as TestServer).query<{ job: { status: string; progress: Record<string, number> } }>(
							"query ($id: ID!) { job(id: $id) { status progress { loadedEntries failedEntries skippedEntries } } }",
							{ id },
						);
						expect(["QUEUED", "RUNNING"]).not.toContain(data.job.status);
						return data.job;
					},
					{ withinMs: 60_000, everyMs: 50 },
				);
			}
			async function begin(input: Record<string, unknown>): Promise<string> {
				const asked =
					kind === "refresh" && "loader" in input
						? ["warmUp", "mutation ($input: WarmUpInput!) { warmUp(input: $input) { job { id } } }"]
						: [field, document];
				const { data } = await (server as TestServer).query<Record<string, { job: { id: string } }>>(asked[1] as string, { input });
				return data[asked[0] as string]?.job.id as string;
			}

			server = await startServer(environment);
			if (kind === "refresh") await ended(await begin({ loader: "quotes", symbols }));
			for (let kill = 0; kill < JOB_KILLS; kill++) {
				const before = kind === "refresh" || kill > 0 ? readTree(root) : new Map<string, { readonly data: string }>();
				if (kind === "refresh") version++;
				source.forget();
				const wanted = kind === "refresh" ? symbols : symbols.map((symbol) => `${symbol}.${kill}`);
				const id = await begin(kind === "refresh" ? { types: ["stock_data"] } : { loader: "quotes", symbols: wanted });
				const at = Math.floor(Math.random() * SYMBOLS);
				await eventually(() => expect(source?.requests.length).toBeGreaterThan(at), { withinMs: 30_000, everyMs: 1 });
				await server.stop("SIGKILL");
				const meanwhile = readTree(root);
				expect(meanwhile.size).toBeGreaterThanOrEqual(before.size);
				for (const [key, { symbol, data }] of meanwhile) {
					const values = [before.get(key)?.data, `date,close\n2026-11-24,${symbol} v${version}\n`];
					expect(values).toContain(data);
				}
				server = await startServer(environment);
				const job = await ended(id);
				expect(job).toMatchObject({ status: "SUCCEEDED", progress: { loadedEntries: SYMBOLS, failedEntries: 0, skippedEntries: 0 } });
				const after = readTree(root);
				for (const symbol of wanted) {
					const found = [...after.values()].filter((entry) => entry.symbol === symbol);
					expect(found.map(({ data }) => data)).toEqual([`date,close\n2026-11-24,${symbol} v${version}\n`]);
				}
				const { data } = await server.query<{ cacheDetails: { totalCount: number } }>(
					"{ cacheDetails(filter: { statuses: [STALE] }) { totalCount } }",
				);
				expect(data.cacheDetails.totalCount).toBe(0);
			}
		},
		SOAK ? 900_000 : 120_000,
	);
});
