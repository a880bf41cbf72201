import { afterEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../testkit/eventually.js";
import { startMongodb, type TestMongodb } from "../testkit/mongodb.js";

describe("the MongoDB that a suite starts for itself", () => {
	let mongodb: TestMongodb;
	afterEach(() => mongodb.stop());

	it("asks for a password where it was told to, can be killed, and comes back with its data", async () => {
		mongodb = await startMongodb({ members: 0, user: { name: "warden", password: "p@ss:w/rd" } });
		const { db } = mongodb.newDatabase();
		await db.collection("a").insertOne({ at: 1 }, { writeConcern: { j: true } });
		await mongodb.nodes[0]?.kill();
		await mongodb.nodes[0]?.restart();
		expect(await db.collection("a").countDocuments()).toBe(1);
	});

	it("is three nodes, of which another becomes primary, and fails when told to", async () => {
		mongodb = await startMongodb({ members: 3, testCommands: true });
		const { db } = mongodb.newDatabase();
		await db.collection("a").insertOne({ at: 1 }, { writeConcern: { w: 3 } });
		const before = await mongodb.primary();
		await mongodb.nodes[before]?.kill();
		// Until the driver has noticed, it may still write to the connection that has ended.
		await eventually(async () => expect(await mongodb.primary()).not.toBe(before), { withinMs: 20_000 });
		await db.collection("a").insertOne({ at: 2 }, { writeConcern: { w: 2 } });
		await mongodb.nodes[before]?.restart();
		await mongodb.failPoint("failCommand", { times: 1 }, { failCommands: ["aggregate"], errorCode: 11601 });
		await expect(db.collection("a").countDocuments()).rejects.toMatchObject({ code: 11601 });
		await mongodb.failPoint("failCommand", "off");
		expect(await db.collection("a").countDocuments()).toBe(2);
		await mongodb.stepDown();
		expect(await db.collection("a").countDocuments()).toBe(2);
	});
});
