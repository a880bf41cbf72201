import { readFileSync } from "node:fs";
import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "pino";
import { type RedisAddress, redisLocation } from "../../config/redis.js";
import { CachewardenError } from "../../core/errors.js";

/** One server, or a group behind sentinels; scripts that reach keys of several users do not work on a Cluster. */
export type QueueAddress = Exclude<RedisAddress, { readonly kind: "cluster" }>;

const CONNECT_MS = 5_000;
const LONGEST_PAUSE_MS = 1_000;

/**
 * producer: a command is refused at once while the server is away. worker: it waits for the server to come back.
 * A server that has become a replica is left for the one that takes writes.
 */
export function openQueueConnection(address: QueueAddress, use: "producer" | "worker"): Redis {
	const options: Omit<RedisOptions, "replyMapping"> = {
		...reachedBy(address),
		username: address.username ?? undefined,
		password: address.password ?? undefined,
		db: address.database,
		lazyConnect: true,
		connectTimeout: CONNECT_MS,
		enableOfflineQueue: use === "worker",
		maxRetriesPerRequest: use === "worker" ? null : 1,
		enableAutoPipelining: true,
		reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 2 : false),
		retryStrategy: (tries) => Math.min(tries * 50, LONGEST_PAUSE_MS),
		...(address.tls === null ? {} : { tls: address.tls.caFile === null ? {} : { ca: readFileSync(address.tls.caFile) } }),
	};
	const client = new Redis(options);
	// It is tried again; what matters of it shows in the commands.
	client.on("error", () => undefined);
	return client;
}

function reachedBy(address: QueueAddress): Omit<RedisOptions, "replyMapping"> {
	if (address.kind === "single") return { host: address.node.host, port: address.node.port };
	return {
		sentinels: [...address.sentinels],
		name: address.master,
		sentinelUsername: address.sentinelUsername ?? undefined,
		sentinelPassword: address.sentinelPassword ?? undefined,
	};
}

/** Waits a moment for the first connection; false when there is none yet. The client goes on trying. */
export async function connectQueue(
	client: Redis,
): Promise<{ readonly connected: true } | { readonly connected: false; readonly error: unknown }> {
	let timer: NodeJS.Timeout | undefined;
	try {
		await Promise.race([
			client.connect(),
			new Promise((_resolve, reject) => {
				timer = setTimeout(() => reject(new Error("no answer")), CONNECT_MS);
			}),
		]);
		return { connected: true };
	} catch (error) {
		return { connected: false, error };
	} finally {
		clearTimeout(timer);
	}
}

export interface QueueConnections {
	readonly producer: Redis;
	readonly worker: Redis;
	readonly listener: Redis;
}

/** All that an engine needs. Refuses a server that would lose jobs; one that cannot be reached yet is tried again. */
export async function openQueueConnections(
	address: QueueAddress,
	log: Pick<Logger, "warn">,
): Promise<{ readonly connections: QueueConnections; readonly connected: boolean }> {
	const connections = {
		producer: openQueueConnection(address, "producer"),
		worker: openQueueConnection(address, "worker"),
		listener: openQueueConnection(address, "worker"),
	};
	try {
		const [first] = await Promise.all(Object.values(connections).map(connectQueue));
		if (first?.connected === true) await checkQueueServer(connections.producer, address);
		else
			log.warn({ err: first?.error, queue: redisLocation(address) }, "the queue's server cannot be reached; jobs are refused until it can");
		return { connections, connected: first?.connected === true };
	} catch (error) {
		for (const connection of Object.values(connections)) connection.disconnect();
		throw error;
	}
}

/** Refuses a server that would lose what it is given, with a message that says what to do. */
export async function checkQueueServer(client: Redis, address: QueueAddress): Promise<void> {
	const location = redisLocation(address);
	const info = await client.info();
	const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
	if (policy !== undefined && policy !== "noeviction")
		throw new CachewardenError("QUEUE_UNAVAILABLE", { key: "queue.evicts", facts: { location, policy } });
	const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? "7";
	const [major = 0, minor = 0] = version.split(".").map(Number);
	if (major < 6 || (major === 6 && minor < 2))
		throw new CachewardenError("QUEUE_UNAVAILABLE", { key: "queue.tooOld", facts: { location, version } });
}
