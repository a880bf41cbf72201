import { isUtf8 } from "node:buffer";
import type { CacheValue, CacheWriter, StoredAt, WriteOrder } from "../backends/writer.js";
import type { Coordination } from "../coordination/port.js";
import type { Clock } from "../core/clock.js";
import { CachewardenError, type Failure, failureOf } from "../core/errors.js";
import type { Loader, LoadRequest } from "../loaders/port.js";

/** Read whole only to count what a killed attempt had put in place. */
const MAX_COUNTED_BYTES = 268_435_456;

export interface LoadOrder {
	readonly loader: Loader;
	readonly request: LoadRequest;
	readonly writer: CacheWriter;
	/** Where the value belongs. */
	readonly at: StoredAt;
	readonly replaces: WriteOrder["replaces"];
	/** An entry that was made at or after this moment is new enough: it is not loaded again. */
	readonly since: number;
	/** An attempt that was killed may have put it in place: then it is counted and not loaded again. */
	readonly resumed: boolean;
}

export type LoadOutcome =
	| { readonly outcome: "loaded"; readonly bytes: number }
	| { readonly outcome: "skipped" }
	| { readonly outcome: "failed"; readonly failure: Failure }
	/** Cancelled before it was in place. */
	| { readonly outcome: "left" };

/**
 * Loads one entry. Over all processes there is one load of a key at a time, and whoever waited for it finds the entry new enough:
 * many who want the same ask its source once.
 */
export async function loadEntry(
	{ coordination, clock }: { readonly coordination: Coordination; readonly clock: Clock },
	order: LoadOrder,
	signal: AbortSignal,
): Promise<LoadOutcome> {
	const { loader, request, writer, at, replaces, since, resumed } = order;
	try {
		const lease = await coordination.lock(`load:${writer.kind}:${at.place}:${at.key}`, signal);
		try {
			const made = await writer.createdAt(at);
			if (made !== null && made >= since) {
				if (!resumed) return { outcome: "skipped" };
				const there = await writer.read(at, MAX_COUNTED_BYTES);
				return { outcome: "loaded", bytes: there?.value.bytes.length ?? 0 };
			}
			const loaded = await loader.load(request, signal);
			checkValue(loaded.value, loader.name);
			// The copy is there already.
			if (loaded.createdAt !== null && made === loaded.createdAt) return { outcome: "skipped" };
			signal.throwIfAborted();
			lease.signal.throwIfAborted();
			const written = await writer.write({
				place: at.place,
				key: at.key,
				recipe: loaded.recipe,
				value: loaded.value,
				createdAt: loaded.createdAt ?? clock.now(),
				replaces,
			});
			return written.outcome === "written" ? { outcome: "loaded", bytes: written.bytes } : { outcome: "skipped" };
		} finally {
			await lease.release();
		}
	} catch (error) {
		return signal.aborted ? { outcome: "left" } : { outcome: "failed", failure: failureOf(error) };
	}
}

/** LOADER_FAILED for what cannot be a value of its format: an old value is worth more than a page that says sorry. */
function checkValue({ bytes, ...value }: CacheValue, name: string): void {
	const fail = (said: CachewardenError["said"]): never => {
		throw new CachewardenError("LOADER_FAILED", said);
	};
	if (bytes.length === 0) fail({ key: "error.loader.empty", facts: { name } });
	if (value.form === "pickle") return;
	if (!isUtf8(bytes)) fail({ key: "error.loader.notText", facts: { name } });
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
	if (text.trim() === "") fail({ key: "error.loader.empty", facts: { name } });
	const isPage = /^\s*<(!doctype|html)/i.test(text);
	if ((value.format === "csv" && isPage) || (value.format === "json" && !isJson(text)))
		fail({ key: "error.loader.notFormat", facts: { name, format: value.format } });
}

function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}
