import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { type Connection, openDatabase, openForReading, rowsOf, scalar } from "../../src/catalog/index/database.js";
import { temporaryFolder } from "../testkit/temporary.js";

it("prepares a text once for a reader, whatever is asked with it and although the tables change meanwhile", () => {
	const path = join(temporaryFolder(), "catalog.db");
	const { db } = openDatabase(path, 1024, true, () => undefined);
	db.exec("CREATE TABLE numbers (n INTEGER, name TEXT)");
	db.prepare("INSERT INTO numbers VALUES (1, 'one'), (2, 'two'), (3, 'three')").run([]);
	const reader = openForReading(path, 1024);
	const prepared: string[] = [];
	const prepare = reader.prepare.bind(reader);
	reader.prepare = ((query: string) => {
		prepared.push(query);
		return prepare(query);
	}) as Connection["prepare"];
	const QUERY = "SELECT name FROM numbers WHERE n >= ? ORDER BY n LIMIT 2";
	expect(rowsOf(reader, QUERY, [2])).toEqual([["two"], ["three"]]);
	expect(scalar(reader, QUERY, [3])).toBe("three");
	expect(scalar(reader, QUERY, [4])).toBeUndefined();
	expect(rowsOf(reader, QUERY, [1])).toEqual([["one"], ["two"]]);
	db.exec("CREATE INDEX numbers_n ON numbers (n); ALTER TABLE numbers ADD COLUMN more TEXT");
	db.prepare("INSERT INTO numbers VALUES (0, 'none', 'more')").run([]);
	expect(rowsOf(reader, QUERY, [0])).toEqual([["none"], ["one"]]);
	expect(prepared).toEqual([QUERY]);
	for (let n = 0; n < 200; n++) expect(scalar(reader, `SELECT ${n}`)).toBe(n);
	expect(rowsOf(reader, QUERY, [3])).toEqual([["three"]]);
	expect(prepared.filter((text) => text === QUERY)).toHaveLength(2);
	reader.close();
	db.close();
});
