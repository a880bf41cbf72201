/** refresh, warm-up and sync as processes: exit codes, one document with --json, and the cache that they leave. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { runCommand } from "../testkit/cli.js";
import { failing, type HttpSource, sending, startHttpSource } from "../testkit/http-source.js";
import { readFieldTree } from "../testkit/metadata-reader.js";
import { heldFolder, removeHeldFolders } from "../testkit/temporary.js";

interface JobAnswer {
	readonly kind: string;
	readonly status: string;
	readonly progress: Record<string, unknown>;
	readonly failures: { readonly totalCount: number };
}

describe("loading on the command line", () => {
	let source: HttpSource;
	let root: string;
	let env: Record<string, string>;
	let version = 1;

	beforeAll(async () => {
		source = await startHttpSource(failing(404));
		root = heldFolder();
		const file = join(heldFolder(), "cachewarden.yaml");
		const quotes = { kind: "http", url: `${source.url}/?symbol={symbol}`, types: ["stock_data"], retries: 0, allowPrivateAddresses: true };
		const exchange = { sync: { url: `${source.url}/sync`, allowPrivateAddresses: true }, types: ["stock_data"] };
		writeFileSync(file, JSON.stringify({ sync: { coalesceMs: 0 }, loaders: { quotes }, sources: { exchange } }));
		env = { CACHE_DIR: root, DATA_DIR: heldFolder(), CONFIG_FILE: file, CACHE_TIMEZONE: "UTC", LANG: "C", LOG_LEVEL: "error" };
	});
	afterAll(async () => {
		await source.close();
		removeHeldFolders();
	});
	beforeEach(() => {
		source.forget();
		source.answer((request, response) =>
			request.path.includes("GONE")
				? failing(404)(request, response)
				: sending("text/csv", (symbol) => `date,close\n2026-11-24,${symbol} v${version}\n`)(request, response),
		);
	});

	async function json(...args: string[]): Promise<{ readonly code: number | null; readonly answer: JobAnswer }> {
		const { code, out, err } = await runCommand([...args, "--json"], { env });
		if (out === "") throw new Error(err);
		// One document and nothing else.
		expect(out.trimEnd().split("\n")).toHaveLength(1);
		return { code, answer: JSON.parse(out) as JobAnswer };
	}

	const held = (): string[] => [...readFieldTree(root).values()].map(({ data }) => data.split(",")[2]?.trim() ?? "").sort();

	it("warms up, refreshes and syncs what it was told to, with the exit code of what came of it", async () => {
		const warmed = await json("warm-up", "AAPL", "600519", "--loader", "quotes");
		expect(warmed).toMatchObject({
			code: 0,
			answer: { kind: "WARM_UP", status: "SUCCEEDED", progress: { loadedEntries: 2, percent: 100 } },
		});
		expect(held()).toEqual(["600519 v1", "AAPL v1"]);

		const partly = await json("warm-up", "MSFT", "GONE", "--loader", "quotes");
		expect(partly).toMatchObject({ code: 3, answer: { status: "PARTIALLY_FAILED", progress: { loadedEntries: 1, failedEntries: 1 } } });
		expect(partly.answer.failures.totalCount).toBe(1);

		version = 2;
		const refreshed = await json("refresh", "--symbol", "AAPL");
		expect(refreshed).toMatchObject({ code: 0, answer: { kind: "REFRESH", status: "SUCCEEDED", progress: { loadedEntries: 1 } } });
		expect(held()).toEqual(["600519 v1", "AAPL v2", "MSFT v1"]);

		source.answer(failing(500));
		const failed = await json("refresh", "--symbol", "AAPL");
		expect(failed).toMatchObject({ code: 1, answer: { status: "FAILED", progress: { loadedEntries: 0, failedEntries: 1 } } });
		const unsynced = await json("sync", "exchange");
		expect(unsynced).toMatchObject({ code: 1, answer: { kind: "SYNC", status: "FAILED", progress: { deletedEntries: 0 } } });
		expect(held()).toEqual(["600519 v1", "AAPL v2", "MSFT v1"]);

		source.forget();
		source.answer((_, response) => void response.writeHead(200).end());
		const synced = await json("sync", "exchange", "--symbol", "AAPL");
		expect(synced).toMatchObject({ code: 0, answer: { status: "SUCCEEDED", progress: { deletedEntries: 1 } } });
		expect(source.requests.map(({ body }) => JSON.parse(body))).toEqual([{ source: "exchange", symbols: ["AAPL"] }]);
		expect(held()).toEqual(["600519 v1", "MSFT v1"]);
	}, 180_000);

	it("tells a person what came of it, and what to write instead", async () => {
		const [told, unknown, nowhere] = await Promise.all([
			runCommand(["warm-up", "NVDA", "--loader", "quotes"], { env }),
			runCommand(["warm-up", "NVDA", "--loader", "qoutes"], { env: { ...env, DATA_DIR: heldFolder() } }),
			runCommand(["sync", "nowhere"], { env: { ...env, DATA_DIR: heldFolder() } }),
		]);
		expect(told).toMatchObject({ code: 0, out: expect.stringMatching(/warm-up j\w+ {2}succeeded[\s\S]*1 loaded/) });
		expect(unknown).toMatchObject({ code: 2, out: "", err: expect.stringContaining("quotes") });
		expect(nowhere).toMatchObject({ code: 2, out: "", err: expect.stringContaining("exchange") });
		expect((await runCommand(["refresh", "--symbol"], { env })).code).toBe(2);
	}, 120_000);
});
