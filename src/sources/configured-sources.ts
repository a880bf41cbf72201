import type { Config } from "../config/config.js";
import { CachewardenError } from "../core/errors.js";
import { type OutboundAnswer, OutboundFailure, openOutboundClient } from "../outbound/guarded-client.js";
import type { DataSource } from "./port.js";

type Form = Config["sources"][string];
type HttpSync = Exclude<Form["sync"], "external">;

/** An answer is only looked at for whether it says that all went well. */
const MAX_ANSWER_BYTES = 1_048_576;

export interface OpenSources {
	readonly byName: ReadonlyMap<string, DataSource>;
	close(): Promise<void>;
}

export function openSources(forms: Config["sources"]): OpenSources {
	const closers: (() => Promise<void>)[] = [];
	const sources = Object.entries(forms).map(([name, form]): DataSource => {
		const { types, symbols = null, sync } = form;
		if (sync === "external") return { name, types, symbols, sync: null };
		const client = openOutboundClient(sync);
		closers.push(() => client.close());
		return { name, types, symbols, sync: (wanted, signal) => call(name, sync, client, wanted, signal) };
	});
	return {
		byName: new Map(sources.map((source) => [source.name, source])),
		async close() {
			await Promise.all(closers.map((close) => close()));
		},
	};
}

/** `{ source, symbols }` goes as JSON in the body, with GET as `symbols=A,B` in the query. */
async function call(
	name: string,
	{ url: address, method, headers, timeoutSeconds, success }: HttpSync,
	client: ReturnType<typeof openOutboundClient>,
	symbols: readonly string[] | null,
	signal: AbortSignal,
): Promise<void> {
	const url = new URL(address);
	if (method === "GET" && symbols !== null) url.searchParams.set("symbols", symbols.join(","));
	const body = method === "GET" ? {} : { body: { source: name, symbols } };
	let answer: OutboundAnswer;
	try {
		answer = await client.send({ url: url.href, method, headers, timeoutSeconds, maxBytes: MAX_ANSWER_BYTES, ...body }, signal);
	} catch (error) {
		if (!(error instanceof OutboundFailure)) throw error;
		throw new CachewardenError("SYNC_FAILED", error.said, { cause: error });
	}
	const { status, host } = answer;
	const { statuses } = success;
	if (statuses === undefined ? status < 200 || status > 299 : !statuses.includes(status))
		throw new CachewardenError("SYNC_FAILED", { key: "error.loader.status", facts: { host, status } });
	if (success.member === undefined) return;
	const found = memberOf(answer.body, success.member);
	if (success.equals === undefined ? !found : found !== success.equals)
		throw new CachewardenError("SYNC_FAILED", {
			key: "error.sync.member",
			facts: { host, member: success.member, value: (JSON.stringify(found) ?? "nothing").slice(0, 200) },
		});
}

/** Undefined when the answer is no JSON, or has no such member. */
function memberOf(body: Uint8Array, path: string): unknown {
	let value: unknown;
	try {
		value = JSON.parse(Buffer.from(body).toString("utf8"));
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
	for (const name of path.split(".")) {
		if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
		value = (value as Readonly<Record<string, unknown>>)[name];
	}
	return value;
}
