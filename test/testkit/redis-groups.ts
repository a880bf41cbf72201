/** Several Redis-protocol servers that belong together. A suite that imports this imports a server from redis.js. */
import { expect } from "@jest/globals";
import { eventually } from "./eventually.js";
import { NO_KEYS_NO_FLUSH, type RedisServer, type RedisServerOptions, startRedis } from "./redis.js";

const WITHIN = { withinMs: 20_000 };
const SLOTS = 16_384;
const users = { warden: NO_KEYS_NO_FLUSH };

type Program = Pick<RedisServerOptions, "program">;

/** So many masters with as many slots each. Whoever starts them stops them. */
export async function startCluster(masters: number, options: Program = {}): Promise<readonly RedisServer[]> {
	const config = { "cluster-enabled": "yes", "cluster-node-timeout": "2000", "cluster-port": "0" };
	const nodes: RedisServer[] = [];
	for (let i = 0; i < masters; i++) {
		const node = await startRedis({ ...options, users, config });
		nodes.push(node);
		const first = Math.floor((SLOTS * i) / masters);
		await node.client.call("CLUSTER", "ADDSLOTSRANGE", String(first), String(Math.floor((SLOTS * (i + 1)) / masters) - 1));
		if (i > 0) await nodes[0]?.client.call("CLUSTER", "MEET", "127.0.0.1", String(node.port));
	}
	await eventually(async () => {
		for (const { client } of nodes) {
			const info = await client.call("CLUSTER", "INFO");
			expect(info).toContain(`cluster_known_nodes:${masters}`);
			expect(info).toContain("cluster_state:ok");
		}
	}, WITHIN);
	return nodes;
}

export interface TestSentinel {
	readonly master: RedisServer;
	readonly replica: RedisServer;
	/** Of the sentinel, which calls the master `mymaster`. */
	readonly address: string;
	/** Resolves when the replica has what the master had, and has become the master. */
	failOver(): Promise<void>;
	stop(): Promise<void>;
}

export async function startSentinel(options: Program = {}): Promise<TestSentinel> {
	const config = { "repl-diskless-sync-delay": "0", "notify-keyspace-events": "KA" };
	const master = await startRedis({ ...options, users, config });
	const replica = await startRedis({ ...options, users, config: { ...config, replicaof: `127.0.0.1 ${master.port}` } });
	const sentinel = await startRedis({ ...options, sentinelOf: master.port });
	return {
		master,
		replica,
		address: `127.0.0.1:${sentinel.port}`,
		async failOver() {
			await eventually(async () => expect(await sentinel.client.call("SENTINEL", "REPLICAS", "mymaster")).toHaveLength(1), WITHIN);
			await eventually(async () => expect(await replica.client.dbsize()).toBe(await master.client.dbsize()), WITHIN);
			await eventually(() => sentinel.client.call("SENTINEL", "FAILOVER", "mymaster"), WITHIN);
			await eventually(async () => expect(((await replica.client.role()) as unknown[])[0]).toBe("master"), WITHIN);
		},
		async stop() {
			for (const server of [sentinel, replica, master]) await server.stop();
		},
	};
}
