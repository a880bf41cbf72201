/** A kind of loader of your own: prices from a folder, `<symbol>.csv`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CachewardenError } from "../../src/core/errors.js";
import { type DatedOptions, datedRequests, requestAgain } from "../../src/loaders/dated-requests.js";
import { openPace, type PaceOptions } from "../../src/loaders/pace.js";
import type { Loader } from "../../src/loaders/port.js";

export interface FolderLoaderOptions extends PaceOptions, DatedOptions {
	readonly name: string;
	readonly folder: string;
	readonly stopAfterFailures: number;
	/** Default: as a file. */
	readonly read?: (path: string, signal: AbortSignal) => Promise<string>;
}

/** What may be gone with the next attempt. */
const PASSING = ["EBUSY", "EMFILE", "EIO"];

export function openFolderLoader(options: FolderLoaderOptions): Loader {
	const { name, folder, types, source, stopAfterFailures } = options;
	const read = options.read ?? ((path: string, signal: AbortSignal) => readFile(path, { encoding: "utf8", signal }));
	const pace = openPace(options);

	async function contentOf(symbol: string, signal: AbortSignal): Promise<string> {
		try {
			// A symbol is a name and never a way.
			return await read(join(folder, `${encodeURIComponent(symbol)}.csv`), signal);
		} catch (error) {
			if (signal.aborted) throw signal.reason;
			const reason = error instanceof Error ? error.message : String(error);
			throw new CachewardenError("LOADER_FAILED", { key: "error.loader.module", facts: { name, reason } }, { cause: error });
		}
	}

	return {
		name,
		source,
		types,
		stopAfterFailures,
		requests: async (symbols, at) => datedRequests(options, symbols, at),
		requestFor: async (_entry, recipe) => requestAgain(types, recipe),
		async load({ recipe }, signal) {
			const text = await pace.run(
				() => contentOf(recipe.symbol, signal),
				(error) => (PASSING.includes(codeOf(error)) ? { afterMs: 0 } : null),
				signal,
			);
			return { value: { form: "text", bytes: Buffer.from(text), format: "csv" }, recipe: { ...recipe, source }, createdAt: null };
		},
		async close() {
			pace.close();
		},
	};
}

function codeOf(error: unknown): string {
	const cause = error instanceof Error ? (error.cause as { readonly code?: unknown } | undefined) : undefined;
	return String(cause?.code ?? "");
}
