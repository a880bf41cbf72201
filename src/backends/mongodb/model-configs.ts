import type { mongo } from "mongoose";
import type { Clock } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import type { ModelCapability, ModelConfig } from "../../core/model-capability.js";
import type { ModelConfigStore, SavedChange, VersionState } from "../../models/port.js";
import { MongodbConnection } from "./connection.js";
import { codeOf } from "./failures.js";

export interface MongodbModelsOptions {
	readonly uri: string;
	readonly database: string;
	/** In force before anybody has changed it: version 0. */
	readonly initial: readonly ModelCapability[];
	readonly clock: Clock;
}

/** The program's own: no setting may name it for a layer. */
const COLLECTION = "model_config_versions";
const POINTER = "in force";
const CALL_MS = 5_000;
const POOL = 4;
const DUPLICATE_KEY = 11_000;
const MAJORITY = { w: "majority", wtimeoutMS: 5_000 } as const;

/** A version, by its number; or, under `POINTER`, the number of the one in force. */
interface Row {
	readonly _id: number | string;
	readonly version?: number;
	readonly change_id?: string;
	readonly state?: "saved" | "discarded";
	readonly models?: readonly ModelCapability[];
	readonly updated_at?: Date;
	readonly updated_by?: string;
}

/** Versions that several servers share. Which one is in force stands in one document, so that a change of it is one step. */
export function openMongodbModels(options: MongodbModelsOptions): ModelConfigStore {
	return new MongodbModels(options);
}

class MongodbModels implements ModelConfigStore {
	private readonly connection: MongodbConnection;
	private seeded: Promise<void> | null = null;

	constructor(private readonly options: MongodbModelsOptions) {
		this.connection = new MongodbConnection({ ...options, poolSize: POOL });
	}

	async version(): Promise<number> {
		return this.ask(async (rows) => (await rows.findOne({ _id: POINTER }, { readConcern: "majority" }))?.version ?? 0);
	}

	async current(): Promise<ModelConfig> {
		for (;;) {
			const version = await this.version();
			const found = await this.find(version);
			if (found !== null) return found;
			// It was put in force meanwhile, and is read again; a version in force is always there.
			if ((await this.version()) === version) throw new CachewardenError("NOT_FOUND");
		}
	}

	async find(version: number): Promise<(ModelConfig & { readonly state: VersionState }) | null> {
		return this.ask(async (rows) => {
			const [row, pointer] = await Promise.all([
				rows.findOne({ _id: version }, { readConcern: "majority" }),
				rows.findOne({ _id: POINTER }, { readConcern: "majority" }),
			]);
			const inForce = pointer?.version ?? 0;
			if (row === null) return null;
			const state = version === inForce ? "active" : row.state === "discarded" ? "discarded" : version < inForce ? "past" : "saved";
			return { ...configOf(row), state };
		});
	}

	async save({ changeId, expectedVersion, models, by, at }: SavedChange): Promise<ModelConfig> {
		return this.ask(async (rows) => {
			for (;;) {
				const earlier = await rows.findOne({ change_id: changeId });
				if (earlier !== null) return configOf(earlier);
				const inForce = (await rows.findOne({ _id: POINTER }, { readConcern: "majority" }))?.version ?? 0;
				if (inForce !== expectedVersion) throw conflict(inForce);
				const [newest] = await rows
					.find({ _id: { $gte: 0 } })
					.sort({ _id: -1 })
					.limit(1)
					.toArray();
				const row: Row = {
					_id: Number(newest?._id ?? 0) + 1,
					change_id: changeId,
					state: "saved",
					models,
					updated_at: new Date(at),
					updated_by: by,
				};
				try {
					await rows.insertOne(row, { writeConcern: MAJORITY });
					return configOf(row);
				} catch (error) {
					// Another change took the number.
					if (codeOf(error) !== DUPLICATE_KEY) throw error;
				}
			}
		});
	}

	async activate(version: number, from: number): Promise<void> {
		await this.ask(async (rows) => {
			const { matchedCount } = await rows.updateOne({ _id: POINTER, version: from }, { $set: { version } }, { writeConcern: MAJORITY });
			const inForce = (await rows.findOne({ _id: POINTER }, { readConcern: "majority" }))?.version ?? 0;
			if (matchedCount === 0 && inForce !== version) throw conflict(inForce);
		});
	}

	async discard(version: number): Promise<void> {
		await this.ask((rows) =>
			rows.updateOne({ _id: version, state: "saved" }, { $set: { state: "discarded" } }, { writeConcern: MAJORITY }),
		);
	}

	close(): Promise<void> {
		return this.connection.close();
	}

	private ask<T>(work: (rows: mongo.Collection<Row>) => Promise<T>): Promise<T> {
		return this.connection.runWithin(CALL_MS, async (db) => {
			const rows = db.collection<Row>(COLLECTION);
			this.seeded ??= this.seed(rows);
			try {
				await this.seeded;
			} catch (error) {
				this.seeded = null;
				throw error;
			}
			return work(rows);
		});
	}

	/** Whichever server comes first; the version before the pointer, so that what is pointed at is there. */
	private async seed(rows: mongo.Collection<Row>): Promise<void> {
		const { initial, clock } = this.options;
		const first: Row = { _id: 0, change_id: "initial", models: initial, updated_at: new Date(clock.now()), updated_by: "configuration" };
		await rows.createIndex({ change_id: 1 }, { unique: true, partialFilterExpression: { change_id: { $type: "string" } } });
		for (const row of [first, { _id: POINTER, version: 0 }]) {
			try {
				await rows.insertOne(row, { writeConcern: MAJORITY });
			} catch (error) {
				if (codeOf(error) !== DUPLICATE_KEY) throw error;
			}
		}
	}
}

function configOf({ _id, models = [], updated_at, updated_by = "" }: Row): ModelConfig {
	return { version: Number(_id), updatedAt: updated_at?.getTime() ?? 0, updatedBy: updated_by, models };
}

function conflict(version: number): CachewardenError {
	return new CachewardenError("CONFLICT", { key: "error.models.conflict", facts: { version } });
}
