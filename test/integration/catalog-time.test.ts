import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { generateTree } from "../../bench/generate-tree.js";
import type { Catalog } from "../../src/catalog/port.js";
import { DAY_MS, HOUR_MS } from "../../src/core/clock.js";
import { allEntries, closeCatalog, openTestCatalog, scannedCatalog } from "../testkit/catalog.js";
import { temporaryFolder } from "../testkit/temporary.js";

const BOUNDS_MS = [HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS];

/** What the counters should say, from the entries themselves. */
async function recount(catalog: Catalog, now: number): Promise<object> {
	const entries = await allEntries(catalog);
	const bucketOf = (createdAt: number): number => BOUNDS_MS.filter((bound) => now - createdAt >= bound).length;
	const byAge = [...BOUNDS_MS.map((bound) => bound / 1000), null].map((maxAgeSeconds, bucket) => {
		const inIt = entries.filter(({ createdAt }) => createdAt !== null && bucketOf(createdAt) === bucket);
		return { maxAgeSeconds, entries: inIt.length, bytes: inIt.reduce((sum, { size }) => sum + size, 0) };
	});
	const expired = entries.filter(({ expiresAt, status }) => status !== "ORPHANED" && expiresAt !== null && expiresAt <= now);
	expect(entries.filter(({ status }) => status === "EXPIRED").map(({ id }) => id)).toEqual(expired.map(({ id }) => id));
	return { byAge, expiredEntries: expired.length };
}

it("moves ages and expiry with the clock as a recount would, forwards and backwards, also while it was closed", async () => {
	const root = temporaryFolder();
	const dataDir = temporaryFolder();
	const start = Date.now();
	let now = start;
	const clock = { now: () => now };
	generateTree({ root, entries: 300, maxAgeDays: 40, nowMs: start });
	generateTree({ root, entries: 200, maxAgeDays: 0.2, nowMs: start, seed: 2 });
	let catalog = await scannedCatalog({ root, dataDir, clock });
	const moves = [0, 1, 7 * 60_000, HOUR_MS, 5 * HOUR_MS, DAY_MS, -3 * HOUR_MS, 6 * DAY_MS, -10 * DAY_MS, 60 * DAY_MS];
	for (const [index, move] of moves.entries()) {
		now += move;
		await catalog.refresh(null);
		expect(catalog.stats(null)).toMatchObject(await recount(catalog, now));
		if (index === 5) {
			writeFileSync(join(root, "us_stocks/NEW_stock_data_0123456789ab.csv"), "x");
			await closeCatalog(catalog);
			now += 2 * DAY_MS;
			catalog = await openTestCatalog({ root, dataDir, clock });
		}
	}
});

it("counts an entry as expired at the very millisecond, and as older at the end of each bound", async () => {
	const root = temporaryFolder();
	const created = Date.UTC(2026, 0, 1);
	generateTree({ root, entries: 1, maxAgeDays: 0, nowMs: created });
	let now = created;
	const catalog = await scannedCatalog({ root, clock: { now: () => now } });
	const seen = async (at: number) => {
		now = at;
		await catalog.refresh(null);
		const { byAge, expiredEntries } = catalog.stats(null);
		return [
			byAge.findIndex(({ entries }) => entries === 1),
			expiredEntries,
			await catalog.count({ createdBefore: at }).then(({ entries }) => entries),
		];
	};
	const [entry] = await allEntries(catalog);
	const expiresAt = entry?.expiresAt as number;
	expect(await seen(created)).toEqual([0, 0, 0]);
	expect(await seen(created + 1)).toEqual([0, 0, 1]);
	expect((await seen(expiresAt - 1))[1]).toBe(0);
	expect((await seen(expiresAt))[1]).toBe(1);
	for (const [bucket, bound] of BOUNDS_MS.entries()) {
		expect((await seen(created + bound - 1))[0]).toBe(bucket);
		expect((await seen(created + bound))[0]).toBe(bucket + 1);
	}
});
