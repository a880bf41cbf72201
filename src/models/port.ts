/**
 * The ports of model configurations: the versions that are kept, of which one is in force, and the cache of capabilities before
 * them. One contract suite (test/contract/models.ts) holds every adapter to them.
 */
import type { ModelCapability, ModelConfig } from "../core/model-capability.js";

export interface SavedChange {
	/** Of the job that makes the change: saving it again gives the same version. */
	readonly changeId: string;
	readonly expectedVersion: number;
	readonly models: readonly ModelCapability[];
	readonly by: string;
	readonly at: number;
}

export type VersionState = "saved" | "active" | "past" | "discarded";

export interface ModelConfigStore {
	/** The version in force, and no more of it: what a cached value is compared with. */
	version(): Promise<number>;
	/** The version in force, whole. */
	current(): Promise<ModelConfig>;
	/** Null for a version that there is not. */
	find(version: number): Promise<(ModelConfig & { readonly state: VersionState }) | null>;
	/** Keeps a new version, not in force yet. CONFLICT when `expectedVersion` is not in force. */
	save(change: SavedChange): Promise<ModelConfig>;
	/** Puts a saved version in force in one step, in the place of `from`; again changes nothing. CONFLICT when neither is in force. */
	activate(version: number, from: number): Promise<void>;
	/** A saved version that is not going to be in force. */
	discard(version: number): Promise<void>;
	close(): Promise<void>;
}

export interface CachedCapability {
	/** The configuration's version that it was read from. */
	readonly version: number;
	readonly capability: ModelCapability;
}

export interface CapabilityCache {
	/** Null when it is not there, or its time is over. */
	get(model: string): Promise<CachedCapability | null>;
	put(model: string, cached: CachedCapability, forMs: number): Promise<void>;
	/** Forgets all of them, for every process. */
	clear(): Promise<void>;
	close(): Promise<void>;
}
