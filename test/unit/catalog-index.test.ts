/** What the catalog does every second does not read every row, however many there are. */
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { Counters } from "../../src/catalog/index/counters.js";
import { type Connection, openDatabase } from "../../src/catalog/index/database.js";
import { IndexWriter } from "../../src/catalog/index/index-writer.js";
import { OpenIndex } from "../../src/catalog/index/open-index.js";
import { INDEXES } from "../../src/catalog/index/schema.js";
import { DAY_MS, HOUR_MS } from "../../src/core/clock.js";
import { temporaryFolder } from "../testkit/temporary.js";

it("leaves ages and expiry as they were until the indexes are there, and brings them to the moment then", () => {
	const folder = temporaryFolder();
	const now = Date.UTC(2026, 10, 27);
	const options = {
		path: join(folder, "catalog.db"),
		dataDir: folder,
		places: [{ backend: "FILE", place: "cache", path: folder, layout: "auto" }],
		servers: [],
		settings: { timeZone: "UTC", timesToLiveHours: { us: {}, china: {} } },
		watch: false,
		reconcileEverySeconds: 0,
		now,
		burstLimit: null,
	} as const;
	const empty = new OpenIndex(options, now, [], false);
	const place = empty.places[0]?.id as number;
	empty.close(true);
	const { db } = openDatabase(options.path, 1024, false, () => undefined);
	db.exec("INSERT INTO types (id, name) VALUES (1, 'stock_data')");
	db.prepare(
		"INSERT INTO entries (n, id, place, type, location, key, size, created_at, created_source, expires_at, flags, rev) VALUES (1, ?, ?, 1, 1, 'k', 7, ?, 0, ?, 0, 1)",
	).run([Buffer.alloc(10), place, now, now + DAY_MS]);
	db.close();

	const index = new OpenIndex(options, now, [place], false);
	const told = () => {
		const [{ ages, expired } = { ages: [], expired: null }] = index.takeTotals(true);
		return { inFirstHour: ages[0], inFirstWeek: ages[2], expired };
	};
	const young = { inFirstHour: [1, 7], inFirstWeek: [0, 0], expired: 0 };
	expect(index.indexed).toBe(false);
	index.advance(now + DAY_MS + HOUR_MS);
	expect(told()).toEqual(young);
	for (const _ of index.createIndexes());
	expect(told()).toEqual(young);
	index.advance(now + DAY_MS + HOUR_MS);
	expect(told()).toEqual({ inFirstHour: [0, 0], inFirstWeek: [1, 7], expired: 1 });
	index.close(false);
});

it("finds what has just expired, or grown older, by its time and not through its whole place", () => {
	const { db } = openDatabase(join(temporaryFolder(), "catalog.db"), 1024, true, () => undefined);
	for (const { name, unique, on } of INDEXES) db.exec(`CREATE ${unique ? "UNIQUE " : ""}INDEX ${name} ON ${on}`);
	db.exec("INSERT INTO places (id, backend, name, path, layout, as_of) VALUES (1, 'REDIS', 'stock', '', 'server', 0)");
	const asked: string[] = [];
	const watched = new Proxy(db, {
		get(target, name) {
			if (name !== "prepare") return Reflect.get(target, name);
			return (query: string) => {
				asked.push(query);
				return target.prepare(query);
			};
		},
	}) as Connection;
	const counters = new Counters(0);
	counters.rebuild(db, 0);
	const writer = new IndexWriter(watched, counters, [1], 1);
	asked.length = 0;
	counters.advance(watched, 1_000);
	writer.expiredKeys(1, 0, 1_000, 200);
	const plans = [...new Set(asked)].map((query) =>
		(db.prepare(`EXPLAIN QUERY PLAN ${query}`).raw().all([]) as unknown[][]).map((row) => String(row.at(-1))).join("; "),
	);
	expect(plans).toEqual([
		"SEARCH entries USING INDEX entries_created (place=? AND created_at>? AND created_at<?)",
		expect.stringContaining("SEARCH entries USING INDEX entries_expires (expires_at>? AND expires_at<?)"),
		"SEARCH entries USING INDEX entries_expires (expires_at>? AND expires_at<?)",
	]);
	db.close();
});
