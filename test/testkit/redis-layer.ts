/** The Redis layer as the program opens it, filled as other programs do. A suite that imports this imports the server from redis.js. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import type { EntrySource, ReportedEntry } from "../../src/backends/entry-source.js";
import type { LayoutSettings } from "../../src/backends/layouts/layout.js";
import { openSource, type RedisSourceOptions } from "../../src/backends/redis/redis-source.js";
import { loadConfig } from "../../src/config/load.js";
import type { EntryRef } from "../../src/core/entry.js";
import { temporaryFolder } from "./temporary.js";

export const SETTINGS: LayoutSettings = {
	timeZone: "Asia/Shanghai",
	timesToLiveHours: { us: { stock_data: 2, news: 6, fundamentals: 24 }, china: { stock_data: 1, news: 4, fundamentals: 12 } },
};

/** What the configuration makes of an address, or of a file's section, with the field's namespaces. */
export function layerAt(at: string | { readonly section: Readonly<Record<string, unknown>> }): RedisSourceOptions {
	const cwd = temporaryFolder();
	// JSON is YAML.
	if (typeof at !== "string") writeFileSync(join(cwd, "cachewarden.yaml"), JSON.stringify({ redis: at.section }));
	const { redis } = loadConfig({ env: typeof at === "string" ? { REDIS_URL: at } : {}, cwd });
	if (redis.address === null) throw new Error("the address was not taken");
	return { ...redis, address: redis.address, settings: SETTINGS };
}

/** A value of the field's format, under `stock:S<i>:<16 hex>`; six hours to live. */
export async function writeStock(client: Redis, i: number, createdAt = "2026-11-20T09:30:00.000000+08:00", text = "x"): Promise<string> {
	const key = `stock:S${i}:${i.toString(16).padStart(16, "0")}`;
	const value = {
		data: text.repeat(200 + (i % 50)),
		data_format: "dataframe_json",
		symbol: `S${i}`,
		data_source: "tdx",
		created_at: createdAt,
	};
	await client.set(key, JSON.stringify(value), "EX", 21_600);
	return key;
}

/** The field's own values: key to time to live and text. */
export function fieldValues(): Readonly<Record<string, readonly [number, string]>> {
	return JSON.parse(readFileSync(new URL("../fixtures/redis/values.json", import.meta.url), "utf8"));
}

export function fieldPickle(name: string): Buffer {
	return readFileSync(new URL(`../fixtures/pickle-layout/${name}`, import.meta.url));
}

/** Everything that a scan of the layer finds, by key. */
export async function scanAll(
	source: EntrySource,
	places = source.places,
): Promise<Map<string, ReportedEntry & { readonly place: string }>> {
	const found = new Map<string, ReportedEntry & { readonly place: string }>();
	await source.scan(
		places,
		async (place, entries) => {
			for (const entry of entries) found.set(entry.key, { ...entry, place });
		},
		new AbortController().signal,
	);
	return found;
}

export async function refsOf(options: RedisSourceOptions): Promise<EntryRef[]> {
	const source = openSource(options);
	try {
		return [...(await scanAll(source)).values()].map(toRef).sort((a, b) => (a.key < b.key ? -1 : 1));
	} finally {
		await source.close();
	}
}

export function toRef({ key, place, type, size, locator, fingerprint }: ReportedEntry & { readonly place: string }): EntryRef {
	return { id: `${place}/${key}`, key, backend: "REDIS", place, type, size, locator, fingerprint };
}
