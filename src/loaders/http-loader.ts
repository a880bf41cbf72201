import type { Recipe, TextFormat } from "../backends/writer.js";
import { CachewardenError } from "../core/errors.js";
import { type OutboundAnswer, OutboundFailure, openOutboundClient } from "../outbound/guarded-client.js";
import { type DatedOptions, datedRequests, requestAgain } from "./dated-requests.js";
import { openPace, type PaceOptions } from "./pace.js";
import type { Loader } from "./port.js";

export interface HttpLoaderOptions extends PaceOptions, DatedOptions {
	readonly name: string;
	/** With `{symbol}`, `{type}`, `{startDate}`, `{endDate}` and `{source}` in its path and query. */
	readonly url: string;
	/** Sent to the configured host only. */
	readonly headers: Readonly<Record<string, string>>;
	/** Null: by the answer's content type. */
	readonly format: TextFormat | null;
	readonly timeoutSeconds: number;
	readonly maxBytes: number;
	readonly stopAfterFailures: number;
	readonly allowPrivateAddresses: boolean;
}

const FORMATS: Readonly<Record<string, TextFormat>> = { "text/csv": "csv", "application/csv": "csv", "application/json": "json" };

/** A status that says that the next attempt may do better. */
class StatusError extends CachewardenError {
	constructor(readonly answer: OutboundAnswer) {
		super("LOADER_FAILED", { key: "error.loader.status", facts: { host: answer.host, status: answer.status } });
	}
}

export function openHttpLoader(options: HttpLoaderOptions): Loader {
	const { name, types, headers, timeoutSeconds, maxBytes } = options;
	const client = openOutboundClient(options);
	const pace = openPace(options);

	return {
		name,
		source: options.source,
		types,
		stopAfterFailures: options.stopAfterFailures,
		requests: async (symbols, at) => datedRequests(options, symbols, at),
		requestFor: async (_entry, recipe) => requestAgain(types, recipe),
		async load({ recipe }, signal) {
			const url = filled(options.url, recipe);
			const answer = await pace.run(
				async () => {
					const got = await client.send({ url, method: "GET", headers, timeoutSeconds, maxBytes }, signal);
					if (got.status < 200 || got.status > 299) throw new StatusError(got);
					return got;
				},
				passing,
				signal,
			);
			const format = options.format ?? FORMATS[answer.contentType] ?? "txt";
			return { value: { form: "text", bytes: answer.body, format }, recipe: { ...recipe, source: options.source }, createdAt: null };
		},
		async close() {
			pace.close();
			await client.close();
		},
	};
}

function passing(error: unknown): { readonly afterMs: number } | null {
	if (error instanceof OutboundFailure) return error.passing ? { afterMs: 0 } : null;
	if (!(error instanceof StatusError)) return null;
	const { status, retryAfterSeconds } = error.answer;
	return status === 408 || status === 425 || status === 429 || status >= 500 ? { afterMs: (retryAfterSeconds ?? 0) * 1000 } : null;
}

/** What is put in is a part of its place and nothing else. An absent value leaves nothing there. */
function filled(template: string, recipe: Recipe): string {
	return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(recipe[name as keyof Recipe] ?? ""));
}
