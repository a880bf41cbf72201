import { join } from "node:path";
import type { Logger } from "pino";
import { openAuthenticator } from "./auth/authenticator.js";
import { signToken as sign } from "./auth/sign-token.js";
import type { CacheBackend } from "./backends/backend.js";
import { openFileQuarantine } from "./backends/file/file-quarantine.js";
import type { Catalog, PlaceStatus } from "./catalog/port.js";
import type { LocalCaller, MongodbFindings, RedisFindings, StartedServer, StartedWorker, TokenClaims } from "./cli/host.js";
import type { Session } from "./client/session.js";
import { openBackends, openIndex, openWriters } from "./composition/layers.js";
import { fenced, openAudit, openJobs, openPlans, openQueueBoard, openSchedules } from "./composition/shared-state.js";
import { openWorker } from "./composition/worker.js";
import type { Config } from "./config/config.js";
import { openEmbeddedCoordination } from "./coordination/embedded.js";
import { type Clock, HOUR_MS, systemClock } from "./core/clock.js";
import type { BackendKind } from "./core/entry.js";
import { CachewardenError } from "./core/errors.js";
import { firstScan } from "./first-scan.js";
import { openEmbeddedHistory } from "./history/embedded.js";
import { recordHistory } from "./history/recorder.js";
import { inProcessSession } from "./http/in-process-session.js";
import { fencedQuarantine } from "./jobs/bullmq/fenced-backend.js";
import type { JobEngine } from "./jobs/port.js";
import { type BackendChanges, backendChanges } from "./live/backend-changes.js";
import { openLive } from "./live/live.js";
import type { LiveSource } from "./live/port.js";
import { openLoaders } from "./loaders/open-loaders.js";
import { openLog } from "./log.js";
import { openEmbeddedModels } from "./models/embedded/embedded-models.js";
import { Opened } from "./opened.js";
import { createOperations } from "./operations/create-operations.js";
import { deleteHandler } from "./operations/delete-handler.js";
import type { Dependencies } from "./operations/dependencies.js";
import type { Operations } from "./operations/operations.js";
import { QuarantineKeeper } from "./operations/quarantine-keeper.js";
import { refreshHandler } from "./operations/refresh-handler.js";
import { cleanupHandler, clearHandler } from "./operations/removal-handlers.js";
import { restoreHandler } from "./operations/restore-handler.js";
import { scheduledRun } from "./operations/schedules.js";
import { warmUpHandler } from "./operations/warm-up-handler.js";
import type { ScheduleStore } from "./schedules/port.js";
import { startScheduler } from "./schedules/scheduler.js";
import { buildApiSchema } from "./schema/build.js";
import { openSources } from "./sources/configured-sources.js";
import { loadOrCreateSecret } from "./store/secret-file.js";
import { publishServer } from "./store/server-file.js";
import { openStore, type Store } from "./store/store.js";
import { syncHandler } from "./workflows/after-sync/sync-handler.js";
import { configChangeHandler } from "./workflows/config-change/config-change-handler.js";
import { createWorkflows } from "./workflows/create-workflows.js";

/** Under the 10 s that supervisors wait before they kill. */
const CLOSE_GRACE_MS = 3_000;
const FOLDERS: readonly BackendKind[] = ["FILE", "PYTHON"];

interface App {
	readonly operations: Operations;
	readonly catalog: Catalog;
	readonly jobs: JobEngine;
	readonly onOwnChange: JobEngine["onChange"];
	readonly schedules: ScheduleStore;
	readonly backends: BackendChanges;
	readonly liveSource: LiveSource | null;
	readonly clock: Clock;
	readonly log: Logger;
	readonly opened: Opened;
}

/** Shared by all processes where there are the servers for it, else within this one: agreements and cached capabilities, configurations. */
async function openShared({ redis, mongodb, models }: Config, store: Store, clock: Clock, opened: Opened) {
	const { initial } = models;
	const { configs, capabilities: embedded } = await openEmbeddedModels({ store, clock, initial });
	let modelConfigs = configs;
	if (mongodb.uri !== null) {
		const { openMongodbModels } = await import("./backends/mongodb/model-configs.js");
		modelConfigs = openMongodbModels({ ...mongodb, uri: mongodb.uri, initial, clock });
	}
	const within = openEmbeddedCoordination();
	let coordination = within;
	let capabilities = embedded;
	if (redis.address !== null) {
		const { openRedisCoordination } = await import("./backends/redis/redis-coordination.js");
		const { openRedisCapabilities } = await import("./backends/redis/capability-cache.js");
		coordination = openRedisCoordination({ address: redis.address, within });
		capabilities = openRedisCapabilities({ address: redis.address });
	}
	for (const shared of [modelConfigs, capabilities, coordination]) opened.add(() => shared.close());
	return { modelConfigs, capabilities, capabilityTtlMs: models.capabilityTtlSeconds * 1000, coordination };
}

async function openHeldStore(config: Config, log: Logger, opened: Opened): Promise<Store> {
	const store = await openStore({ dataDir: config.dataDir, warn: (message, facts) => log.warn(facts, message) });
	opened.add(() => store.close());
	return store;
}

interface Way {
	/** Follows other programs' writes; without it the layers are read again when it matters. */
	readonly watch: boolean;
	/** False: only once this process hands something in. */
	readonly takesWork: boolean;
}

/** Everything but the ways in. */
async function openApp(config: Config, { watch, takesWork }: Way): Promise<App> {
	const opened = new Opened();
	const clock = systemClock;
	const log = openLog(config);
	try {
		const store = await openHeldStore(config, log, opened);
		const auditing = await openAudit(config, store, clock, log, opened);
		const { audit, liveSource, db } = auditing;
		const common = auditing.records === null ? null : db;
		const backends = await openBackends(config, clock, opened);
		const catalog = await openIndex(config, clock, log, opened, watch);
		const plans = await openPlans(config, common, store, clock, log, opened);
		const history = await openEmbeddedHistory({ store });
		const schedules = await openSchedules(common, store);
		const writers = await openWriters(config, clock, log, opened);
		const loaders = openLoaders(config.loaders, { catalog, writers, timeZone: config.cache.timeZone });
		for (const loader of loaders.values()) opened.add(() => loader.close());
		const shared = await openShared(config, store, clock, opened);
		const handled = { catalog, backends, plans, writers, loaders, clock, ...shared };
		const sources = openSources(config.sources);
		opened.add(() => sources.close());
		const held = openFileQuarantine({ roots: config.cache.roots, clock });
		opened.add(() => held.close());
		const { keepHours, ...limits } = config.quarantine;
		const quarantine = new QuarantineKeeper({
			quarantine: fencedQuarantine(held),
			limits: { ...limits, keepMs: keepHours * HOUR_MS },
			audit,
			coordination: shared.coordination,
			clock,
			jobs: () => jobs,
		});
		const removing = { ...handled, backends: fenced(backends) };
		const syncing = { ...removing, sources: sources.byName, coalesceMs: config.sync.coalesceMs, jobs: (): JobEngine => jobs };
		const jobsOptions = {
			store,
			audit,
			clock,
			handlers: [
				cleanupHandler({ ...removing, quarantine }),
				clearHandler({ ...removing, quarantine }),
				restoreHandler({ ...removing, quarantine: held, keeper: quarantine }),
				deleteHandler(removing),
				refreshHandler(removing),
				warmUpHandler(removing),
				syncHandler(syncing),
				configChangeHandler(removing),
			],
			...config.jobs,
			log,
		};
		const { jobs, onOwnChange } = await openJobs(config, auditing, history, jobsOptions, backends, takesWork);
		opened.add(() => jobs.close());
		opened.add(recordHistory({ catalog, history, clock }, (error) => log.warn({ err: error }, "the totals of this minute were not kept")));
		const changes = backendChanges(() => healthOf(backends));
		const live = openLive({
			jobs,
			audit,
			onStatsChanged: (listener) => catalog.onChange(listener),
			backends: changes.onChange,
		});
		const deps: Dependencies = { ...handled, quarantine, jobs, audit, history, schedules, live, maxBytes: config.cache.maxBytes };
		await jobs.start();
		opened.add(quarantine.start((error) => log.warn({ err: error }, "quarantine could not be looked after; tried again in a minute")));
		const operations: Operations = { ...createOperations(deps), ...createWorkflows({ ...deps, sources: sources.byName }) };
		return { operations, catalog, jobs, onOwnChange, schedules, backends: changes, liveSource, clock, log, opened };
	} catch (error) {
		await opened.close();
		throw error;
	}
}

/** The secret that HS256 tokens are checked with; null when only public keys check them. */
async function tokenSecret({ auth, dataDir }: Config): Promise<{ readonly secret: string | null; readonly created: boolean }> {
	if (auth.jwtSecret !== null || auth.jwtPublicKey !== null || auth.jwksUri !== null) return { secret: auth.jwtSecret, created: false };
	return loadOrCreateSecret(join(dataDir, "jwt-secret"));
}

/** The server: all ways in but the local command line. */
export async function startServer(config: Config): Promise<StartedServer> {
	const app = await openApp(config, { watch: config.catalog.watch, takesWork: true });
	const { operations, catalog, jobs, schedules, clock, log, opened } = app;
	try {
		const { secret, created } = await tokenSecret(config);
		// Not needed by the commands, which it would slow down.
		const { createHttpServer } = await import("./http/server.js");
		const server = await createHttpServer({
			config,
			operations,
			authenticator: openAuthenticator(config.auth, { secret, clock, log }),
			logger: log,
			clock,
			readiness: () => readiness(app),
			catalog,
			jobs: { onChange: app.onOwnChange },
			liveSource: app.liveSource,
			queueBoard: await openQueueBoard(config, opened),
		});
		opened.add(() => server.close(CLOSE_GRACE_MS));
		await firstScan(catalog);
		// Commands end with their call, so only a server has times.
		const scheduler = startScheduler({ schedules, jobs, clock, run: scheduledRun(operations), log });
		opened.add(() => scheduler.close());
		const { url } = await server.listen();
		await publishServer(config.dataDir, { url });
		return { url, secretCreated: created, close: () => opened.close() };
	} catch (error) {
		await opened.close();
		throw error;
	}
}

async function healthOf(backends: ReadonlyMap<BackendKind, CacheBackend>) {
	return (await Promise.all([...backends.values()].map((backend) => backend.health()))).flat();
}

async function readiness({ backends, catalog }: App) {
	const health = await backends.look();
	const known = catalog.stats(null).layers.every((layer) => layer.asOf > 0 || !layer.available);
	return {
		ready: known && health.some((layer) => layer.available),
		layers: health.map(({ id, kind, available }) => ({ id, kind, available })),
	};
}

/** The same API in this process, for the command line. */
export async function openLocalSession(config: Config, { userId, locale }: LocalCaller): Promise<Session> {
	const { operations, log, opened } = await openApp(config, { watch: false, takesWork: false });
	return inProcessSession({
		schema: buildApiSchema(),
		operations,
		caller: {
			actor: { id: userId, username: userId, roles: ["ADMIN"], tokenExpiresAt: null, sessionId: null },
			origin: "CLI",
			ipAddress: null,
			userAgent: null,
			locale,
		},
		log,
		close: () => opened.close(),
	});
}

/** A process that removes what servers share out. */
export function startWorker(config: Config): Promise<StartedWorker> {
	return openWorker(config, openLog(config));
}

/** Null when tokens are checked with public keys only: then somebody else signs them. */
export async function signToken(config: Config, { userId, role, lifetimeSeconds }: TokenClaims): Promise<string | null> {
	const { secret } = await tokenSecret(config);
	if (secret === null) return null;
	return sign(secret, {
		user: userId,
		roles: [role],
		expiresIn: lifetimeSeconds,
		issuer: config.auth.issuer,
		audience: config.auth.audience,
	});
}

/** What the doctor says of the audit log's MongoDB. */
export async function inspectAudit({ audit }: Config): Promise<MongodbFindings> {
	if (audit.mongodb === null) throw new CachewardenError("NOT_FOUND");
	const { inspectMongodb: inspect } = await import("./backends/mongodb/inspect.js");
	const { OWN_COLLECTIONS } = await import("./audit/mongodb/collections.js");
	return inspect({ ...audit.mongodb, collections: OWN_COLLECTIONS.map((name) => ({ name, type: null })) });
}

/** What the doctor says of the MongoDB layer. */
export async function inspectMongodb({ mongodb }: Config): Promise<MongodbFindings> {
	if (mongodb.uri === null) throw new CachewardenError("NOT_FOUND");
	const { inspectMongodb: inspect } = await import("./backends/mongodb/inspect.js");
	return inspect({ ...mongodb, uri: mongodb.uri });
}

/** What the doctor says of the Redis layer. */
export async function inspectRedis({ redis }: Config): Promise<RedisFindings> {
	const { address, namespaces } = redis;
	if (address === null) throw new CachewardenError("NOT_FOUND");
	const { inspectRedis: inspect } = await import("./backends/redis/inspect.js");
	return inspect({ address, namespaces });
}

/** How well each root is known, after reading it again. */
export async function inspectPlaces(config: Config): Promise<readonly PlaceStatus[]> {
	const opened = new Opened();
	const log = openLog(config);
	try {
		await openHeldStore(config, log, opened);
		const catalog = await openIndex(config, systemClock, log, opened, false);
		await catalog.refresh(FOLDERS);
		return catalog.status().filter(({ backend }) => FOLDERS.includes(backend));
	} finally {
		await opened.close();
	}
}
