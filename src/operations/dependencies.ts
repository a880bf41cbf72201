import type { AuditLog } from "../audit/port.js";
import type { CacheBackend } from "../backends/backend.js";
import type { CacheWriter } from "../backends/writer.js";
import type { Catalog } from "../catalog/port.js";
import type { Coordination } from "../coordination/port.js";
import type { Clock } from "../core/clock.js";
import type { BackendKind } from "../core/entry.js";
import type { StatsHistory } from "../history/port.js";
import type { JobEngine } from "../jobs/port.js";
import type { Live } from "../live/port.js";
import type { Loader } from "../loaders/port.js";
import type { CapabilityCache, ModelConfigStore } from "../models/port.js";
import type { PlanStore } from "../plans/port.js";
import type { ScheduleStore } from "../schedules/port.js";
import type { QuarantineKeeper } from "./quarantine-keeper.js";

/** What the operations work on. Handed out by the composition root. */
export interface Dependencies {
	readonly catalog: Catalog;
	/** Configured layers only. */
	readonly backends: ReadonlyMap<BackendKind, CacheBackend>;
	/** Of the layers that can be written; a part of `backends`. */
	readonly writers: ReadonlyMap<BackendKind, CacheWriter>;
	/** By name, in the configuration's order. */
	readonly loaders: ReadonlyMap<string, Loader>;
	readonly coordination: Coordination;
	readonly modelConfigs: ModelConfigStore;
	readonly capabilities: CapabilityCache;
	/** How long a cached capability counts. */
	readonly capabilityTtlMs: number;
	readonly jobs: JobEngine;
	readonly audit: AuditLog;
	readonly plans: PlanStore;
	readonly quarantine: QuarantineKeeper;
	readonly schedules: ScheduleStore;
	readonly history: StatsHistory;
	readonly live: Live;
	readonly clock: Clock;
	readonly maxBytes: number | null;
}
