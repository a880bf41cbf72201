/**
 * The catalog side by side with `find`, and at two sizes. The tree is read through once before each measurement, so that
 * both find it in memory; scan and find alternate. The two sizes are real trees too: 4,000 entries written, the rest hard
 * links of them under keys of their own, data and metadata alike.
 *
 * Usage: catalog.ts [ENTRIES=200000] [LARGE=1000000, in steps of 4000] [ROUNDS=5] [FOLDER=the system's for temporary files]; wants a build.
 */
import { execFileSync } from "node:child_process";
import { linkSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { openCatalog } from "../src/catalog/open-catalog.js";
import type { Catalog } from "../src/catalog/port.js";
import { generateTree } from "./generate-tree.js";

const [entries = 200_000, large = 1_000_000, rounds = 5] = process.argv.slice(2, 5).map(Number);
const folder = process.argv[5] ?? tmpdir();
const SMALL = 1000;
const WRITTEN = 4000;
const CALLS = 1000;
const settings = {
	timeZone: "UTC",
	timesToLiveHours: { us: { stock_data: 2, news: 6, fundamentals: 24 }, china: { stock_data: 1, news: 4, fundamentals: 12 } },
};
const made: string[] = [];
const results: { what: string; unit: string; median: number; of: string; bound: string }[] = [];

function temporary(): string {
	const path = mkdtempSync(join(folder, "cachewarden-bench-"));
	made.push(path);
	return path;
}

function open(root: string, dataDir: string, watch: boolean): Promise<Catalog> {
	const places = [{ backend: "FILE", place: "cache", path: root, layout: "auto" }] as const;
	const log = (_: string, message: string, facts: object): void => console.error(message, facts);
	return openCatalog({ dataDir, places, settings, watch, reconcileEverySeconds: 0, log });
}

async function scanned(catalog: Catalog, expected: number): Promise<void> {
	// Seldom enough not to take a core from what is measured; up to so much is counted too much.
	while (catalog.stats(null).asOf === 0) await new Promise((turn) => setTimeout(turn, 10));
	const found = catalog.stats(null).layers[0]?.entries;
	if (found !== expected) throw new Error(`${found} entries instead of ${expected}`);
}

function find(root: string): number {
	const began = performance.now();
	execFileSync("find", [root, "-type", "f", "-printf", "%s\\n"], { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] });
	return performance.now() - began;
}

function warm(root: string): void {
	execFileSync("/bin/sh", ["-c", 'find "$1/metadata" -type f -print0 | xargs -0 cat > /dev/null', "sh", root]);
	find(root);
}

function percentile(values: readonly number[], share: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

function record(what: string, unit: string, values: readonly number[], bound: string): void {
	const shown =
		values.length > 9
			? `p99 ${percentile(values, 0.99).toFixed(2)} of ${values.length}`
			: values.map((value) => value.toFixed(2)).join(", ");
	results.push({ what, unit, median: Number(percentile(values, 0.5).toFixed(3)), of: shown, bound });
	console.error(results.at(-1));
}

async function lagDuring(work: () => Promise<void>): Promise<number> {
	const lag: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 });
	lag.enable();
	await work();
	lag.disable();
	return lag.max / 1e6;
}

/** What a loop without any work shows on this machine now: nobody can be better. */
function idleLag(): Promise<number> {
	return lagDuring(() => new Promise((turn) => setTimeout(turn, 3000)));
}

async function besideFind(): Promise<void> {
	const root = temporary();
	generateTree({ root, entries });
	const first: number[] = [];
	const finds: number[] = [];
	const lags: number[] = [];
	for (let round = 0; round < rounds; round++) {
		warm(root);
		const dataDir = temporary();
		if (round % 2 === 0) finds.push(find(root));
		lags.push(
			await lagDuring(async () => {
				const began = performance.now();
				const catalog = await open(root, dataDir, true);
				await scanned(catalog, entries);
				first.push(performance.now() - began);
				await catalog.refresh(null);
				await catalog.close();
			}),
		);
		if (round % 2 === 1) finds.push(find(root));
		rmSync(dataDir, { recursive: true });
	}
	record("find -type f -printf '%s\\n'", "ms", finds, "");
	record("first scan, start of threads included", "ms", first, "");
	record(
		"first scan / find",
		"×",
		first.map((ms, round) => ms / (finds[round] as number)),
		"3",
	);
	record("loop lag, highest during a first scan", "ms", lags, "20");
	record("loop lag, highest of an idle loop", "ms", [await idleLag()], "");
	await reconciling(root);
	await staying(root);
}

async function reconciling(root: string): Promise<void> {
	const catalog = await open(root, temporary(), false);
	await catalog.refresh(null);
	const ratios: number[] = [];
	const lags: number[] = [];
	for (let round = 0; round < rounds; round++) {
		const before = find(root);
		lags.push(
			await lagDuring(async () => {
				const began = performance.now();
				await catalog.refresh(null);
				ratios.push((performance.now() - began) / ((before + find(root)) / 2));
			}),
		);
	}
	await catalog.close();
	record("reconciling an unchanged tree / find", "×", ratios, "1.6");
}

async function staying(root: string): Promise<void> {
	const catalog = await open(root, temporary(), true);
	await catalog.refresh(null);
	const fresh: number[] = [];
	for (let call = 0; call < 200; call++) {
		const began = performance.now();
		await catalog.refresh(null);
		fresh.push(performance.now() - began);
	}
	await catalog.close();
	record("refresh while the watch is unbroken", "ms", fresh, "50");
}

/** Hard links take names, not space; each is an entry of its own. */
function linkedTree(count: number): string {
	const root = temporary();
	const written = Math.min(WRITTEN, count);
	generateTree({ root, entries: written });
	for (const part of readdirSync(root)) {
		for (const name of readdirSync(join(root, part))) {
			const [, start, number, end] = /^(.*_)([0-9a-f]{12})(_meta\.json|\.\w+)$/.exec(name) as unknown as string[];
			for (let copy = 1; copy < count / written; copy++) {
				const key = (Number.parseInt(number as string, 16) + copy * 0x100_0000).toString(16).padStart(12, "0");
				linkSync(join(root, part, name), join(root, part, `${start}${key}${end}`));
			}
		}
	}
	return root;
}

/** In a process of its own, so that its memory is the catalog's and not the bench's. */
function atSize(count: number): void {
	const child = fileURLToPath(new URL("./catalog-at-size.mjs", import.meta.url));
	const answer = execFileSync(process.execPath, [child, linkedTree(count), temporary(), String(count), String(CALLS)], {
		encoding: "utf8",
		stdio: ["ignore", "pipe", "inherit"],
	});
	const { stats, deep, numbered, peakMb, baseMb } = JSON.parse(answer) as Record<"stats" | "deep" | "numbered", number[]> & {
		peakMb: number;
		baseMb: number;
	};
	record(`statistics at ${count} entries`, "ms", stats, "20");
	record(`deepest page at ${count} entries`, "ms", deep, "20");
	record(`page by number at ${count} entries`, "ms", numbered, "20");
	record(`memory at ${count} entries: highest of first scan, indexes and pages`, "MB", [peakMb], "300");
	record("memory of that process before", "MB", [baseMb], "");
}

try {
	await besideFind();
	atSize(SMALL);
	atSize(large);
} finally {
	for (const path of made) rmSync(path, { recursive: true, force: true });
}
const deepest = results.filter(({ what }) => what.startsWith("deepest page"));
record("deepest page, large / small", "×", [(deepest[1]?.median ?? 0) / (deepest[0]?.median ?? 1)], "2");
console.log(JSON.stringify({ node: process.version, entries, large, rounds, results }, null, "\t"));
console.table(results);
