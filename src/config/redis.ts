/** Where a Redis-protocol server is, and which of its keys belong to the cache. */

export interface HostPort {
	readonly host: string;
	readonly port: number;
}

export type RedisAddress = {
	readonly username: string | null;
	readonly password: string | null;
	/** 0 on a Cluster. */
	readonly database: number;
	readonly tls: { readonly caFile: string | null } | null;
} & (
	| { readonly kind: "single"; readonly node: HostPort }
	| { readonly kind: "cluster"; readonly nodes: readonly HostPort[] }
	| {
			readonly kind: "sentinel";
			readonly sentinels: readonly HostPort[];
			readonly master: string;
			/** Of the sentinels themselves. */
			readonly sentinelUsername: string | null;
			readonly sentinelPassword: string | null;
	  }
);

/** A set of keys: those that begin with a text, taken literally, or those that are nothing but 32 hexadecimal digits. */
export type KeyForm = { readonly kind: "prefix"; readonly prefix: string } | { readonly kind: "hex32" };

/** json: a text whose last fields name symbol, source and time; pickle: of the field's dict; other: nothing is read of it. */
export const REDIS_FORMATS = ["json", "pickle", "other"] as const;

export interface RedisNamespace {
	/** Its place. */
	readonly name: string;
	readonly keys: KeyForm;
	/** Null: each pickle tells. */
	readonly type: string | null;
	readonly format: (typeof REDIS_FORMATS)[number];
	/** What the field's programs give a new entry; null when it is not always the same. */
	readonly timeToLiveMs: number | null;
}

const DEFAULT_PORT = 6379;

/** Null when it is not `redis[s]://[user[:password]@]host[:port][/database]`. */
export function parseRedisUrl(text: string): (Omit<RedisAddress & { readonly kind: "single" }, "tls"> & { readonly tls: boolean }) | null {
	if (!/^rediss?:\/\//.test(text) || !URL.canParse(text)) return null;
	const { protocol, username, password, hostname, port, pathname, search, hash } = new URL(text);
	const database = /^\/?(\d{0,5})$/.exec(pathname)?.[1];
	if (hostname === "" || database === undefined || search !== "" || hash !== "") return null;
	const decoded = (part: string): string | null => (part === "" ? null : decodeURIComponent(part));
	try {
		return {
			kind: "single",
			node: { host: decodeURIComponent(hostname).replace(/^\[|\]$/g, ""), port: Number(port || DEFAULT_PORT) },
			username: decoded(username),
			password: decoded(password),
			database: Number(database),
			tls: protocol === "rediss:",
		};
	} catch {
		// A percent sign that begins no escape.
		return null;
	}
}

/** Null when it is not `host:port`. */
export function parseHostPort(text: string): HostPort | null {
	const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
	const port = Number(match?.[2]);
	return match?.[1] !== undefined && port > 0 && port < 65_536 ? { host: match[1].replace(/^\[|\]$/g, ""), port } : null;
}

/** Host and database as people know them; never a password. */
export function redisLocation(address: RedisAddress): string {
	const scheme = address.tls === null ? "redis" : "rediss";
	const hosts = (list: readonly HostPort[]): string =>
		list.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
	switch (address.kind) {
		case "single":
			return `${scheme}://${hosts([address.node])}/${address.database}`;
		case "cluster":
			return `${scheme}-cluster://${hosts(address.nodes)}`;
		case "sentinel":
			return `${scheme}-sentinel://${hosts(address.sentinels)}/${address.master}/${address.database}`;
	}
}
