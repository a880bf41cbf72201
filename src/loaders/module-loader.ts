import { pathToFileURL } from "node:url";
import { type CacheValue, TEXT_FORMATS, type TextFormat } from "../backends/writer.js";
import { CachewardenError } from "../core/errors.js";
import { type DatedOptions, datedRequests, requestAgain } from "./dated-requests.js";
import { openPace, type PaceOptions } from "./pace.js";
import type { Loader } from "./port.js";

export interface ModuleLoaderOptions extends PaceOptions, DatedOptions {
	readonly name: string;
	/** Absolute. Loaded once, at the first use; it runs in this process with all its rights. */
	readonly file: string;
	/** The name of the exported function. */
	readonly export: string;
	readonly timeoutSeconds: number;
	readonly maxBytes: number;
	readonly stopAfterFailures: number;
}

/**
 * What the function is given and gives: `load({ symbol, type, source, startDate, endDate, signal })` answers, or promises,
 * `{ data, format, source? }` with text or bytes in `data` and csv, txt or json in `format`.
 */
type LoadFunction = (request: Readonly<Record<string, unknown>>) => unknown;

export function openModuleLoader(options: ModuleLoaderOptions): Loader {
	const { name, types, timeoutSeconds } = options;
	const pace = openPace(options);
	let loaded: Promise<LoadFunction> | null = null;

	async function functionOf(): Promise<LoadFunction> {
		const module = (await import(pathToFileURL(options.file).href)) as Readonly<Record<string, unknown>>;
		const found = module[options.export];
		if (typeof found !== "function") throw new Error(`the module exports no function ${options.export}`);
		return found as LoadFunction;
	}

	async function call(request: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown> {
		const own = new AbortController();
		let timer: NodeJS.Timeout | undefined;
		let forward = (): void => undefined;
		const cut = new Promise<never>((_, reject) => {
			timer = setTimeout(() => {
				own.abort();
				reject(new CachewardenError("LOADER_FAILED", { key: "error.loader.timeout", facts: { host: name, seconds: timeoutSeconds } }));
			}, timeoutSeconds * 1000);
			forward = () => {
				own.abort();
				reject(signal.reason);
			};
			signal.addEventListener("abort", forward, { once: true });
		});
		try {
			loaded ??= functionOf();
			const load = await loaded;
			return await Promise.race([load({ ...request, signal: own.signal }), cut]);
		} catch (error) {
			if (signal.aborted) throw signal.reason;
			if (error instanceof CachewardenError) throw error;
			const reason = error instanceof Error ? error.message : String(error);
			throw new CachewardenError("LOADER_FAILED", { key: "error.loader.module", facts: { name, reason } }, { cause: error });
		} finally {
			clearTimeout(timer);
			signal.removeEventListener("abort", forward);
		}
	}

	return {
		name,
		source: options.source,
		types,
		stopAfterFailures: options.stopAfterFailures,
		requests: async (symbols, at) => datedRequests(options, symbols, at),
		requestFor: async (_entry, recipe) => requestAgain(types, recipe),
		async load({ recipe }, signal) {
			const given = await pace.run(
				() => call({ ...recipe }, signal),
				(error) => (error instanceof CachewardenError ? { afterMs: 0 } : null),
				signal,
			);
			const { value, source } = loadedValue(given, options);
			return { value, recipe: { ...recipe, source: source ?? options.source }, createdAt: null };
		},
		async close() {
			pace.close();
		},
	};
}

function loadedValue(
	given: unknown,
	{ name, maxBytes }: ModuleLoaderOptions,
): { readonly value: CacheValue; readonly source: string | null } {
	const { data, format, source } = (typeof given === "object" && given !== null ? given : {}) as Readonly<Record<string, unknown>>;
	const known = TEXT_FORMATS.find((one): one is TextFormat => one === format);
	const bytes = typeof data === "string" ? Buffer.from(data) : data instanceof Uint8Array ? data : null;
	if (bytes === null || known === undefined)
		throw new CachewardenError("LOADER_FAILED", {
			key: "error.loader.module",
			facts: { name, reason: "it must answer { data, format } with text or bytes, and csv, txt or json" },
		});
	if (bytes.length > maxBytes)
		throw new CachewardenError("LOADER_FAILED", { key: "error.loader.tooLarge", facts: { host: name, max: maxBytes } });
	return { value: { form: "text", bytes, format: known }, source: typeof source === "string" ? source : null };
}
