/** The scripts as commands of the driver, which sends a hash and, where the server does not know it yet, the text. */
import { createHash } from "node:crypto";
import calculateSlot from "cluster-key-slot";
import type { Client } from "./connection.js";

interface Script {
	readonly text: string;
	readonly hash: string;
}

export function scriptOf(text: string): Script {
	return { text, hash: createHash("sha1").update(text).digest("hex") };
}

/** Replies are texts when `binary` is false, else buffers. */
export async function runScript(
	client: Client,
	script: Script,
	keys: readonly string[],
	args: readonly (string | number | Buffer)[],
	binary: boolean,
): Promise<unknown> {
	const rest = [String(keys.length), ...keys, ...args.map((arg) => (typeof arg === "number" ? String(arg) : arg))];
	const send = (command: string, first: string): Promise<unknown> =>
		binary ? client.callBuffer(command, first, ...rest) : client.call(command, first, ...rest);
	try {
		return await send("evalsha", script.hash);
	} catch (error) {
		if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
		return send("eval", script.text);
	}
}

/** On a Cluster the keys of one call must lie in one slot; elsewhere all may go together. Each group holds places in `keys`. */
export function groupsFor(keys: readonly string[], isCluster: boolean): readonly (readonly number[])[] {
	const all = keys.map((_, at) => at);
	if (!isCluster || keys.length < 2) return keys.length === 0 ? [] : [all];
	const bySlot = new Map<number, number[]>();
	for (const at of all) {
		const slot = calculateSlot(keys[at] as string);
		const group = bySlot.get(slot);
		if (group) group.push(at);
		else bySlot.set(slot, [at]);
	}
	return [...bySlot.values()];
}
