import type { Config } from "./config.js";
import { withoutSecrets } from "./mongodb.js";
import type { RedisAddress } from "./redis.js";

const HIDDEN = "***";

/** The configuration as it may be shown: secrets replaced, and what an address holds besides the place. */
export function redactConfig(config: Config): Config {
	const hide = (secret: string | null): string | null => (secret === null ? null : HIDDEN);
	const hideValues = (headers: Readonly<Record<string, string>>) => Object.fromEntries(Object.keys(headers).map((name) => [name, HIDDEN]));
	return {
		...config,
		loaders: mapValues(config.loaders, (loader) =>
			loader.kind === "http" ? { ...loader, url: withoutQuery(loader.url), headers: hideValues(loader.headers) } : loader,
		),
		sources: mapValues(config.sources, (source) =>
			source.sync === "external"
				? source
				: { ...source, sync: { ...source.sync, url: withoutQuery(source.sync.url), headers: hideValues(source.sync.headers) } },
		),
		redis: { ...config.redis, address: config.redis.address && hideRedis(config.redis.address, hide) },
		queue: { ...config.queue, address: config.queue.address && hideRedis(config.queue.address, hide) },
		mongodb: { ...config.mongodb, uri: config.mongodb.uri && withoutSecrets(config.mongodb.uri) },
		audit: {
			...config.audit,
			secret: hide(config.audit.secret),
			mongodb: config.audit.mongodb && { ...config.audit.mongodb, uri: withoutSecrets(config.audit.mongodb.uri) },
		},
		auth: {
			...config.auth,
			jwtSecret: hide(config.auth.jwtSecret),
			jwtPublicKey: hide(config.auth.jwtPublicKey),
			jwksUri: config.auth.jwksUri?.replace(/\/\/[^/@]*@/, `//${HIDDEN}@`) ?? null,
		},
	};
}

function mapValues<T>(things: Readonly<Record<string, T>>, change: (thing: T) => T): Record<string, T> {
	return Object.fromEntries(Object.entries(things).map(([name, thing]) => [name, change(thing)]));
}

/** Keys of services often stand in the query. */
function withoutQuery(url: string): string {
	return url.replace(/\?.*$/, `?${HIDDEN}`);
}

function hideRedis<Address extends RedisAddress>(address: Address, hide: (secret: string | null) => string | null): Address {
	const password = hide(address.password);
	return address.kind === "sentinel"
		? { ...address, password, sentinelPassword: hide(address.sentinelPassword) }
		: { ...address, password };
}
