import type { Redis } from "ioredis";

/** Names by keyspace, for generic commands, strings, expiry and eviction. Other types need theirs, or A for all. */
const NEEDED = ["K", "g", "$", "x", "e"];

export type Notifications =
	| { readonly state: "on" }
	/** `wanted`: what notify-keyspace-events should be, with what it is. */
	| { readonly state: "off"; readonly flags: string; readonly wanted: string }
	/** This user may not ask. */
	| { readonly state: "hidden" };

/** Whether the server tells what happens to keys. Rejects when it does not answer. */
export async function notificationsOf(client: Redis): Promise<Notifications> {
	let flags: string;
	try {
		flags = ((await client.config("GET", "notify-keyspace-events")) as string[])[1] ?? "";
	} catch (error) {
		if (isRefusal(error)) return { state: "hidden" };
		throw error;
	}
	if (isEnough(flags)) return { state: "on" };
	return { state: "off", flags, wanted: `${flags.replace(/[KA]/g, "")}KA` };
}

/** What is needed is there, or stands for it. */
export function isEnough(flags: string): boolean {
	return NEEDED.every((flag) => flags.includes(flag) || (flag !== "K" && flags.includes("A")));
}

/** Forbidden to this user, or unknown on servers that somebody else manages. */
export function isRefusal(error: unknown): boolean {
	return /^(NOPERM|ERR)\b/.test((error as Error).message);
}
