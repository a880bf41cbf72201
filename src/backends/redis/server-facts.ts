/** What INFO tells of a server. */
export interface ServerFacts {
	readonly program: "Redis" | "Valkey";
	/** Null when INFO is forbidden. */
	readonly version: string | null;
	readonly evictionPolicy: string | null;
	readonly maxMemoryBytes: number | null;
	readonly usedMemoryBytes: number | null;
	readonly hits: number | null;
	readonly misses: number | null;
}

/** PEXPIRETIME, which all that is known of a key's time rests on, came with 7.0. */
export const MIN_MAJOR = 7;

export function parseInfo(text: string): ServerFacts {
	const fields = new Map<string, string>();
	for (const line of text.split("\r\n")) {
		const colon = line.indexOf(":");
		if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
	}
	const number = (name: string): number | null => {
		const value = fields.get(name);
		return value === undefined || !/^\d+$/.test(value) ? null : Number(value);
	};
	const valkey = fields.get("valkey_version");
	return {
		program: valkey === undefined ? "Redis" : "Valkey",
		version: valkey ?? fields.get("redis_version") ?? null,
		evictionPolicy: fields.get("maxmemory_policy") ?? null,
		maxMemoryBytes: number("maxmemory"),
		usedMemoryBytes: number("used_memory"),
		hits: number("keyspace_hits"),
		misses: number("keyspace_misses"),
	};
}

/** Valkey began at 7.2. An unknown version is taken for one that will do: its commands will say otherwise. */
export function isTooOld({ version }: ServerFacts): boolean {
	return version !== null && Number.parseInt(version, 10) < MIN_MAJOR;
}
