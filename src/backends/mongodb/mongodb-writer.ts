import { randomBytes } from "node:crypto";
import type { mongo } from "mongoose";
import type { MongodbCollection } from "../../config/mongodb.js";
import { CachewardenError } from "../../core/errors.js";
import { databaseKeyFor } from "../layouts/field-keys.js";
import { writeLocalTime } from "../layouts/local-time.js";
import { marketOfSymbol } from "../layouts/metadata-layout.js";
import type { CacheValue, CacheWriter, Recipe, StoredAt, StoredValue, WriteOrder, WriteOutcome } from "../writer.js";
import { MongodbConnection } from "./connection.js";
import { describeDocument } from "./describe-document.js";
import { type DocumentFacts, FACTS_PROJECTION } from "./document-facts.js";
import { idOfKey } from "./document-key.js";
import { fingerprintOf } from "./document-proof.js";
import type { MongodbOptions } from "./options.js";

const POOL = 8;
const CALL_MS = 10_000;
const PROBE_MS = 4_500;
const MAJORITY = { w: "majority", wtimeoutMS: 5_000 } as const;
/** A document has at most 16 MiB, its other fields included. */
const MAX_BYTES = 16_000_000;

/** How the field's documents call their types. */
const DATA_TYPES: Readonly<Record<string, string>> = { stock_data: "stock_data", news: "news_data", fundamentals: "fundamentals_data" };

/** Writes documents as the field's programs do. Their pickles lie in other collections in another form, so none is written. */
export function openMongodbWriter(options: MongodbOptions): CacheWriter {
	return new MongodbWriter(options);
}

class MongodbWriter implements CacheWriter {
	readonly kind = "MONGODB";
	private readonly connection: MongodbConnection;

	constructor(private readonly options: MongodbOptions) {
		this.connection = new MongodbConnection({ ...options, poolSize: POOL });
	}

	async placeFor(type: string, form: CacheValue["form"]): Promise<string | null> {
		return form === "pickle" ? null : (this.options.collections.find((collection) => collection.type === type)?.name ?? null);
	}

	keyOf(recipe: Recipe, at: number): string {
		return databaseKeyFor({ ...recipe, source: recipe.source ?? "unknown", day: writeLocalTime(at, this.options.timeZone).slice(0, 10) });
	}

	async recipeOf(entry: StoredAt): Promise<Recipe | null> {
		const found = await this.find(entry, { ...FACTS_PROJECTION, start_date: 1, end_date: 1 });
		const recipe = found === null ? null : this.recipe(entry, found);
		return recipe?.symbol ? recipe : null;
	}

	async createdAt(entry: StoredAt): Promise<number | null> {
		const found = await this.find(entry, FACTS_PROJECTION);
		return found === null ? null : describeDocument(found, this.collection(entry.place), this.options).createdAt;
	}

	async read(entry: StoredAt, maxBytes: number): Promise<StoredValue | null> {
		const facts = await this.find(entry, FACTS_PROJECTION);
		if (facts === null) return null;
		if (facts.size > maxBytes)
			throw new CachewardenError("BAD_USER_INPUT", {
				key: "error.valueTooLarge",
				facts: { path: entry.key, bytes: facts.size, max: maxBytes },
			});
		const found = await this.find(entry, { ...FACTS_PROJECTION, start_date: 1, end_date: 1, data: 1, data_format: 1 });
		if (found === null) return null;
		const { data, data_format: form, data_type: type } = found;
		if (typeof data !== "string" || type === "pickle") return null;
		const format = form === "dataframe_json" || type === "dataframe" ? "json" : "txt";
		const { createdAt } = describeDocument(found, this.collection(entry.place), this.options);
		return {
			recipe: this.recipe(entry, found),
			value: { form: "text", bytes: Buffer.from(data), format },
			createdAt: createdAt ?? Date.now(),
		};
	}

	async write({ place, key, recipe, value, createdAt, replaces }: WriteOrder): Promise<WriteOutcome> {
		const { type } = this.collection(place);
		if (value.form === "pickle" || type === null)
			throw new CachewardenError("BAD_USER_INPUT", { key: "error.typeNotWritable", facts: { type: recipe.type } });
		if (value.bytes.length > MAX_BYTES)
			throw new CachewardenError("BAD_USER_INPUT", {
				key: "error.valueTooLarge",
				facts: { path: key, bytes: value.bytes.length, max: MAX_BYTES },
			});
		const document = documentOf(recipe, value, new Date(createdAt), writeLocalTime(createdAt, this.options.timeZone).slice(0, 10));
		const id = idOfKey(key) as never;
		let seen: mongo.Document = {};
		if (replaces !== null) {
			const found = await this.find({ place, key, locator: key }, FACTS_PROJECTION);
			const proof = found === null ? null : fingerprintOf(found);
			if (found === null || proof?.data !== replaces.fingerprint.data || proof?.metadata !== replaces.fingerprint.metadata)
				return { outcome: "changed" };
			// The server checks once more, in the step in which it writes.
			seen = { created_at: found.created_at ?? null, updated_at: found.updated_at ?? null };
		}
		const { matchedCount, upsertedCount } = await this.connection.runWithin(CALL_MS, (db) =>
			db.collection(place).replaceOne({ _id: id, ...seen }, document, { upsert: replaces === null, writeConcern: MAJORITY }),
		);
		return matchedCount + upsertedCount === 0 ? { outcome: "changed" } : { outcome: "written", bytes: value.bytes.length };
	}

	/** For a moment it lies in the first collection: nothing outside of the collections is written. */
	async probe(): Promise<void> {
		const [collection] = this.options.collections;
		if (collection === undefined) return;
		const id = `.cachewarden-probe-${randomBytes(8).toString("hex")}` as never;
		const value = randomBytes(32).toString("hex");
		await this.connection.runWithin(PROBE_MS, async (db) => {
			const probes = db.collection(collection.name);
			try {
				await probes.insertOne({ _id: id, data: value, updated_at: new Date() }, { writeConcern: MAJORITY });
				const back = await probes.findOne({ _id: id }, { readPreference: "primary" });
				if (back?.data !== value)
					throw new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.probeDiffers", facts: { location: this.connection.location } });
			} finally {
				await probes.deleteOne({ _id: id });
			}
		});
	}

	close(): Promise<void> {
		return this.connection.close();
	}

	private collection(place: string): MongodbCollection {
		const found = this.options.collections.find(({ name }) => name === place);
		if (found === undefined) throw new CachewardenError("BAD_PATH");
		return found;
	}

	private find({ place, key }: StoredAt, projection: mongo.Document): Promise<DocumentFacts | null> {
		const { name } = this.collection(place);
		const id = idOfKey(key) as never;
		return this.connection.runWithin(CALL_MS, async (db) => {
			const found = await db.collection(name).findOne({ _id: id }, { projection, readPreference: "primary" });
			return found as DocumentFacts | null;
		});
	}

	private recipe({ place }: StoredAt, found: DocumentFacts): Recipe {
		const { symbol, type, source } = describeDocument(found, this.collection(place), this.options);
		return { symbol: symbol ?? "", type, source, startDate: textOf(found.start_date), endDate: textOf(found.end_date) };
	}
}

function textOf(value: unknown): string | null {
	return typeof value === "string" && value !== "" ? value : null;
}

function documentOf(recipe: Recipe, value: CacheValue & { readonly form: "text" }, at: Date, day: string): mongo.Document {
	const { symbol, type, source, startDate, endDate } = recipe;
	return {
		symbol,
		market_type: marketOfSymbol(symbol),
		data_type: DATA_TYPES[type] ?? type,
		// By which the field's programs look for it.
		...(type === "fundamentals" ? { analysis_date: day } : {}),
		...(type === "news" ? { date_range: `${startDate ?? "None"}_${endDate ?? "None"}` } : {}),
		start_date: startDate,
		end_date: endDate,
		data_source: source ?? "unknown",
		created_at: at,
		updated_at: at,
		data: Buffer.from(value.bytes).toString("utf8"),
		data_format: value.format === "json" ? "dataframe_json" : "text",
	};
}
