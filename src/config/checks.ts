/** Faults that only show when several settings are seen together. */
import { homedir } from "node:os";
import { dirname, relative, resolve, sep } from "node:path";
import type { Config } from "./config.js";
import type { CheckContext, ConfigFault } from "./faults.js";
import { mongodbFaults } from "./mongodb-settings.js";
import { redisFaults } from "./redis-settings.js";
import { isLoopback } from "./values.js";

export function crossFaults(config: Config, context: CheckContext): ConfigFault[] {
	return [
		...authFaults(config, context),
		...rootFaults(config, context),
		...redisFaults(config, context),
		...mongodbFaults(config, context),
	];
}

function authFaults({ host, auth }: Config, { culprit, isFaulty }: CheckContext): ConfigFault[] {
	const faults: ConfigFault[] = [];
	const keys = ["auth.jwtSecret", "auth.jwtPublicKey", "auth.jwksUri"];
	const generated = auth.jwtSecret === null && auth.jwtPublicKey === null && auth.jwksUri === null;
	if (generated && !isFaulty("host") && !keys.some(isFaulty) && !isLoopback(host))
		faults.push({
			culprit: culprit("host"),
			value: host,
			what: { key: "config.publicWithoutSecret", facts: {} },
			remedy: { key: "config.publicWithoutSecretRemedy", facts: {} },
		});
	if (auth.jwtPublicKey !== null && auth.jwksUri !== null)
		faults.push({
			culprit: culprit("auth.jwtPublicKey"),
			value: null,
			what: { key: "config.keyAndJwks", facts: { other: culprit("auth.jwksUri") } },
			remedy: { key: "config.keyAndJwksRemedy", facts: {} },
		});
	return faults;
}

function rootFaults(config: Config, { culprit, isFaulty }: CheckContext): ConfigFault[] {
	const faults: ConfigFault[] = [];
	const cacheRoots = isFaulty("cache.roots") ? [] : config.cache.roots;
	const pythonRoots = isFaulty("python.roots") ? [] : config.python.roots;
	for (const { path } of cacheRoots)
		if (path === dirname(path) || path === resolve(homedir()))
			faults.push({
				culprit: culprit("cache.roots"),
				value: null,
				what: { key: "config.rootTooWide", facts: { path } },
				remedy: { key: "config.rootTooWideRemedy", facts: {} },
			});
	faults.push(...overlaps(cacheRoots, culprit("cache.roots")), ...overlaps(pythonRoots, culprit("python.roots")));
	if (!isFaulty("dataDir"))
		for (const { path } of cacheRoots)
			if (isInside(config.dataDir, path) || isInside(path, config.dataDir))
				faults.push({
					culprit: culprit("dataDir"),
					value: null,
					what: { key: "config.dataDirInRoot", facts: { path: config.dataDir, other: path } },
					remedy: { key: "config.dataDirInRootRemedy", facts: {} },
				});
	return faults;
}

function overlaps(roots: readonly { readonly name: string; readonly path: string }[], culprit: string): ConfigFault[] {
	const faults: ConfigFault[] = [];
	for (const [i, a] of roots.entries())
		for (const b of roots.slice(i + 1)) {
			if (a.name === b.name)
				faults.push({
					culprit,
					value: null,
					what: { key: "config.rootsSameName", facts: { name: a.name } },
					remedy: { key: "config.rootsSameNameRemedy", facts: {} },
				});
			const [inner, outer] = isInside(a.path, b.path) ? [a, b] : [b, a];
			if (isInside(inner.path, outer.path))
				faults.push({
					culprit,
					value: null,
					what: { key: "config.rootsOverlap", facts: { path: inner.path, other: outer.path } },
					remedy: { key: "config.rootsOverlapRemedy", facts: {} },
				});
		}
	return faults;
}

/** True also for the folder itself. */
function isInside(path: string, folder: string): boolean {
	const way = relative(folder, path);
	return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && way !== path);
}
