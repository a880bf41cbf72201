import { randomBytes } from "node:crypto";
import type { RedisAddress, RedisNamespace } from "../../config/redis.js";
import { type Clock, HOUR_MS, systemClock } from "../../core/clock.js";
import { CachewardenError } from "../../core/errors.js";
import type { ReportedEntry } from "../entry-source.js";
import { databaseKeyFor } from "../layouts/field-keys.js";
import type { LayoutSettings } from "../layouts/layout.js";
import { writeLocalTime } from "../layouts/local-time.js";
import { hoursToLive } from "../layouts/pickle-layout.js";
import type { CacheValue, CacheWriter, Recipe, StoredAt, StoredValue, WriteOrder, WriteOutcome } from "../writer.js";
import { RedisConnection } from "./connection.js";
import { proofsOf } from "./fingerprint.js";
import { hasForm } from "./key-forms.js";
import { runScript, scriptOf } from "./keys-script.js";
import { lookUp } from "./look-up.js";
import { WRITE } from "./scripts.js";

export interface RedisWriterOptions {
	readonly address: RedisAddress;
	readonly namespaces: readonly RedisNamespace[];
	readonly settings: LayoutSettings;
	readonly clock?: Clock;
}

const SCRIPT = scriptOf(WRITE);
const CALL_MS = 10_000;
const PROBE_MS = 4_500;
/** For pickles of a type that no time to live is known of. */
const USUAL_TTL_MS = 24 * HOUR_MS;

/** Writes JSON values as the field's programs do, and pickles as they are, both with their time to live. */
export function openRedisWriter(options: RedisWriterOptions): CacheWriter {
	return new RedisWriter(options);
}

class RedisWriter implements CacheWriter {
	readonly kind = "REDIS";
	private readonly connection: RedisConnection;
	private readonly namespaces: readonly RedisNamespace[];
	private readonly settings: LayoutSettings;
	private readonly clock: Clock;

	constructor({ address, namespaces, settings, clock = systemClock }: RedisWriterOptions) {
		this.connection = new RedisConnection(address, { name: "cachewarden-writer", noTouch: true });
		this.namespaces = namespaces;
		this.settings = settings;
		this.clock = clock;
	}

	async placeFor(type: string, form: CacheValue["form"]): Promise<string | null> {
		const found = this.namespaces.find(({ format, keys, type: own }) =>
			form === "pickle" ? format === "pickle" && keys.kind === "hex32" : format === "json" && keys.kind === "prefix" && own === type,
		);
		return found?.name ?? null;
	}

	keyOf(recipe: Recipe, at: number): string {
		return databaseKeyFor({ ...recipe, source: recipe.source ?? "unknown", day: writeLocalTime(at, this.settings.timeZone).slice(0, 10) });
	}

	/** The dates that it was loaded with are in no value of this layer. */
	async recipeOf(entry: StoredAt): Promise<Recipe | null> {
		const found = await this.look(entry);
		return found === null || found.symbol === null || this.namespace(entry.place).format !== "json" ? null : recipeOf(found);
	}

	async createdAt(entry: StoredAt): Promise<number | null> {
		return (await this.look(entry))?.createdAt ?? null;
	}

	async read(entry: StoredAt, maxBytes: number): Promise<StoredValue | null> {
		const { format } = this.namespace(entry.place);
		const found = await this.look(entry);
		if (found === null || format === "other") return null;
		if (found.size > maxBytes)
			throw new CachewardenError("BAD_USER_INPUT", {
				key: "error.valueTooLarge",
				facts: { path: entry.key, bytes: found.size, max: maxBytes },
			});
		const bytes = await this.connection.call(CALL_MS, (client) => client.getBuffer(entry.key));
		if (bytes === null) return null;
		const createdAt = found.createdAt ?? this.clock.now();
		if (format === "pickle") return { recipe: recipeOf(found), value: { form: "pickle", bytes }, createdAt };
		const value = textOf(bytes);
		return value === null ? null : { recipe: recipeOf(found), value, createdAt };
	}

	async write({ place, key, recipe, value, createdAt, replaces }: WriteOrder): Promise<WriteOutcome> {
		const namespace = this.namespace(place);
		if (!hasForm(key, namespace.keys)) throw new CachewardenError("BAD_PATH", { key: "error.redisForeignKey", facts: { key, place } });
		const timeToLiveMs = this.timeToLive(namespace, recipe) - Math.max(0, this.clock.now() - createdAt);
		if (timeToLiveMs <= 0) throw new CachewardenError("LOADER_FAILED", { key: "error.copyTooOld", facts: { key } });
		const bytes = value.form === "pickle" ? Buffer.from(value.bytes) : jsonOf(recipe, value, createdAt);
		const proof = replaces === null ? "" : proofsOf([replaces]);
		const told = await this.connection.call(CALL_MS, (client) => runScript(client, SCRIPT, [key], [proof, timeToLiveMs, bytes], false));
		if (told === "CHANGED") return { outcome: "changed" };
		if (told !== String(bytes.length)) throw new CachewardenError("INTERNAL");
		return { outcome: "written", bytes: bytes.length };
	}

	/** For its five seconds it lies in the first namespace: nothing outside of the namespaces is written. */
	async probe(): Promise<void> {
		const [namespace] = this.namespaces;
		if (namespace === undefined) return;
		const { keys } = namespace;
		const key =
			keys.kind === "hex32" ? randomBytes(16).toString("hex") : `${keys.prefix}.cachewarden-probe-${randomBytes(8).toString("hex")}`;
		const value = randomBytes(32).toString("hex");
		await this.connection.call(PROBE_MS, async (client) => {
			await client.set(key, value, "PX", PROBE_MS);
			const back = await client.get(key);
			await client.unlink(key);
			if (back !== value)
				throw new CachewardenError("BACKEND_UNAVAILABLE", { key: "error.probeDiffers", facts: { location: this.connection.location } });
		});
	}

	close(): Promise<void> {
		return this.connection.close();
	}

	private timeToLive(namespace: RedisNamespace, { type, symbol }: Recipe): number {
		if (namespace.timeToLiveMs !== null) return namespace.timeToLiveMs;
		const hours = hoursToLive(type, symbol, this.settings);
		return hours === null ? USUAL_TTL_MS : hours * HOUR_MS;
	}

	private namespace(place: string): RedisNamespace {
		const found = this.namespaces.find(({ name }) => name === place);
		if (found === undefined) throw new CachewardenError("BAD_PATH");
		return found;
	}

	private async look({ place, key }: StoredAt): Promise<ReportedEntry | null> {
		const namespace = this.namespace(place);
		if (!hasForm(key, namespace.keys)) return null;
		return (await lookUp(this.connection, namespace, [key], this.settings))[0] ?? null;
	}
}

function recipeOf({ symbol, type, source }: ReportedEntry): Recipe {
	return { symbol: symbol ?? "", type, source, startDate: null, endDate: null };
}

/** Members in the field's order: `created_at` is the last, so that the value's end tells it. Separators as Python writes them. */
function jsonOf(recipe: Recipe, { bytes, format }: CacheValue & { readonly form: "text" }, createdAt: number): Buffer {
	const members = {
		data: Buffer.from(bytes).toString("utf8"),
		data_format: format === "json" ? "dataframe_json" : "text",
		symbol: recipe.symbol,
		data_source: recipe.source ?? "unknown",
		created_at: `${new Date(createdAt).toISOString().slice(0, -1)}000+00:00`,
	};
	const text = Object.entries(members).map(([name, member]) => `${JSON.stringify(name)}: ${JSON.stringify(member)}`);
	return Buffer.from(`{${text.join(", ")}}`);
}

/** Null for a value that is not one of the field's. */
function textOf(bytes: Buffer): CacheValue | null {
	let parsed: unknown;
	try {
		parsed = JSON.parse(bytes.toString("utf8"));
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
	const { data, data_format: format } = (typeof parsed === "object" && parsed !== null ? parsed : {}) as Readonly<Record<string, unknown>>;
	if (typeof data !== "string") return null;
	return { form: "text", bytes: Buffer.from(data), format: format === "dataframe_json" ? "json" : "txt" };
}
