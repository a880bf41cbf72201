/** The operations on their real adapters: a file cache, its catalog and the embedded store, in this process. */
import type { CacheBackend } from "../../src/backends/backend.js";
import { openFileBackend } from "../../src/backends/file/file-backend.js";
import { openCatalog } from "../../src/catalog/open-catalog.js";
import type { Catalog } from "../../src/catalog/port.js";
import { openEmbeddedCoordination } from "../../src/coordination/embedded.js";
import { systemClock } from "../../src/core/clock.js";
import type { BackendKind } from "../../src/core/entry.js";
import { backendChanges } from "../../src/live/backend-changes.js";
import { openLive } from "../../src/live/live.js";
import { openEmbeddedModels } from "../../src/models/embedded/embedded-models.js";
import { createOperations } from "../../src/operations/create-operations.js";
import { deleteHandler } from "../../src/operations/delete-handler.js";
import type { Operations } from "../../src/operations/operations.js";
import { cleanupHandler, clearHandler } from "../../src/operations/removal-handlers.js";
import { restoreHandler } from "../../src/operations/restore-handler.js";
import type { PlanStore } from "../../src/plans/port.js";
import { createWorkflows } from "../../src/workflows/create-workflows.js";
import { SETTINGS } from "./catalog.js";
import { openEmbedded } from "./embedded.js";
import { quarantineOf } from "./quarantine.js";

export interface RealOperations {
	readonly operations: Operations;
	readonly catalog: Catalog;
	close(): Promise<void>;
}

/** `spare` is a second root that the catalog does not know: it may come and go. */
export async function openRealOperations(root: string, spare: string, dataDir: string): Promise<RealOperations> {
	const clock = systemClock;
	const roots = [
		{ name: "cache", path: root },
		{ name: "spare", path: spare },
	];
	const backends = new Map<BackendKind, CacheBackend>([["FILE", openFileBackend({ roots, clock })]]);
	const catalog = await openCatalog({
		dataDir,
		places: [{ backend: "FILE", place: "cache", path: root, layout: "auto" }],
		settings: SETTINGS,
		watch: true,
		reconcileEverySeconds: 0,
		log: (level, message, facts) => {
			if (level === "error") console.error(message, facts);
		},
	});
	let opened: PlanStore | null = null;
	const coordination = openEmbeddedCoordination();
	const { held, keeper: quarantine } = quarantineOf(roots, clock, () => embedded);
	const handled = {
		quarantine,
		catalog,
		backends,
		get plans(): PlanStore {
			if (opened === null) throw new Error("jobs ran before the plans were opened");
			return opened;
		},
	};
	const embedded = await openEmbedded({
		dataDir,
		handlers: [
			cleanupHandler(handled),
			clearHandler(handled),
			deleteHandler(handled),
			restoreHandler({ catalog, coordination, quarantine: held, keeper: quarantine }),
		],
		start: false,
	});
	opened = embedded.plans;
	const { jobs, audit, plans, history, schedules } = embedded;
	await jobs.start();
	const health = async () => (await Promise.all([...backends.values()].map((backend) => backend.health()))).flat();
	const changes = backendChanges(health, 50);
	const live = openLive({ jobs, audit, onStatsChanged: (listener) => catalog.onChange(listener), backends: changes.onChange });
	const { configs: modelConfigs, capabilities } = await openEmbeddedModels({ store: embedded.store, clock, initial: [] });
	const shared = { writers: new Map(), loaders: new Map(), coordination, modelConfigs, capabilities, capabilityTtlMs: 1000 };
	const deps = { catalog, backends, quarantine, jobs, audit, plans, history, schedules, live, clock, maxBytes: null, ...shared };
	return {
		operations: { ...createOperations(deps), ...createWorkflows({ ...deps, sources: new Map() }) },
		catalog,
		async close() {
			await embedded.close();
			await catalog.close();
			for (const backend of backends.values()) await backend.close();
			await held.close();
		},
	};
}
