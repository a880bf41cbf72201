/** The section `redis`: from its settings to what the adapter gets, and faults that only show when several are seen together. */
import { accessSync, constants } from "node:fs";
import { resolve } from "node:path";
import { HOUR_MS } from "../core/clock.js";
import type { MessageKey } from "../core/messages/catalogue.js";
import type { Config } from "./config.js";
import type { CheckContext, ConfigFault } from "./faults.js";
import { type HostPort, type KeyForm, parseHostPort, parseRedisUrl, type RedisAddress } from "./redis.js";
import type { Settings } from "./schema.js";

type RedisSettings = Settings["redis"];

/**
 * What other programs read of the queue (docs: queue), and the queue engine's own keys. A clear must never reach them, so
 * that no namespace may hold one.
 */
const QUEUE_PREFIXES = ["user:", "global:", "task:", "batch:"];

export function redisConfig(settings: RedisSettings, baseDir: string): Config["redis"] {
	return {
		address: addressOf(settings, baseDir),
		namespaces: settings.namespaces.map(({ name, prefix, type, format, timeToLiveHours }) => ({
			name,
			keys: prefix === undefined ? { kind: "hex32" } : { kind: "prefix", prefix },
			type: type ?? null,
			format,
			timeToLiveMs: timeToLiveHours === undefined ? null : timeToLiveHours * HOUR_MS,
		})),
		setNotifications: settings.setNotifications,
	};
}

function addressOf(settings: RedisSettings, baseDir: string): RedisAddress | null {
	const { url, cluster, sentinel, username, password, database } = settings;
	const tlsIf = (wanted: boolean): RedisAddress["tls"] =>
		wanted ? { caFile: settings.caFile === null ? null : resolve(baseDir, settings.caFile) } : null;
	const single = url === null ? null : parseRedisUrl(url);
	if (single !== null) return { ...single, tls: tlsIf(single.tls) };
	const common = { username, password, tls: tlsIf(settings.tls) };
	if (cluster.length > 0) return { ...common, kind: "cluster", database: 0, nodes: hostPorts(cluster) };
	if (sentinel.addresses.length === 0) return null;
	return {
		...common,
		kind: "sentinel",
		database,
		sentinels: hostPorts(sentinel.addresses),
		master: sentinel.master,
		sentinelUsername: sentinel.username,
		sentinelPassword: sentinel.password,
	};
}

/** The queue has a server of its own, or the cache's; a Cluster holds no queue, so beside it jobs are queued in the process. */
export function queueConfig({ queue, redis }: Pick<Settings, "queue" | "redis">, baseDir: string): Config["queue"] {
	const { engine, url, ...rest } = queue;
	const own = url === null ? null : parseRedisUrl(url);
	const tls = own?.tls === true ? { caFile: redis.caFile === null ? null : resolve(baseDir, redis.caFile) } : null;
	const shared = addressOf(redis, baseDir);
	const address = own === null ? (shared?.kind === "cluster" ? null : shared) : { ...own, tls };
	return { ...rest, address: engine === "embedded" ? null : address };
}

function hostPorts(texts: readonly string[]): HostPort[] {
	return texts.map(parseHostPort).filter((found) => found !== null);
}

export function redisFaults(
	{ redis, queue: { prefix: before, enginePrefix } }: Config,
	{ culprit, isFaulty, given }: CheckContext,
): ConfigFault[] {
	const faults: ConfigFault[] = [];
	const fault = (path: string, what: MessageKey, remedy: MessageKey, facts: ConfigFault["what"]["facts"] = {}): void => {
		faults.push({ culprit: culprit(path), value: null, what: { key: what, facts }, remedy: { key: remedy, facts } });
	};
	const ways = ["redis.url", "redis.cluster", "redis.sentinel.addresses"].filter(given);
	for (const other of ways.slice(1))
		fault(other, "config.redisTwoWays", "config.redisTwoWaysRemedy", { other: culprit(ways[0] as string) });
	if (ways[0] === "redis.url")
		for (const path of ["redis.username", "redis.password", "redis.database", "redis.tls"].filter(given))
			fault(path, "config.redisInUrl", "config.redisInUrlRemedy", { other: culprit("redis.url") });
	if (given("redis.caFile") && redis.address?.tls === null)
		fault("redis.caFile", "config.redisCaWithoutTls", "config.redisCaWithoutTlsRemedy");
	const { caFile = null } = redis.address?.tls ?? {};
	const unreadable = caFile === null ? null : refusalToRead(caFile);
	if (unreadable !== null)
		fault("redis.caFile", "config.redisCaUnreadable", "config.redisCaUnreadableRemedy", { path: caFile ?? "", code: unreadable });
	if (isFaulty("redis.namespaces")) return faults;
	const at = "redis.namespaces";
	for (const [i, { name, keys }] of redis.namespaces.entries()) {
		if (keys.kind === "prefix" && keys.prefix.endsWith("*"))
			fault(at, "config.redisStar", "config.redisStarRemedy", { name, prefix: keys.prefix, literal: keys.prefix.slice(0, -1) });
		const taken = [...QUEUE_PREFIXES, ...QUEUE_PREFIXES.map((prefix) => `${before}${prefix}`), "bull:", `${enginePrefix}:`];
		const queue = taken.find((prefix) => overlap(keys, { kind: "prefix", prefix }));
		if (queue !== undefined) fault(at, "config.redisQueueKeys", "config.redisQueueKeysRemedy", { name, queue });
		for (const other of redis.namespaces.slice(i + 1)) {
			if (other.name === name) fault(at, "config.redisSameName", "config.redisSameNameRemedy", { name });
			else if (overlap(keys, other.keys)) fault(at, "config.redisOverlap", "config.redisOverlapRemedy", { name, other: other.name });
		}
	}
	return faults;
}

/** The system's code; null when it can be read. */
function refusalToRead(path: string): string | null {
	try {
		accessSync(path, constants.R_OK);
		return null;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code ?? "?";
	}
}

/** True when one key could belong to both. */
function overlap(a: KeyForm, b: KeyForm): boolean {
	if (a.kind === "prefix" && b.kind === "prefix") return a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
	if (a.kind === "hex32" && b.kind === "hex32") return true;
	const prefix = a.kind === "prefix" ? a.prefix : b.kind === "prefix" ? b.prefix : "";
	return /^[0-9a-f]{1,32}$/.test(prefix);
}
