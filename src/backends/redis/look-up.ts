import type { RedisNamespace } from "../../config/redis.js";
import type { ReportedEntry } from "../entry-source.js";
import type { LayoutSettings } from "../layouts/layout.js";
import type { RedisConnection } from "./connection.js";
import { DEEP_TAIL_BYTES, type DescribedKey, describeKey, isUntold, tailBytesOf } from "./describe.js";
import { groupsFor, runScript, scriptOf } from "./keys-script.js";
import { DESCRIBE } from "./scripts.js";

const SCRIPT = scriptOf(DESCRIBE);
/** Keys of one call: a server does nothing else for 1 to 2 ms. */
const SLICE = 250;
/** The same when more of each value is read. */
const DEEP_SLICE = 16;
const CALL_MS = 5_000;

/** These keys of one namespace as they are now; those that are gone are missing. */
export async function lookUp(
	connection: RedisConnection,
	namespace: RedisNamespace,
	keys: readonly string[],
	settings: LayoutSettings,
): Promise<ReportedEntry[]> {
	const entries: ReportedEntry[] = [];
	for (let start = 0; start < keys.length; start += SLICE) {
		const told = await tell(connection, keys.slice(start, start + SLICE), tailBytesOf(namespace));
		entries.push(...(await describeAll(connection, namespace, told, settings)));
	}
	return entries;
}

/** What is told of these keys, read further where it does not suffice. */
export async function describeAll(
	connection: RedisConnection,
	namespace: RedisNamespace,
	told: readonly DescribedKey[],
	settings: LayoutSettings,
): Promise<ReportedEntry[]> {
	const entries: ReportedEntry[] = [];
	/** Idle times as they were before the values were looked at. */
	const untold = new Map<string, number>();
	const now = Date.now();
	for (const key of told) {
		if (isUntold(key, namespace)) untold.set(key.key, key.idle);
		else entries.push(describeKey(key, namespace, settings, now));
	}
	const keys = [...untold.keys()];
	for (let start = 0; start < keys.length; start += DEEP_SLICE)
		for (const key of await tell(connection, keys.slice(start, start + DEEP_SLICE), DEEP_TAIL_BYTES))
			entries.push(describeKey({ ...key, idle: untold.get(key.key) ?? -1 }, namespace, settings, now));
	return entries;
}

async function tell(connection: RedisConnection, keys: readonly string[], tailBytes: number): Promise<DescribedKey[]> {
	const replies = await connection.call(CALL_MS, (client) =>
		Promise.all(
			groupsFor(keys, connection.isCluster).map(async (group) => {
				const asked = group.map((at) => keys[at] as string);
				return toldOf(asked, (await runScript(client, SCRIPT, asked, [tailBytes], true)) as readonly (number | Buffer)[]);
			}),
		),
	);
	return replies.flat();
}

function toldOf(keys: readonly string[], reply: readonly (number | Buffer)[]): DescribedKey[] {
	const told: DescribedKey[] = [];
	for (let i = 0; i < keys.length; i++) {
		const found = toldAt(keys[i] as string, reply, 4 * i);
		if (found !== null) told.push(found);
	}
	return told;
}

/** The four values that a script tells of a key; null when it is gone. */
export function toldAt(key: string, reply: readonly (number | Buffer)[], at: number): DescribedKey | null {
	const expires = reply[at] as number;
	if (expires === -2) return null;
	return { key, expires, idle: reply[at + 1] as number, length: reply[at + 2] as number, tail: reply[at + 3] as Buffer };
}
