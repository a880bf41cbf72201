/**
 * Age, size and type of every key, and removing half of them, side by side in one run with what an administrator would do by
 * hand: `redis-cli --scan`, and `redis-cli --scan | xargs redis-cli unlink`. Without a redis-cli on PATH the same commands are
 * sent one after the other over a plain connection. The database is filled anew for each round; the two halves are equal.
 *
 * Usage: redis.ts [KEYS=1000000] [ROUNDS=3] [PROGRAM=redis-server|valkey-server, default whichever can be had first]
 */
import { execFileSync } from "node:child_process";
import type { Redis } from "ioredis";
import type { EntrySource } from "../src/backends/entry-source.js";
import { openRedisBackend } from "../src/backends/redis/redis-backend.js";
import { openSource } from "../src/backends/redis/redis-source.js";
import type { EntryRef } from "../src/core/entry.js";
import { type RedisServer, startRedis } from "../test/testkit/redis.js";
import type { RedisProgram } from "../test/testkit/services/redis-programs.js";
import { onPath } from "../test/testkit/services/run.js";

const KEYS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const program = process.argv[4] as RedisProgram | undefined;
const REDIS_CLI = onPath("redis-cli");
/** As a job hands them over. */
const BATCH = 4_000;
const never = new AbortController().signal;

const FILL = `
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
	local prefix = i % 2 == 0 and 'stock:' or 'news:'
	local tail = string.format('", "data_format": "dataframe_json", "symbol": "S%d", "data_source": "tdx", "created_at": "2026-11-%02dT09:30:00.%06d"}', i % 5000, i % 28 + 1, i % 1000000)
	redis.call('SET', prefix .. 'S' .. (i % 5000) .. ':' .. string.format('%016x', i), '{"data": "' .. string.rep('x', 100 + i % 400) .. tail, 'EX', 21600 + i % 1000)
end`;

async function fill(client: Redis): Promise<void> {
	await client.flushall();
	for (let from = 0; from < KEYS; from += 50_000) await client.eval(FILL, 0, from, Math.min(from + 50_000, KEYS) - 1);
}

async function seconds(work: () => Promise<unknown> | unknown): Promise<number> {
	const began = performance.now();
	await work();
	return (performance.now() - began) / 1000;
}

/** Every name, ten a call as redis-cli does. */
async function* names(client: Redis, pattern?: string): AsyncGenerator<string[]> {
	let cursor = "0";
	do {
		const step = pattern === undefined ? await client.scan(cursor) : await client.scan(cursor, "MATCH", pattern);
		cursor = step[0];
		yield step[1];
	} while (cursor !== "0");
}

async function scanByHand(server: RedisServer): Promise<void> {
	if (REDIS_CLI !== null) return void execFileSync("sh", ["-c", `redis-cli -p ${server.port} --scan | wc -l`]);
	for await (const _ of names(server.client));
}

/** Without a pattern, all there are. */
async function removeByHand(server: RedisServer, pattern?: string): Promise<void> {
	const only = pattern === undefined ? "" : ` --pattern '${pattern}'`;
	if (REDIS_CLI !== null)
		return void execFileSync("sh", ["-c", `redis-cli -p ${server.port} --scan${only} | xargs redis-cli -p ${server.port} unlink`]);
	for await (const keys of names(server.client, pattern)) if (keys.length > 0) await server.client.unlink(...keys);
}

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** What a job gets from the catalog. */
async function refs(source: EntrySource): Promise<EntryRef[]> {
	const found: EntryRef[] = [];
	await source.scan(
		["stock"],
		async (place, entries) => {
			for (const { key, type, size, locator, fingerprint } of entries)
				found.push({ id: key, key, backend: "REDIS", place, type, size, locator, fingerprint });
		},
		never,
	);
	return found;
}

async function round(server: RedisServer): Promise<{
	readonly scan: number;
	readonly handScan: number;
	readonly remove: number;
	readonly handHalf: number;
	readonly handAll: number;
}> {
	await fill(server.client);
	const address = {
		kind: "single",
		node: { host: "127.0.0.1", port: server.port },
		username: null,
		password: null,
		database: 0,
		tls: null,
	} as const;
	const namespaces = (["stock", "news"] as const).map((name) => ({
		name,
		keys: { kind: "prefix", prefix: `${name}:` } as const,
		type: name,
		format: "json" as const,
		timeToLiveMs: 21_600_000,
	}));
	const settings = { timeZone: "UTC", timesToLiveHours: { us: {}, china: {} } };
	const source = openSource({ address, namespaces, settings, setNotifications: false });
	const backend = openRedisBackend({ address, namespaces });
	await source.counters();
	await backend.health();
	const handScan = await seconds(() => scanByHand(server));
	let found = 0;
	const scan = await seconds(() =>
		source.scan(
			["stock", "news"],
			async (_, entries) => {
				for (const { size, type, createdAt } of entries) if (size > 0 && type !== "" && createdAt !== null) found++;
			},
			never,
		),
	);
	if (found < KEYS) throw new Error(`${found} of ${KEYS} keys were found`);
	const half = await refs(source);
	let deleted = 0;
	const remove = await seconds(async () => {
		for (let start = 0; start < half.length; start += BATCH)
			for (const { outcome } of await backend.remove(half.slice(start, start + BATCH), { signal: never, resumed: false }))
				if (outcome === "deleted") deleted++;
	});
	if (deleted < Math.floor(KEYS / 2)) throw new Error(`${deleted} keys were deleted`);
	// It has the same number to remove, of as many keys as there were.
	await fill(server.client);
	const handHalf = await seconds(() => removeByHand(server, "news:*"));
	await fill(server.client);
	const handAll = await seconds(() => removeByHand(server));
	await source.close();
	await backend.close();
	return { scan, handScan, remove, handHalf, handAll };
}

const server = await startRedis(program === undefined ? {} : { program });
try {
	const hand = REDIS_CLI === null ? "SCAN and UNLINK over one connection" : "redis-cli";
	console.log(`${KEYS} keys, ${ROUNDS} rounds, against ${hand}`);
	const rounds: Awaited<ReturnType<typeof round>>[] = [];
	for (let i = 0; i < ROUNDS; i++) {
		const measured = await round(server);
		rounds.push(measured);
		console.log(
			Object.entries(measured)
				.map(([name, value]) => `${name} ${value.toFixed(2)} s`)
				.join(", "),
		);
	}
	const scans = rounds.map(({ scan, handScan }) => scan / handScan);
	const removals = rounds.map(({ remove, handHalf }) => remove / handHalf);
	const removalsOfAll = rounds.map(({ remove, handAll }) => remove / handAll);
	console.log(`age, size and type of all keys: ${median(scans).toFixed(2)}x one scan by hand (bound 4.5x)`);
	console.log(`removing half: ${median(removalsOfAll).toFixed(2)}x the command of the bound, which removes all (bound 0.35x)`);
	console.log(`removing half: ${median(removals).toFixed(2)}x the same command with the half's pattern`);
} finally {
	await server.stop();
}
