import { beforeEach, describe, expect, it } from "@jest/globals";
import { mongodbLocation } from "../../src/config/mongodb.js";
import { redactConfig } from "../../src/config/redact.js";
import { type Configured, configuredIn } from "../testkit/configured.js";

describe("the configuration of the MongoDB layer", () => {
	let configured: Configured;
	beforeEach(() => {
		configured = configuredIn();
	});
	const load = (env: Record<string, string>, yaml = "") => configured.load(env, yaml).mongodb;
	const faults = (env: Record<string, string>, yaml = "") => configured.faults(env, yaml);

	it("knows no layer without an address, and the field's database and collections with one", () => {
		expect(load({}).uri).toBeNull();
		expect(load({ MONGODB_URI: "mongodb://localhost" })).toEqual({
			uri: "mongodb://localhost",
			database: "tradingagents",
			collections: [
				{ name: "stock_data", type: "stock_data" },
				{ name: "news_data", type: "news" },
				{ name: "fundamentals_data", type: "fundamentals" },
				{ name: "cache", type: null },
			],
			createIndexes: false,
		});
	});

	it.each([
		["mongodb://localhost/quotes", "", "quotes"],
		["mongodb://a.example:27017,b.example:27018,[::1]:27019/quotes?replicaSet=rs0", "", "quotes"],
		["mongodb://warden:secret@localhost:27017/admin", "", "tradingagents"],
		["mongodb://localhost/?replicaSet=rs0", "", "tradingagents"],
		["mongodb://localhost/users", "mongodb: {database: quotes}", "quotes"],
		["mongodb+srv://warden:secret@cluster.example.org", "", "tradingagents"],
	])("finds the database of %s %s: %s", (uri, yaml, database) => {
		expect(load({ MONGODB_URI: uri }, yaml).database).toBe(database);
	});

	it("shows hosts and database, and no password", () => {
		const env = { MONGODB_URI: "mongodb://war%40den:hunter%3A2@a.example,b.example:27018/quotes?tlsCertificateKeyFilePassword=hunter3" };
		expect(mongodbLocation({ uri: env.MONGODB_URI, database: "quotes" })).toBe("mongodb://a.example,b.example:27018/quotes");
		expect(JSON.stringify(redactConfig(configured.load(env)))).not.toContain("hunter");
	});

	it("takes collections with a type of their own from the file", () => {
		const yaml = "mongodb: {collections: [stock_data, {name: quotes, type: stock_data}, notes], createIndexes: true}";
		const { collections, createIndexes } = load({ MONGODB_URI: "mongodb://localhost" }, yaml);
		expect(collections).toEqual([
			{ name: "stock_data", type: "stock_data" },
			{ name: "quotes", type: "stock_data" },
			{ name: "notes", type: null },
		]);
		expect(createIndexes).toBe(true);
	});

	it.each([
		"redis://localhost",
		"localhost:27017",
		"mongodb://",
		"mongodb://user:p@ss@localhost",
		"mongodb://u:p/q@localhost",
		"mongodb://a b",
	])("refuses the address %s, and does not show it", (uri) => {
		const text = faults({ MONGODB_URI: uri });
		expect(text).toContain("MONGODB_URI");
		expect(text).toContain("%40");
		expect(text).not.toContain("p@ss");
	});

	it("refuses collections that belong to the server, to the program, or that are named twice", () => {
		const env = { MONGODB_URI: "mongodb://localhost" };
		expect(faults(env, "mongodb: {collections: [system.users]}")).toContain("names of collections");
		expect(faults(env, "mongodb: {collections: [operation_logs]}")).toContain("operation_logs is where the program keeps its audit log");
		expect(faults(env, "mongodb: {collections: [cache, {name: cache, type: news}]}")).toContain("cache is named twice");
		expect(faults(env, "mongodb: {database: admin}")).toContain("name of a database");
	});
});
