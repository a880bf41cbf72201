/** What the doctor wants to know of the server, beside whether it answers. */
import type { Redis } from "ioredis";
import type { RedisAddress, RedisNamespace } from "../../config/redis.js";
import { type Failure, failureOf } from "../../core/errors.js";
import { RedisConnection } from "./connection.js";
import { type Notifications, notificationsOf } from "./notifications.js";
import { parseInfo } from "./server-facts.js";

const INSPECT_MS = 5_000;

export interface RedisFindings {
	readonly location: string;
	/** Why it could not be looked at; then nothing else is known. */
	readonly failure: Failure | null;
	readonly program: string;
	readonly version: string;
	/** Null when this user may not ask. */
	readonly evictionPolicy: string | null;
	/** 0: as much as there is. */
	readonly maxMemoryBytes: number | null;
	readonly usedMemoryBytes: number | null;
	/** A Cluster's stay on their nodes. */
	readonly notifications: Notifications | { readonly state: "cluster" };
	/** What this user may not do with the keys of a namespace, as `namespace: command`. */
	readonly missingRights: readonly string[];
}

/** Asks what would be allowed, and does none of it. ARGV: a key of a namespace, which is not touched. Answers the commands that are refused. */
const RIGHTS = `
local refused = {}
local asked = {
	{ 'SCAN', '0' }, { 'PEXPIRETIME', ARGV[1] }, { 'OBJECT', 'IDLETIME', ARGV[1] }, { 'STRLEN', ARGV[1] }, { 'TYPE', ARGV[1] },
	{ 'GETRANGE', ARGV[1], '0', '1' }, { 'TIME' }, { 'UNLINK', ARGV[1] },
}
for _, command in ipairs(asked) do
	if not redis.acl_check_cmd(unpack(command)) then refused[#refused + 1] = command[1] end
end
return refused
`;

/** Looks and closes; never throws for what it finds. */
export async function inspectRedis({
	address,
	namespaces,
}: {
	readonly address: RedisAddress;
	readonly namespaces: readonly RedisNamespace[];
}): Promise<RedisFindings> {
	const connection = new RedisConnection(address, { name: "cachewarden-doctor", noTouch: true });
	const { location, isCluster } = connection;
	try {
		return await connection.call(INSPECT_MS, async () => {
			const server = connection.servers()[0] as Redis;
			const facts = parseInfo(await server.info());
			const refused: string[] = [];
			for (const { name, keys } of namespaces) {
				const key = keys.kind === "prefix" ? keys.prefix : "0".repeat(32);
				const told = (await connection.client.call("eval", RIGHTS, "0", key)) as readonly string[];
				refused.push(...told.map((command) => `${name}: ${command}`));
			}
			return {
				location,
				failure: null,
				program: facts.program,
				version: facts.version ?? "?",
				evictionPolicy: facts.evictionPolicy,
				maxMemoryBytes: facts.maxMemoryBytes,
				usedMemoryBytes: facts.usedMemoryBytes,
				notifications: isCluster ? ({ state: "cluster" } as const) : await notificationsOf(server),
				missingRights: refused,
			};
		});
	} catch (error) {
		return {
			location,
			failure: failureOf(error),
			program: "Redis",
			version: "?",
			evictionPolicy: null,
			maxMemoryBytes: null,
			usedMemoryBytes: null,
			notifications: { state: "hidden" },
			missingRights: [],
		};
	} finally {
		await connection.close();
	}
}
