/** Numbers of entries while they come and go by thousands, with and without a time, at one time and at many, in several places. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { type Connection, openDatabase } from "../../src/catalog/index/database.js";
import { Landmarks } from "../../src/catalog/index/landmarks.js";
import { INDEXES } from "../../src/catalog/index/schema.js";
import type { Conditions } from "../../src/catalog/query/conditions.js";
import { SliceReader } from "../../src/catalog/query/slice.js";
import { temporaryFolder } from "../testkit/temporary.js";

const PLACES = [1, 2, 3];
const ROUNDS = process.env.SOAK === "1" ? 200 : 12;

interface Entry {
	readonly n: number;
	readonly place: number;
	readonly id: Buffer;
	readonly createdAt: number | null;
}

/** Few times, so that most entries tie; one in five has none. */
function someEntry(n: number, round: number): Entry {
	const pick = Math.random();
	const createdAt = pick < 0.2 ? null : pick < 0.6 ? 1_700_000_000_000 + round : 1_700_000_000_000 + Math.floor(Math.random() * 50) * 1000;
	return { n, place: PLACES[Math.floor(Math.random() ** 2 * PLACES.length)] as number, id: randomBytes(10), createdAt };
}

function newestFirst(a: Entry, b: Entry): number {
	return (b.createdAt ?? Number.NEGATIVE_INFINITY) - (a.createdAt ?? Number.NEGATIVE_INFINITY) || Buffer.compare(b.id, a.id);
}

function write(db: Connection, landmarks: Landmarks, added: readonly Entry[], removed: readonly Entry[]): void {
	const insert = db.prepare(
		"INSERT INTO entries (n, id, place, type, location, key, size, created_at, created_source, flags, rev) VALUES (?, ?, ?, 1, 1, ?, 1, ?, 0, 0, 1)",
	);
	const remove = db.prepare("DELETE FROM entries WHERE n = ?");
	db.exec("BEGIN IMMEDIATE");
	for (const { n, place, id, createdAt } of added) {
		insert.run([n, id, place, `k${n}`, createdAt]);
		landmarks.add(place, createdAt, id);
	}
	for (const { n, place, id, createdAt } of removed) {
		remove.run([n]);
		landmarks.remove(place, createdAt, id);
	}
	landmarks.settle();
	db.exec("COMMIT");
}

it("finds every number that an independent sort gives, whatever comes and goes", () => {
	const { db } = openDatabase(join(temporaryFolder(), "catalog.db"), 1024, true, () => undefined);
	for (const { name, unique, on } of INDEXES) db.exec(`CREATE ${unique ? "UNIQUE " : ""}INDEX ${name} ON ${on}`);
	const landmarks = new Landmarks(db);
	landmarks.open(PLACES.map((id) => ({ id, entries: 0 })));
	const placeIdsOf = (placeIds: readonly number[]): Conditions => ({
		placeIds,
		where: [],
		parameters: [],
		createdBefore: () => null,
		narrowest: null,
	});
	let entries: Entry[] = [];
	let last = 0;
	for (let round = 0; round < ROUNDS; round++) {
		const added = Array.from({ length: 1500 }, () => someEntry(++last, round));
		// A stretch of neighbours goes, and here and there one.
		const from = Math.floor(Math.random() * entries.length);
		const removed = entries.filter((_, index) => (index >= from && index < from + 900) || Math.random() < 0.15);
		write(db, landmarks, added, removed);
		const gone = new Set(removed);
		entries = [...entries.filter((entry) => !gone.has(entry)), ...added].sort(newestFirst);
		for (const placeIds of [PLACES, [2], [1, 3]]) {
			const list = entries.filter(({ place }) => placeIds.includes(place));
			// A reader keeps what it knows until another connection writes; this is the one that wrote.
			const reader = new SliceReader(db);
			for (const offset of [
				0,
				1,
				list.length - 1,
				list.length,
				...Array.from({ length: 25 }, () => Math.floor(Math.random() * list.length)),
			]) {
				const slice = reader.read(placeIdsOf(placeIds), offset, 7, true);
				expect(slice.total).toBe(list.length);
				expect(slice.rows.map((row) => row[0])).toEqual(list.slice(offset, offset + 7).map(({ n }) => n));
			}
		}
	}
	const lengths = db.prepare("SELECT entries, length(id) FROM landmarks").raw().all([]) as unknown as [number, number][];
	expect(Math.max(...lengths.map(([length]) => length))).toBeLessThanOrEqual(1024);
	expect(lengths.length).toBeLessThan(20 + entries.length / 128);

	// A table that does not agree with the rows is made anew.
	db.exec("UPDATE landmarks SET entries = entries + 1 WHERE place = 2");
	const counts = PLACES.map((id) => ({ id, entries: entries.filter(({ place }) => place === id).length }));
	db.exec("BEGIN");
	new Landmarks(db).open(counts);
	db.exec("COMMIT");
	expect(new SliceReader(db).read(placeIdsOf(PLACES), 1234, 3, true)).toMatchObject({ total: entries.length });
	expect(new SliceReader(db).read(placeIdsOf(PLACES), 1234, 3, true).rows.map((row) => row[0])).toEqual(
		entries.slice(1234, 1237).map(({ n }) => n),
	);
	db.close();
});
