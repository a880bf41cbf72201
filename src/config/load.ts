import { basename, resolve } from "node:path";
import { crossFaults } from "./checks.js";
import type { Config } from "./config.js";
import { type CheckContext, ConfigError, type ConfigFault } from "./faults.js";
import { culpritOf, faultsOf } from "./issues.js";
import { parseMongodbUri } from "./mongodb.js";
import { mongodbConfig } from "./mongodb-settings.js";
import { queueConfig, redisConfig } from "./redis-settings.js";
import { listSettings, type Settings, settingsSchema } from "./schema.js";
import { type Environment, readSources, remove, type Sources } from "./sources.js";
import { type LoaderForm, type SourceForm, withEnvironment } from "./workflow-settings.js";

export interface LoadOptions {
	readonly env: Environment;
	/** Absolute; relative paths in variables start here, those in the file at the file's folder. */
	readonly cwd: string;
}

/**
 * Environment over file over defaults, checked whole.
 *
 * @throws {ConfigError} naming every fault with culprit and remedy
 * @example loadConfig({ env: process.env, cwd: process.cwd() })
 */
export function loadConfig({ env, cwd }: LoadOptions): Config {
	const sources = readSources(env, cwd);
	const parsed = settingsSchema.safeParse(sources.tree);
	if (parsed.success) {
		const missing: ConfigFault[] = [];
		const config = toConfig(parsed.data, sources, cwd, env, missing);
		const faults = [
			...sources.faults,
			...missing,
			...crossFaults(
				config,
				contextOf(sources, () => false),
			),
		];
		if (faults.length > 0) throw new ConfigError(faults);
		return config;
	}
	const found = faultsOf(parsed.error.issues, sources);
	// What is right is still checked together, with defaults in the place of what is wrong.
	for (const path of found.paths) remove(sources.tree, path);
	const missing: ConfigFault[] = [];
	const config = toConfig(settingsSchema.parse(sources.tree), sources, cwd, env, missing);
	const isFaulty = (path: string): boolean => [...found.paths].some((faulty) => path === faulty || path.startsWith(`${faulty}.`));
	throw new ConfigError([...sources.faults, ...found.faults, ...missing, ...crossFaults(config, contextOf(sources, isFaulty))]);
}

function contextOf(sources: Sources, isFaulty: CheckContext["isFaulty"]): CheckContext {
	return {
		culprit: (path) => culpritOf(path, sources),
		isFaulty,
		given: (path) => sources.origins.has(path) && !isFaulty(path),
	};
}

function toConfig(settings: Settings, sources: Sources, cwd: string, env: Environment, missing: ConfigFault[]): Config {
	const baseOf = (path: string): string => sources.origins.get(path)?.baseDir ?? cwd;
	const { us, china } = settings.cache.timesToLiveHours;
	return {
		host: settings.host,
		port: settings.port,
		cache: {
			roots: placed(settings.cache.roots, baseOf("cache.roots")).map(({ name, path, layout }) => ({
				name,
				path,
				layout: layout ?? settings.cache.layout,
			})),
			timeZone: settings.cache.timeZone ?? machineTimeZone(),
			maxBytes: settings.cache.maxBytes,
			timesToLiveHours: {
				us: { ...defaultHours("cache.timesToLiveHours.us"), ...us },
				china: { ...defaultHours("cache.timesToLiveHours.china"), ...china },
			},
		},
		python: {
			roots: placed(settings.python.roots, baseOf("python.roots")).map(({ name, path }) => ({ name, path })),
			searchAll: settings.python.searchAll,
		},
		redis: redisConfig(settings.redis, baseOf("redis.caFile")),
		mongodb: mongodbConfig(settings.mongodb),
		dataDir: resolve(baseOf("dataDir"), settings.dataDir),
		catalog: settings.catalog,
		jobs: settings.jobs,
		queue: queueConfig(settings, baseOf("redis.caFile")),
		audit: auditConfig(settings, baseOf("audit.checkpointFile")),
		auth: { ...settings.auth, users: settings.users },
		loaders: named(settings.loaders, (loader, path) => completeLoader(loader, baseOf("loaders"), path, env, missing)),
		sources: named(settings.sources, (source, path) => completeSource(source, path, env, missing)),
		models: settings.models,
		quarantine: settings.quarantine,
		sync: settings.sync,
		corsOrigins: settings.corsOrigins,
		trustProxy: settings.trustProxy,
		rateLimits: settings.rateLimits,
		limits: settings.limits,
		log: settings.log,
	};
}

function named<T>(things: Readonly<Record<string, T>>, complete: (thing: T, path: string) => T): Record<string, T> {
	return Object.fromEntries(Object.entries(things).map(([name, thing]) => [name, complete(thing, name)]));
}

function completeLoader(loader: LoaderForm, baseDir: string, name: string, env: Environment, missing: ConfigFault[]): LoaderForm {
	if (loader.kind === "module") return { ...loader, file: resolve(baseDir, loader.file) };
	if (loader.kind !== "http") return loader;
	return { ...loader, headers: withEnvironment(loader.headers, env, reportMissing(`loaders.${name}.headers`, missing)) };
}

function completeSource(source: SourceForm, name: string, env: Environment, missing: ConfigFault[]): SourceForm {
	if (source.sync === "external") return source;
	const headers = withEnvironment(source.sync.headers, env, reportMissing(`sources.${name}.sync.headers`, missing));
	return { ...source, sync: { ...source.sync, headers } };
}

function reportMissing(culprit: string, missing: ConfigFault[]): (variable: string) => void {
	return (variable) => {
		missing.push({
			culprit,
			value: null,
			what: { key: "config.variableMissing", facts: { variable } },
			remedy: { key: "config.variableMissingRemedy", facts: { variable } },
		});
	};
}

/** A log of its own has its address's database; beside the cache it lies in the cache's. */
function auditConfig({ audit, mongodb }: Settings, baseDir: string): Config["audit"] {
	const { secret, keepDays, mongodbUri, checkpointFile, checkpointCommand } = audit;
	const layer = mongodbConfig(mongodb);
	const uri = mongodbUri ?? layer.uri;
	const own = mongodbUri === null ? null : parseMongodbUri(mongodbUri);
	return {
		secret,
		keepDays,
		mongodb: uri === null ? null : { uri, database: own?.database ?? layer.database },
		checkpointFile: checkpointFile === null ? null : resolve(baseDir, checkpointFile),
		checkpointCommand,
	};
}

/** A file that names the hours of one type keeps those of the others. */
function defaultHours(path: string): Readonly<Record<string, number>> {
	return listSettings().find((setting) => setting.path === path)?.facts.default as Record<string, number>;
}

type RootSetting =
	| string
	| { readonly path: string; readonly name?: string | undefined; readonly layout?: Config["cache"]["roots"][number]["layout"] | undefined };

/** Paths made absolute, and a unique name for each root that was given none: its last folder. */
function placed(roots: readonly RootSetting[], baseDir: string) {
	const given = roots.map((root) => (typeof root === "string" ? { path: root } : root) as Exclude<RootSetting, string>);
	const taken = new Set(given.flatMap((root) => (root.name === undefined ? [] : [root.name])));
	return given.map((root) => {
		const path = resolve(baseDir, root.path);
		const name = root.name ?? uniqueName(basename(path) || "root", taken);
		taken.add(name);
		return { name, path, layout: root.layout };
	});
}

function uniqueName(wanted: string, taken: ReadonlySet<string>): string {
	let name = wanted;
	for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
	return name;
}

function machineTimeZone(): string {
	return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
