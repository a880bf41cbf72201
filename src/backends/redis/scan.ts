import { setImmediate } from "node:timers/promises";
import type { RedisNamespace } from "../../config/redis.js";
import type { ReportedEntry } from "../entry-source.js";
import type { LayoutSettings } from "../layouts/layout.js";
import type { RedisConnection } from "./connection.js";
import { type DescribedKey, tailBytesOf } from "./describe.js";
import { globOf, namespaceOf } from "./key-forms.js";
import { runScript, scriptOf } from "./keys-script.js";
import { describeAll, lookUp, toldAt } from "./look-up.js";
import { unpacked } from "./message-pack.js";
import { SCAN_AND_DESCRIBE } from "./scripts.js";

/** Keys that the server steps over in one call when it only names them, which takes it less than a millisecond. */
const NAMES_COUNT = 1_000;
/** The same when it tells of each: 2 to 3 ms, in which it does nothing else. */
const TELL_COUNT = 500;
const CALL_MS = 5_000;
const SCRIPT = scriptOf(SCAN_AND_DESCRIBE);

export interface FoundBatch {
	readonly namespace: RedisNamespace;
	readonly entries: readonly ReportedEntry[];
}

/** What one step of the server's cursor found, and where it stands now. */
interface Step {
	readonly cursor: string;
	describe(): Promise<readonly FoundBatch[]>;
}

/** One pass over every server for all of these namespaces. Rejects with the signal's reason. */
export async function* scanKeys(
	connection: RedisConnection,
	namespaces: readonly RedisNamespace[],
	settings: LayoutSettings,
	signal: AbortSignal,
): AsyncGenerator<readonly FoundBatch[]> {
	const pass: Pass = { connection, namespaces, settings };
	const step = connection.isCluster ? nameKeys : tellKeys;
	const count = await untilAborted(
		connection.call(CALL_MS, async () => connection.servers().length),
		signal,
	);
	for (let server = 0; server < count; server++) {
		let next = step(pass, server, "0");
		for (;;) {
			const { cursor, describe } = await untilAborted(next, signal);
			if (cursor !== "0") {
				next = step(pass, server, cursor);
				next.catch(() => undefined);
				// Once it has been sent, the server walks on while what it found is read here.
				await setImmediate();
			}
			yield await untilAborted(describe(), signal);
			if (cursor === "0") break;
		}
	}
}

interface Pass {
	readonly connection: RedisConnection;
	readonly namespaces: readonly RedisNamespace[];
	readonly settings: LayoutSettings;
}

/** Names and what there is to tell, in one call. */
async function tellKeys({ connection, namespaces, settings }: Pass, _server: number, cursor: string): Promise<Step> {
	const forms = namespaces.flatMap((namespace) => [namespace.keys.kind === "prefix" ? namespace.keys.prefix : "", tailBytesOf(namespace)]);
	const reply = (await connection.call(CALL_MS, (client) =>
		runScript(client, SCRIPT, [], [cursor, TELL_COUNT, patternFor(namespaces), ...forms], true),
	)) as readonly [cursor: Buffer, told: Buffer];
	return {
		cursor: String(reply[0]),
		async describe() {
			const told = new Map<RedisNamespace, DescribedKey[]>();
			const values = unpacked(reply[1]);
			for (let at = 0; at < values.length; at += 5) {
				const key = (values[at] as Buffer).toString("utf8");
				const namespace = namespaceOf(key, namespaces);
				const found = toldAt(key, values, at + 1);
				if (namespace !== null && found !== null) add(told, namespace, found);
			}
			const batches: FoundBatch[] = [];
			for (const [namespace, keys] of told) batches.push({ namespace, entries: await describeAll(connection, namespace, keys, settings) });
			return batches;
		},
	};
}

/** Names first; each is then asked for on the node that holds it. */
async function nameKeys({ connection, namespaces, settings }: Pass, server: number, cursor: string): Promise<Step> {
	const pattern = patternFor(namespaces);
	const match = pattern === "" ? [] : ["MATCH", pattern];
	const [next, names] = await connection.call(CALL_MS, async () => {
		const client = connection.servers()[server];
		// A Cluster that has fewer masters than a moment ago has moved their keys to those that are left.
		if (client === undefined) throw new Error("the Cluster has changed; scan again");
		return (await client.call("SCAN", cursor, ...match, "COUNT", String(NAMES_COUNT))) as [string, string[]];
	});
	return {
		cursor: next,
		async describe() {
			const found = new Map<RedisNamespace, string[]>();
			for (const key of names) {
				const namespace = namespaceOf(key, namespaces);
				if (namespace !== null) add(found, namespace, key);
			}
			const batches: FoundBatch[] = [];
			for (const [namespace, keys] of found) batches.push({ namespace, entries: await lookUp(connection, namespace, keys, settings) });
			return batches;
		},
	};
}

/** Asked for one namespace alone, the server need not look at the others' keys. */
function patternFor(namespaces: readonly RedisNamespace[]): string {
	const [only] = namespaces;
	return only !== undefined && namespaces.length === 1 ? globOf(only.keys) : "";
}

function add<K, V>(lists: Map<K, V[]>, name: K, value: V): void {
	const list = lists.get(name);
	if (list) list.push(value);
	else lists.set(name, [value]);
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	// Nobody waits for it any more once it has been aborted.
	work.catch(() => undefined);
	signal.throwIfAborted();
	let stop = (): void => undefined;
	const aborted = new Promise<never>((_, reject) => {
		stop = () => reject(signal.reason);
		signal.addEventListener("abort", stop, { once: true });
	});
	try {
		return await Promise.race([work, aborted]);
	} finally {
		signal.removeEventListener("abort", stop);
	}
}
