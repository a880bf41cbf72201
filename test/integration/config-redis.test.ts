import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { redactConfig } from "../../src/config/redact.js";
import { redisLocation } from "../../src/config/redis.js";
import { type Configured, configuredIn } from "../testkit/configured.js";

describe("the configuration of the Redis layer", () => {
	let configured: Configured;
	beforeEach(() => {
		configured = configuredIn();
	});
	const load = (env: Record<string, string>, yaml = "") => configured.load(env, yaml).redis;
	const faults = (env: Record<string, string>, yaml = "") => configured.faults(env, yaml);

	it("knows no layer without an address, and the field's namespaces with one", () => {
		expect(load({}).address).toBeNull();
		const { address, namespaces } = load({ REDIS_URL: "redis://localhost" });
		expect(address).toEqual({
			kind: "single",
			node: { host: "localhost", port: 6379 },
			username: null,
			password: null,
			database: 0,
			tls: null,
		});
		expect(namespaces.map(({ name, keys, type, timeToLiveMs }) => [name, keys, type, timeToLiveMs])).toEqual([
			["stock", { kind: "prefix", prefix: "stock:" }, "stock_data", 21_600_000],
			["news", { kind: "prefix", prefix: "news:" }, "news", 86_400_000],
			["fundamentals", { kind: "prefix", prefix: "fundamentals:" }, "fundamentals", 86_400_000],
			["pickles", { kind: "hex32" }, null, null],
			["model_capability", { kind: "prefix", prefix: "model_capability:" }, "model_capabilities", null],
		]);
	});

	it("reads user, password, database and TLS from the address, and shows no password", () => {
		writeFileSync(join(configured.cwd, "ca.pem"), "");
		const env = { REDIS_URL: "rediss://war%40den:hunter%3A2@[::1]:7000/3" };
		const { address } = load(env, "redis: {caFile: ca.pem}");
		expect(address).toMatchObject({ username: "war@den", password: "hunter:2", database: 3, node: { host: "::1", port: 7000 } });
		expect(address?.tls).toEqual({ caFile: join(configured.cwd, "ca.pem") });
		expect(address && redisLocation(address)).toBe("rediss://[::1]:7000/3");
		expect(JSON.stringify(redactConfig(configured.load(env, "redis: {caFile: ca.pem}")))).not.toContain("hunter");
	});

	it("takes the nodes of a Cluster, or sentinels, from the file", () => {
		expect(load({}, "redis: {cluster: ['a:7000', 'b:7001'], username: u, password: p, tls: true}").address).toMatchObject({
			kind: "cluster",
			nodes: [
				{ host: "a", port: 7000 },
				{ host: "b", port: 7001 },
			],
			password: "p",
			tls: { caFile: null },
		});
		const sentinel = load({}, "redis: {sentinel: {addresses: ['s:26379'], master: cache, password: x}, database: 2}").address;
		expect(sentinel).toMatchObject({ kind: "sentinel", master: "cache", database: 2, sentinelPassword: "x" });
		expect(sentinel && redisLocation(sentinel)).toBe("redis-sentinel://s:26379/cache/2");
	});

	it.each(["localhost:6379", "http://localhost", "redis://", "redis://h/x", "redis://h/0?db=1", "redis://h:99999", "redis://h%zz"])(
		"refuses the address %s",
		(url) => {
			expect(faults({ REDIS_URL: url })).toContain("REDIS_URL: is not a redis:// address");
		},
	);

	it("never shows the address that it refuses, which may hold a password", () => {
		expect(faults({ REDIS_URL: "redsi://:hunter2@host" })).not.toContain("hunter2");
	});

	it("refuses settings that contradict each other, by name", () => {
		expect(faults({ REDIS_URL: "redis://h" }, "redis: {cluster: ['a:1'], password: p, caFile: x}").split("\n").slice(1)).toEqual([
			expect.stringContaining("redis.cluster: stands beside REDIS_URL"),
			expect.stringContaining("redis.password: is for a Cluster or sentinels, and REDIS_URL is set"),
			expect.stringContaining("redis.caFile: is only used with TLS"),
		]);
	});

	it("names a certificate that cannot be read", () => {
		expect(faults({ REDIS_URL: "rediss://h" }, "redis: {caFile: nowhere.pem}")).toContain("nowhere.pem cannot be read (ENOENT)");
	});

	it.each([
		["a star at the end of a prefix", "[{name: a, prefix: 'a:*', type: x, format: json}]", "write a:"],
		["one name for two", "[{name: a, prefix: 'a:', type: x, format: json}, {name: a, prefix: 'b:', type: x, format: json}]", "called a"],
		[
			"two that share keys",
			"[{name: a, prefix: 'a', type: x, format: json}, {name: b, prefix: 'a:', type: x, format: json}]",
			"to a and to b",
		],
		[
			"hexadecimal keys beside a prefix of such",
			"[{name: a, prefix: 'ab', type: x, format: json}, {name: b, keys: hex32, format: pickle}]",
			"to a and to b",
		],
		["the queue's keys", "[{name: a, prefix: 'us', type: x, format: json}]", "keys of the queue (user:"],
		["an empty prefix", "[{name: a, prefix: '', type: x, format: json}]", "must be a list of namespaces"],
		["neither prefix nor form", "[{name: a, type: x, format: json}]", "must be a list of namespaces"],
		["JSON without a type", "[{name: a, prefix: 'a:', format: json}]", "must be a list of namespaces"],
	])("refuses namespaces with %s", (_, namespaces, message) => {
		expect(faults({ REDIS_URL: "redis://h" }, `redis: {namespaces: ${namespaces}}`)).toContain(message);
	});
});
