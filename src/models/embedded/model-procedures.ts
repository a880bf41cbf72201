/** What model configurations do inside the store's threads. */
import { CachewardenError } from "../../core/errors.js";
import type { ModelCapability, ModelConfig } from "../../core/model-capability.js";
import type { Db } from "../../store/database.js";
import type { StoreModule } from "../../store/procedures.js";
import type { CachedCapability, SavedChange, VersionState } from "../port.js";

interface Row {
	readonly version: number;
	readonly state: VersionState;
	readonly models: string;
	readonly updated_at: number;
	readonly updated_by: string;
}

/** Cached names beyond this are the oldest, and go. */
const MAX_CACHED = 10_000;

const migrations = [
	`
	CREATE TABLE model_versions (
		version INTEGER PRIMARY KEY,
		change_id TEXT NOT NULL UNIQUE,
		state TEXT NOT NULL,
		models TEXT NOT NULL,
		updated_at INTEGER NOT NULL,
		updated_by TEXT NOT NULL
	);
	CREATE UNIQUE INDEX model_version_in_force ON model_versions (state) WHERE state = 'active';
	CREATE TABLE model_capabilities (
		model TEXT PRIMARY KEY,
		version INTEGER NOT NULL,
		capability TEXT NOT NULL,
		expires_at INTEGER NOT NULL
	);
	CREATE INDEX model_capabilities_by_end ON model_capabilities (expires_at);
	`,
];

function configOf({ version, models, updated_at, updated_by }: Row): ModelConfig {
	return { version, updatedAt: updated_at, updatedBy: updated_by, models: JSON.parse(models) as ModelCapability[] };
}

function conflict(active: number): CachewardenError {
	return new CachewardenError("CONFLICT", { key: "error.models.conflict", facts: { version: active } });
}

function writes(db: Db) {
	const active = db.prepare("SELECT version FROM model_versions WHERE state = 'active'");
	const byChange = db.prepare("SELECT * FROM model_versions WHERE change_id = ?");
	const byVersion = db.prepare("SELECT * FROM model_versions WHERE version = ?");
	const newest = db.prepare("SELECT max(version) AS version FROM model_versions");
	const insert = db.prepare("INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?)");
	const setState = db.prepare("UPDATE model_versions SET state = ? WHERE version = ?");
	const put = db.prepare(`INSERT INTO model_capabilities VALUES (?, ?, ?, ?)
		ON CONFLICT (model) DO UPDATE SET version = excluded.version, capability = excluded.capability, expires_at = excluded.expires_at`);
	const count = db.prepare("SELECT count(*) AS count FROM model_capabilities");
	const dropOld = db.prepare(
		"DELETE FROM model_capabilities WHERE model IN (SELECT model FROM model_capabilities ORDER BY expires_at LIMIT ?)",
	);
	const clear = db.prepare("DELETE FROM model_capabilities");

	const versionInForce = (): number => active.row<{ version: number }>()?.version ?? 0;

	return {
		/** The first configuration, when there is none. */
		seed({ models, at, by }: { readonly models: readonly ModelCapability[]; readonly at: number; readonly by: string }): void {
			if (active.row() === undefined) insert.run(0, "initial", "active", JSON.stringify(models), at, by);
		},

		save({ changeId, expectedVersion, models, by, at }: SavedChange): ModelConfig {
			const earlier = byChange.row<Row>(changeId);
			if (earlier !== undefined) return configOf(earlier);
			if (versionInForce() !== expectedVersion) throw conflict(versionInForce());
			const version = (newest.row<{ version: number }>()?.version ?? 0) + 1;
			insert.run(version, changeId, "saved", JSON.stringify(models), at, by);
			return configOf(byVersion.row<Row>(version) as Row);
		},

		activate({ version, from }: { readonly version: number; readonly from: number }): void {
			const now = versionInForce();
			if (now === version) return;
			if (now !== from || byVersion.row<Row>(version)?.state !== "saved") throw conflict(now);
			setState.run("past", from);
			setState.run("active", version);
		},

		discard(version: number): void {
			if (byVersion.row<Row>(version)?.state === "saved") setState.run("discarded", version);
		},

		put({ model, cached, expiresAt }: { readonly model: string; readonly cached: CachedCapability; readonly expiresAt: number }): void {
			put.run(model, cached.version, JSON.stringify(cached.capability), expiresAt);
			const over = (count.row<{ count: number }>()?.count ?? 0) - MAX_CACHED;
			if (over > 0) dropOld.run(over);
		},

		clear(): void {
			clear.run();
		},
	};
}

function reads(db: Db) {
	const active = db.prepare("SELECT * FROM model_versions WHERE state = 'active'");
	const byVersion = db.prepare("SELECT * FROM model_versions WHERE version = ?");
	const cached = db.prepare("SELECT version, capability FROM model_capabilities WHERE model = ? AND expires_at > ?");
	return {
		version: (): number => active.row<Row>()?.version ?? 0,

		current: (): ModelConfig => configOf(active.row<Row>() as Row),

		find(version: number): (ModelConfig & { readonly state: VersionState }) | null {
			const row = byVersion.row<Row>(version);
			return row === undefined ? null : { ...configOf(row), state: row.state };
		},

		get({ model, now }: { readonly model: string; readonly now: number }): CachedCapability | null {
			const row = cached.row<{ version: number; capability: string }>(model, now);
			return row === undefined ? null : { version: row.version, capability: JSON.parse(row.capability) as ModelCapability };
		},
	};
}

export const storeModule: StoreModule<null, ReturnType<typeof writes>, ReturnType<typeof reads>> = { migrations, writes, reads };
