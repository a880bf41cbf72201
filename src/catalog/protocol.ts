/** What the main thread and the catalog worker say to each other. */
import type { LayoutSettings } from "../backends/layouts/layout.js";
import type { BackendKind } from "../core/entry.js";
import type { Failure } from "../core/errors.js";
import type { PlaceTotals } from "./index/counters.js";
import type { FolderPlaceOptions, ServerOptions } from "./places.js";

export interface CatalogWorkerOptions {
	readonly path: string;
	readonly dataDir: string;
	readonly places: readonly FolderPlaceOptions[];
	readonly servers: readonly ServerOptions[];
	readonly settings: LayoutSettings;
	readonly watch: boolean;
	readonly reconcileEverySeconds: number;
	/** The clock's time when the worker was started. */
	readonly now: number;
	/** Events of one turn of the loop from which on some may have been lost; null takes half of the kernel's limit. */
	readonly burstLimit: number | null;
}

/** What the main thread knows of a place. */
export interface PlaceFacts {
	readonly id: number;
	readonly backend: BackendKind;
	readonly place: string;
	readonly path: string;
	readonly asOf: number;
	readonly scanning: number | null;
	readonly watched: boolean;
	readonly watchProblem: string | null;
	readonly error: Failure | null;
	/** Of the whole server that the place lies on. */
	readonly hits: number | null;
	readonly misses: number | null;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export type CatalogEvent =
	| { readonly kind: "opened"; readonly epoch: string }
	| { readonly kind: "totals"; readonly totals: readonly PlaceTotals[]; readonly places: readonly PlaceFacts[] }
	| { readonly kind: "log"; readonly level: LogLevel; readonly message: string; readonly facts: Readonly<Record<string, unknown>> };

/** Functions of the catalog worker. `now` is the injected clock's time, to which ages and expiry are brought. */
export interface CatalogWorkerApi {
	forget(ids: readonly string[]): Promise<void>;
	markStale(ids: readonly string[], stale: boolean): Promise<void>;
	refresh(placeIds: readonly number[], now: number): Promise<void>;
	tick(now: number): void;
	/** A reader of that epoch's file could not read it. */
	damaged(epoch: string): Promise<void>;
	/** Ends the thread. */
	close(): Promise<void>;
}
